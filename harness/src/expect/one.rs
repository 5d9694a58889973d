//! What one object should be.

use std::{marker::PhantomData, time::Duration};

use k8s_openapi::api::{
    apps::v1::{DaemonSet, Deployment, StatefulSet},
    batch::v1::Job,
    core::v1::Event,
};
use kube::{Api, Resource};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    ExpectError, describe,
    judge::{self, Judged},
    place::Place,
    subset::{differences, listed},
    watch::{End, Followed, State},
};

/// How long anything may take where nothing else is said.
pub(super) const LIMIT: Duration = Duration::from_mins(2);

/// Says what an object should be, and waits until it is: see the methods of [`Expect`].
///
/// ```no_run
/// use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
/// use kind_harness::{TestContext, TestNamespace, expect, expect_all, kind_test};
/// use kube::Api;
/// use serde_json::json;
///
/// #[kind_test]
/// async fn rolls_out(context: TestContext, ns: TestNamespace) -> anyhow::Result<()> {
///     context.apply_files("deploy/web.yaml").await?;
///
///     let deployments: Api<Deployment> = Api::namespaced(context.client().clone(), &ns);
///     expect(&deployments, "web").rolled_out().await?;
///     expect(&deployments, "web").matches(json!({ "status": { "readyReplicas": 2 } })).await?;
///
///     let pods: Api<Pod> = Api::namespaced(context.client().clone(), &ns);
///     for pod in expect_all(&pods, "app=web").condition("Ready").await? {
///         println!("{} runs on {:?}", pod.metadata.name.unwrap(), pod.spec.unwrap().node_name);
///     }
///     Ok(())
/// }
/// # fn main() {}
/// ```
pub fn expect<K: Resource + Clone>(api: &Api<K>, name: &str) -> Expect<K> {
    let fields = Some(format!("metadata.name={name}"));
    let (client, url) = (api.clone().into_client(), api.resource_url().to_owned());
    let followed = Followed { client, url, fields, labels: None };
    let namespace = api.namespace().map(ToOwned::to_owned);
    Expect { followed, name: name.to_owned(), namespace, limit: LIMIT, kind: PhantomData }
}

/// An object about which something is expected. Made by [`expect`].
///
/// Each method waits for two minutes where [`within`](Self::within) says nothing else, by a watch: nothing is missed between
/// two looks, and a watch that is cut, as by a lost control plane, is taken up where it was. The errors say what was last seen,
/// and what changed until then.
#[must_use = "nothing is looked at before a method such as `exists` is awaited"]
pub struct Expect<K> {
    followed: Followed,
    name: String,
    namespace: Option<String>,
    limit: Duration,
    kind: PhantomData<fn() -> K>,
}

/// Kinds whose objects are rolled out.
pub trait RollsOut: sealed::Judge {}

mod sealed {
    use serde_json::Value;

    use super::super::judge::Judged;

    pub trait Judge {
        #[doc(hidden)]
        fn judge(object: &Value) -> Outcome;
    }

    /// Not to be seen outside.
    pub struct Outcome(pub(in super::super) Judged<()>);
}

macro_rules! rolls_out {
    ($($kind:ty: $judge:path),*) => {$(
        impl sealed::Judge for $kind {
            fn judge(object: &Value) -> sealed::Outcome {
                sealed::Outcome($judge(object))
            }
        }

        impl RollsOut for $kind {}
    )*};
}

rolls_out!(Deployment: judge::deployment, StatefulSet: judge::stateful_set, DaemonSet: judge::daemon_set);

/// Reads what the API gave.
pub(super) fn read<K: DeserializeOwned>(object: &Value) -> Result<K, String> {
    K::deserialize(object).map_err(|error| format!("it cannot be read as the type that was asked for: {error}"))
}

impl<K: Resource + DeserializeOwned> Expect<K> {
    /// Waits so long at most.
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    fn what(&self, what: &str) -> String {
        format!("{}/{} {what}", self.followed.plural(), self.name)
    }

    /// Follows the one object.
    async fn follow<T>(
        &self,
        what: String,
        mut judge: impl FnMut(Option<&Value>) -> Judged<T>,
    ) -> Result<T, ExpectError> {
        let judge = |state: &State| judge(state.values().next());
        let (end, told) = self.followed.follow(&what, self.limit, judge).await;
        match end {
            End::Found(found) => Ok(found),
            End::Passed { .. } => Err(told.error(what, format!("not so within {:?}", self.limit))),
            End::Never => Err(told.error(what, "it never will".to_owned())),
        }
    }

