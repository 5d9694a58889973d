//! Server-side apply of a list of objects, in the order that they need.

use std::{collections::BTreeSet, time::Duration};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kind_core::{
    cluster::ClusterError,
    wait::{ApiServer, Check, look_at_definitions, until, until_or, words_of_api},
};
use kube::{Api, Client, api::DynamicObject};
use serde_json::Value;
use tokio::time::timeout;

use super::{
    ApplyError,
    items::{Item, refused},
    order::{is_definition, rank},
    resources::{Resource, Resources},
    shared::{Claim, Shared, claim},
};

/// Who manages the fields of what is applied for a test.
pub(super) const FIELD_MANAGER: &str = "kind-harness";
/// How long one object may take where the cluster says that it only cannot take it yet.
const LIMIT: Duration = Duration::from_mins(1);
/// How long it has for one answer. A server that was just lost never gives one; to apply again changes nothing.
pub(super) const ANSWER: Duration = Duration::from_secs(10);
pub(super) const NO_ANSWER: &str = "the API does not answer";
const GOING: &str = "it is being deleted";
const EVERY: Duration = Duration::from_millis(250);
/// How long until every API server serves a definition.
const SERVED: Duration = Duration::from_mins(1);

/// Applies objects for one test.
pub(crate) struct Applier<'a, Servers> {
    pub(crate) client: &'a Client,
    /// Where objects go that are in some namespace and do not say in which.
    pub(crate) namespace: Option<&'a str>,
    /// What tells this test from others that use the same cluster.
    pub(crate) holder: &'a str,
    /// Every API server of the cluster.
    pub(crate) servers: Servers,
}

/// What of the cluster changes with the objects that are sent.
struct Batch {
    resources: Resources,
    /// Groups that definitions of this batch add to.
    defined: BTreeSet<String>,
    /// Namespaces of this batch.
    namespaces: BTreeSet<String>,
}

