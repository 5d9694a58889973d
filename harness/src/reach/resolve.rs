//! Where in the cluster's network a Service or pod answers, by the API.

use std::net::IpAddr;

use k8s_openapi::api::{
    core::v1::{Pod, Service, ServicePort},
    discovery::v1::EndpointSlice,
};
use kube::{Api, Client, ResourceExt as _, api::ListParams};
use serde_json::Value;

use super::{
    ReachError,
    target::{Kind, Port, Target},
};

/// How many names an error lists.
const MOST: usize = 10;

/// The address, as `10.96.0.1:80`.
pub(super) async fn resolve(client: &Client, target: &Target, port: &Port) -> Result<String, ReachError> {
    let looking = Looking { client, target, port };
    match target.kind {
        Kind::Service => looking.service().await,
        Kind::Pod => looking.pod().await,
    }
}

struct Looking<'a> {
    client: &'a Client,
    target: &'a Target,
    port: &'a Port,
}

impl Looking<'_> {
    fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.target.namespace)
    }

    fn name(&self) -> String {
        self.target.to_string()
    }

    fn asked<T>(&self, answer: kube::Result<T>) -> Result<T, ReachError> {
        answer.map_err(|error| ReachError::Api { target: self.name(), answer: Box::new(error) })
    }

    fn nothing(&self, why: impl Into<String>) -> ReachError {
        ReachError::NothingBehind { target: self.name(), why: why.into() }
    }

    async fn not_there<K>(&self, api: Api<K>, what: &str) -> ReachError
    where
        K: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
    {
        let there = match api.list_metadata(&ListParams::default()).await {
            Ok(list) if list.items.is_empty() => format!("no {what} at all in this namespace"),
            Ok(list) => {
                let names = list.items.iter().take(MOST).map(|one| one.metadata.name.as_deref().unwrap_or_default());
                names.collect::<Vec<_>>().join(", ")
            }
            Err(error) => kind_core::wait::words_of_api(&error),
        };
        ReachError::NotThere { target: self.name(), there }
    }

    async fn service(&self) -> Result<String, ReachError> {
        let services: Api<Service> = self.api();
        let Some(service) = self.asked(services.get_opt(&self.target.name).await)? else {
            return Err(self.not_there(services, "Service").await);
        };
        let spec = service.spec.clone().unwrap_or_default();
        if spec.type_.as_deref() == Some("ExternalName") {
            let host = spec.external_name.unwrap_or_default();
            return Err(ReachError::Outside { target: self.name(), host });
        }
        let ports = spec.ports.unwrap_or_default();
        let port = self.service_port(&ports)?;
        let of_it = ListParams::default().labels(&format!("kubernetes.io/service-name={}", self.target.name));
        let slices = self.asked(self.api::<EndpointSlice>().list(&of_it).await)?.items;
        let Some(behind) = behind(&slices, port) else {
            return Err(self.nothing(self.why_nothing(spec.selector.as_ref()).await));
        };
        match spec.cluster_ip.as_deref() {
            // Without an address of its own it is its pods.
            None | Some("None" | "") => Ok(behind),
            Some(address) => Ok(at(address, i64::from(port.port))),
        }
    }

    fn service_port<'a>(&self, ports: &'a [ServicePort]) -> Result<&'a ServicePort, ReachError> {
        let tcp = || ports.iter().filter(|port| port.protocol.as_deref().is_none_or(|protocol| protocol == "TCP"));
        let found = tcp().find(|port| match self.port {
            Port::Number(number) => port.port == i32::from(*number),
            Port::Name(name) => port.name.as_ref() == Some(name),
        });
        found.ok_or_else(|| {
            let there = tcp().map(|port| match &port.name {
                Some(name) => format!("{} ({name})", port.port),
                None => port.port.to_string(),
            });
            self.no_port(&there.collect::<Vec<_>>())
        })
    }

    fn no_port(&self, there: &[String]) -> ReachError {
        let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
        ReachError::NoPort { target: self.name(), port: self.port.to_string(), there }
    }

    /// What of the pods that a Service selects is not ready.
    async fn why_nothing(&self, selector: Option<&std::collections::BTreeMap<String, String>>) -> String {
        let Some(selector) = selector.filter(|selector| !selector.is_empty()) else {
            return "it selects no pods, and nothing else is ready behind it".to_owned();
        };
        let labels = selector.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",");
        match self.api::<Pod>().list(&ListParams::default().labels(&labels)).await {
            Err(error) => kind_core::wait::words_of_api(&error),
            Ok(pods) if pods.items.is_empty() => format!("nothing is behind it: no pod has the labels {labels}"),
            Ok(pods) => {
                let pods = pods.items.iter().take(MOST).map(|pod| format!("{} {}", pod.name_any(), state(pod)));
                format!("nothing behind it is ready: {}", pods.collect::<Vec<_>>().join(", "))
            }
        }
    }

    async fn pod(&self) -> Result<String, ReachError> {
        let pods: Api<Pod> = self.api();
        let Some(pod) = self.asked(pods.get_opt(&self.target.name).await)? else {
            return Err(self.not_there(pods, "pod").await);
        };
        let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
        let ports = containers.flat_map(|container| container.ports.iter().flatten());
        let port = match self.port {
            Port::Number(number) => i64::from(*number),
            Port::Name(name) => {
                let mut named = ports.clone().filter(|port| port.name.as_ref() == Some(name));
                let there = || ports.filter_map(|port| port.name.clone()).collect::<Vec<_>>();
                named.next().map(|port| i64::from(port.container_port)).ok_or_else(|| self.no_port(&there()))?
            }
        };
        let status = pod.status.as_ref();
        let is_running = status.and_then(|status| status.phase.as_deref()) == Some("Running");
        match status.and_then(|status| status.pod_ip.as_deref()) {
            Some(address) if is_running => Ok(at(address, port)),
            _ => Err(self.nothing(format!("it does not run: {}", state(&pod)))),
        }
    }
}

/// A phase, and what a container waits for.
fn state(pod: &Pod) -> String {
    let status = serde_json::to_value(&pod.status).unwrap_or_default();
    let containers = status["containerStatuses"].as_array().into_iter().flatten();
    let mut waiting = containers.filter_map(|container| container.pointer("/state/waiting/reason")?.as_str());
    let phase = status["phase"].as_str().unwrap_or("without a phase");
    waiting.next().map_or_else(|| phase.to_owned(), |reason| format!("{phase} ({reason})"))
}

/// The first address behind a Service that is ready.
fn behind(slices: &[EndpointSlice], wanted: &ServicePort) -> Option<String> {
    let name = wanted.name.clone().unwrap_or_default();
    slices.iter().find_map(|slice| {
        let ports = slice.ports.as_deref().unwrap_or_default();
        let port = ports.iter().find(|port| port.name.clone().unwrap_or_default() == name)?.port?;
        // From its JSON: whether fields are optional differs between versions.
        let slice = serde_json::to_value(slice).ok()?;
        let ready = |endpoint: &&Value| endpoint.pointer("/conditions/ready") != Some(&Value::Bool(false));
        let endpoint = slice["endpoints"].as_array()?.iter().find(ready)?;
        Some(at(endpoint["addresses"][0].as_str()?, i64::from(port)))
    })
}

/// An address of either family with a port.
fn at(address: &str, port: i64) -> String {
    match address.parse() {
        Ok(IpAddr::V6(address)) => format!("[{address}]:{port}"),
        _ => format!("{address}:{port}"),
    }
}