    /// For what has a judgement of its own. `what` finishes the sentence that begins with its name.
    pub(crate) async fn judged<T>(
        self,
        what: &str,
        judge: impl FnMut(Option<&Value>) -> Judged<T>,
    ) -> Result<T, ExpectError> {
        self.follow(self.what(what), judge).await
    }

    /// Follows it, and reads it once it is judged well.
    async fn so(self, what: &str, mut judge: impl FnMut(&Value) -> Judged<()>) -> Result<K, ExpectError> {
        let judge = |object: Option<&Value>| {
            let Some(object) = object else { return Judged::NotYet("there is none of that name".to_owned()) };
            match judge(object) {
                Judged::Yes(()) => read(object).map_or_else(Judged::Never, Judged::Yes),
                Judged::NotYet(status) => Judged::NotYet(status),
                Judged::Never(why) => Judged::Never(why),
            }
        };
        self.follow(self.what(what), judge).await
    }

    /// Waits until it is there.
    ///
    /// # Errors
    /// When it is not there in time.
    pub async fn exists(self) -> Result<K, ExpectError> {
        self.so("to be there", |_| Judged::Yes(())).await
    }

    /// Waits until `predicate` is true of it. `what` finishes the sentence that begins with its name, such as `to have a node`.
    ///
    /// # Errors
    /// When it is not true in time.
    pub async fn to(self, what: &str, mut predicate: impl FnMut(&K) -> bool) -> Result<K, ExpectError> {
        let (what, secret) = (self.what(what), self.followed.secret());
        let judge = |object: Option<&Value>| {
            let Some(object) = object else { return Judged::NotYet("there is none of that name".to_owned()) };
            match read::<K>(object) {
                Ok(read) if predicate(&read) => Judged::Yes(read),
                Ok(_) => Judged::NotYet(describe::object(object, secret)),
                Err(why) => Judged::Never(why),
            }
        };
        self.follow(what, judge).await
    }

    /// Waits until it has a condition: `Ready` for one that is `True`, or with another status, such as `Ready=False`. One that
    /// is older than the object's newest generation does not count.
    ///
    /// # Errors
    /// When it has not in time.
    pub async fn condition(self, condition: &str) -> Result<K, ExpectError> {
        self.so(&format!("to be {condition}"), |object| judge::condition(object, condition)).await
    }

    /// Waits until there is this value at a path, such as `status.phase`, `spec.containers[0].image` or
    /// `metadata.annotations['example.org/owner']`. `null` is for nothing.
    ///
    /// # Errors
    /// When there is another one until the end, or the path is none.
    pub async fn field(self, path: &str, value: impl Serialize) -> Result<K, ExpectError> {
        let (place, wanted) = (Place::new(path), serde_json::to_value(value).map_err(|error| error.to_string()));
        let secret = self.followed.secret();
        let hidden = describe::is_hidden(secret, path.trim_start_matches(['{', '$', '.']));
        let told = match (&wanted, hidden) {
            (Ok(wanted), false) => format!("to have {path} = {}", describe::short(wanted)),
            _ => format!("to have another {path}"),
        };
        let judge = |object: &Value| match (&place, &wanted) {
            (Ok(place), Ok(wanted)) => match place.of(object) {
                None if wanted.is_null() => Judged::Yes(()),
                None => Judged::NotYet(format!("there is no {path}")),
                Some(found) if found == wanted => Judged::Yes(()),
                Some(_) if hidden => Judged::NotYet(format!("{path} is another one (hidden)")),
                Some(found) => Judged::NotYet(format!("{path} is {}", describe::short(found))),
            },
            (Err(why), _) | (_, Err(why)) => Judged::Never(why.clone()),
        };
        self.so(&told, judge).await
    }

    /// Waits until it has all these fields, as [`assert_object!`](crate::assert_object) compares them.
    ///
    /// # Errors
    /// When it has not in time; the error lists the differences.
    pub async fn matches(self, expected: Value) -> Result<K, ExpectError> {
        let secret = self.followed.secret();
        let judge = |object: &Value| {
            let differences = differences(object, &expected, secret);
            if differences.is_empty() { Judged::Yes(()) } else { Judged::NotYet(listed(&differences)) }
        };
        self.so("to have the fields that are given", judge).await
    }