impl<Servers> Applier<'_, Servers>
where
    Servers: AsyncFn() -> Result<Vec<ApiServer>, ClusterError>,
{
    /// Applies them, and returns them as the cluster has them then, in the order in which they were given. `on_shared` hears of
    /// everything that outlives the test's namespace, before it is made.
    pub(crate) async fn apply(
        &self,
        items: Vec<Item>,
        mut on_shared: impl FnMut(Shared),
    ) -> Result<Vec<DynamicObject>, ApplyError> {
        let mut batch = Batch::new(&items);
        for item in &items {
            if !batch.defined.contains(item.group()) {
                // Nothing is sent where something could not be.
                let resource = self.resource(&mut batch, item).await?;
                self.namespace_of(item, &resource)?;
            }
        }
        let mut order: Vec<usize> = (0..items.len()).collect();
        order.sort_by_key(|index| rank(&items[*index]));
        let mut applied: Vec<Option<DynamicObject>> = items.iter().map(|_| None).collect();
        let mut definitions = Vec::new();
        for index in order {
            let item = &items[index];
            if !is_definition(item) && !definitions.is_empty() {
                self.served(&std::mem::take(&mut definitions)).await?;
            }
            let object = self.send(&mut batch, item, &mut on_shared).await?;
            if is_definition(item) {
                definitions.push((item, object.clone()));
            }
            applied[index] = Some(object);
        }
        if !definitions.is_empty() {
            self.served(&definitions).await?;
        }
        Ok(applied.into_iter().flatten().collect())
    }

    /// Waits until every API server serves the definitions.
    async fn served(&self, definitions: &[(&Item, DynamicObject)]) -> Result<(), ApplyError> {
        let read = |(item, object): &(&Item, DynamicObject)| {
            let value = serde_json::to_value(object).map_err(|error| refused(&item.to_string(), error))?;
            serde_json::from_value(value).map_err(|error| refused(&item.to_string(), error))
        };
        let names: Vec<&str> = definitions.iter().map(|(item, _)| item.name.as_str()).collect();
        let definitions: Vec<CustomResourceDefinition> = definitions.iter().map(read).collect::<Result<_, _>>()?;
        let servers = (self.servers)().await?;
        let what = format!("every API server to serve {}", names.join(", "));
        until(what, SERVED, async || look_at_definitions(&servers, &definitions).await)
            .await
            .map_err(ApplyError::Served)
    }

    async fn resource(&self, batch: &mut Batch, item: &Item) -> Result<Resource, ApplyError> {
        let found = until_or(EVERY, format!("{} to be known", item.kind), LIMIT, async || {
            match timeout(ANSWER, batch.resources.of(self.client, item)).await {
                Ok(Ok(Ok(resource))) => Ok(Check::Done(resource)),
                Ok(Ok(Err(unknown))) if batch.defined.contains(item.group()) => Ok(Check::not_yet(unknown)),
                Ok(Ok(Err(unknown))) => Err(unknown),
                Ok(Err(error)) if batch.passes(&error, item) => Ok(Check::NotYet(words_of_api(&error))),
                Ok(Err(error)) => Err(ApplyError::Refused { place: item.to_string(), answer: Box::new(error) }),
                Err(_) => Ok(Check::not_yet(NO_ANSWER)),
            }
        });
        found.await?.map_err(|source| ApplyError::Late { place: item.to_string(), source })
    }

    fn namespace_of(&self, item: &Item, resource: &Resource) -> Result<Option<String>, ApplyError> {
        match (&item.namespace, resource.namespaced) {
            (Some(namespace), true) => Ok(Some(namespace.clone())),
            (None, true) => match self.namespace {
                Some(namespace) => Ok(Some(namespace.to_owned())),
                None => Err(refused(
                    &item.to_string(),
                    "found no metadata.namespace, and a test with `access = \"read\"` has no namespace of its own",
                )),
            },
            // As kubectl has it: what is cluster-wide has none, whatever it says.
            (_, false) => Ok(None),
        }
    }

    /// Applies one object, again while the cluster says that it only cannot take it yet.
    async fn send(
        &self,
        batch: &mut Batch,
        item: &Item,
        on_shared: &mut impl FnMut(Shared),
    ) -> Result<DynamicObject, ApplyError> {
        let resource = self.resource(batch, item).await?;
        let namespace = self.namespace_of(item, &resource)?;
        let own = namespace.is_some() && namespace.as_deref() == self.namespace;
        let mut object = item.object.clone();
        match &namespace {
            Some(namespace) => object["metadata"]["namespace"] = Value::from(namespace.as_str()),
            None => {
                if let Some(metadata) = object["metadata"].as_object_mut() {
                    metadata.remove("namespace");
                }
            }
        }
        let api: Api<DynamicObject> = match &namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource.api),
            None => Api::all_with(self.client.clone(), &resource.api),
        };
        let shared = Shared::new(api, resource.api, &item.name, self.holder);
        let mut is_told = false;
        let sent = until_or(EVERY, format!("{item} to be taken"), LIMIT, async || {
            let sent = async {
                if own {
                    return shared.apply(&object, FIELD_MANAGER).await.map(Check::Done);
                }
                match claim(&shared).await? {
                    Claim::Others => return shared.apply(&object, FIELD_MANAGER).await.map(Check::Done),
                    Claim::Going => return Ok(Check::not_yet(GOING)),
                    Claim::Ours { is_new } => {
                        if is_new && !std::mem::replace(&mut is_told, true) {
                            on_shared(shared.clone());
                        }
                    }
                }
                let made = shared.apply(&shared.marked(&object), &shared.manager()).await?;
                // Where somebody's deletion of it was under way, what was applied goes with it.
                let is_going = made.metadata.deletion_timestamp.is_some();
                Ok(if is_going { Check::not_yet(GOING) } else { Check::Done(made) })
            };
            match timeout(ANSWER, sent).await {
                Ok(Err(error)) if batch.passes(&error, item) => Ok(Check::NotYet(words_of_api(&error))),
                Ok(sent) => sent,
                Err(_) => Ok(Check::not_yet(NO_ANSWER)),
            }
        });
        match sent.await {
            Ok(Ok(made)) => Ok(made),
            Ok(Err(source)) => Err(ApplyError::Late { place: item.to_string(), source }),
            Err(answer) => Err(ApplyError::Refused { place: item.to_string(), answer: Box::new(answer) }),
        }
    }
}

impl Batch {
    fn new(items: &[Item]) -> Self {
        let text = |item: &Item, pointer: &str| {
            item.object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let of_apis = |item: &&Item| item.group() == "apiregistration.k8s.io" && item.kind == "APIService";
        let apis = items.iter().filter(of_apis).map(|item| text(item, "/spec/group"));
        let defined = items.iter().filter(|item| is_definition(item)).map(|item| text(item, "/spec/group"));
        let is_namespace = |item: &&Item| item.group().is_empty() && item.kind == "Namespace";
        let namespaces = items.iter().filter(is_namespace).map(|item| item.name.clone()).collect();
        Self { resources: Resources::default(), defined: defined.chain(apis).collect(), namespaces }
    }

    /// Whether an answer only says that something is not there yet, or was not there at that moment.
    fn passes(&self, error: &kube::Error, item: &Item) -> bool {
        let status = match error {
            kube::Error::Api(status) => status,
            kube::Error::HyperError(_) | kube::Error::Service(_) => return true,
            _ => return false,
        };
        let says = |words: &str| status.message.contains(words);
        match status.code {
            429 | 502..=504 => true,
            500 => says("failed calling webhook") || says("etcdserver"),
            // Who asks for one version of an object alone means it.
            409 => item.object.pointer("/metadata/resourceVersion").is_none(),
            403 => says("error looking up service account") || says("because it is being terminated"),
            404 => {
                let new = self.namespaces.iter().any(|name| says(&format!("namespaces \"{name}\" not found")));
                new || self.defined.contains(item.group())
            }
            _ => false,
        }
    }
}