    /// Waits until it is gone, or another one of its name is there.
    ///
    /// # Errors
    /// When it is still there at the end; the error has its finalizers.
    pub async fn deleted(self) -> Result<(), ExpectError> {
        let secret = self.followed.secret();
        let mut first: Option<Value> = None;
        let judge = |object: Option<&Value>| {
            let Some(object) = object else { return Judged::Yes(()) };
            let uid = &object["metadata"]["uid"];
            if first.get_or_insert_with(|| uid.clone()) != uid {
                return Judged::Yes(());
            }
            let is_asked_for = !object["metadata"]["deletionTimestamp"].is_null();
            let how = if is_asked_for { "it is being deleted" } else { "nobody asked for its deletion" };
            Judged::NotYet(format!("{how}: {}", describe::object(object, secret)))
        };
        self.follow(self.what("to be gone"), judge).await
    }

    /// Sees to it for this long that `predicate` is never true of it. That it is not there at all is no reason to fail.
    ///
    /// Every state that the API server tells of is looked at, however short. `what` finishes the sentence, such as
    /// `to be restarted`.
    ///
    /// # Errors
    /// When it is true of it once, or the API cannot be asked at the end.
    pub async fn never(
        self,
        what: &str,
        mut predicate: impl FnMut(&K) -> bool,
        during: Duration,
    ) -> Result<(), ExpectError> {
        let (what, secret) = (self.what(&format!("never {what}")), self.followed.secret());
        let judge = |state: &State| {
            let Some(object) = state.values().next() else { return Judged::NotYet("there is none".to_owned()) };
            match read::<K>(object) {
                Ok(read) if predicate(&read) => Judged::Yes(describe::object(object, secret)),
                Ok(_) => Judged::NotYet(describe::object(object, secret)),
                Err(why) => Judged::Never(why),
            }
        };
        let (end, mut told) = self.followed.follow(&what, during, judge).await;
        match end {
            End::Passed { seen: true } => Ok(()),
            End::Passed { seen: false } => {
                let how = format!("nobody knows what it was at the end, after {during:?}");
                Err(told.error(what, how))
            }
            End::Never => Err(told.error(what, "it cannot be told".to_owned())),
            End::Found(last) => {
                told.last = last;
                let how = format!("it did after {:.1} s", told.changes.elapsed());
                Err(told.error(what, how))
            }
        }
    }
}

impl<K: RollsOut + Resource + DeserializeOwned> Expect<K> {
    /// Waits until its newest version is rolled out: every replica is of it and available, and no other is there.
    ///
    /// # Errors
    /// When that is not so in time, or never will be: its progress deadline passed, or it waits for somebody to delete pods.
    pub async fn rolled_out(self) -> Result<K, ExpectError> {
        self.so("to be rolled out", |object| K::judge(object).0).await
    }
}

impl Expect<Job> {
    /// Waits until the Job is complete.
    ///
    /// # Errors
    /// When it is not in time, or failed.
    pub async fn complete(self) -> Result<Job, ExpectError> {
        self.so("to be complete", judge::job).await
    }
}

impl<K> Expect<K>
where
    K: Resource<DynamicType: Default> + DeserializeOwned,
{
    /// Waits until there is an Event about it with this reason, such as `FailedScheduling`. One of an earlier object of the same
    /// name counts as well.
    ///
    /// # Errors
    /// When there is none in time; the error lists the reasons there are.
    pub async fn event(self, reason: &str) -> Result<Event, ExpectError> {
        let kind = K::kind(&K::DynamicType::default()).into_owned();
        // Those about cluster-wide objects are in `default`.
        let namespace = self.namespace.as_deref().unwrap_or("default");
        let url = format!("/api/v1/namespaces/{namespace}/events");
        let fields = format!("involvedObject.kind={kind},involvedObject.name={}", self.name);
        let followed = Followed { url, fields: Some(fields), ..self.followed.clone() };
        let what = self.what(&format!("to have an event {reason}"));
        let judge = |state: &State| {
            if let Some(event) = state.values().find(|event| event["reason"] == reason) {
                return read(event).map_or_else(Judged::Never, Judged::Yes);
            }
            let reasons: Vec<&str> = state.values().filter_map(|event| event["reason"].as_str()).collect();
            Judged::NotYet(if reasons.is_empty() { "no event at all".to_owned() } else { reasons.join(", ") })
        };
        let (end, told) = followed.follow(&what, self.limit, judge).await;
        match end {
            End::Found(event) => Ok(event),
            End::Passed { .. } => Err(told.error(what, format!("not so within {:?}", self.limit))),
            End::Never => Err(told.error(what, "it cannot be told".to_owned())),
        }
    }
}
