//! Which resource of the API an object's kind is.

use std::collections::HashMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use kube::{Client, api::ApiResource, core::GroupVersionKind};

use super::{ApplyError, items::Item};

/// A resource, and whether its objects are in namespaces.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    pub(super) api: ApiResource,
    pub(super) namespaced: bool,
}

/// What the API answered so far. An answer that something is not there is not kept: definitions may be on their way.
#[derive(Default)]
pub(super) struct Resources {
    known: HashMap<(String, String), Resource>,
}

impl Resources {
    /// The resource of that object.
    ///
    /// # Errors
    /// The outer one is the API's, the inner one says that there is no such kind.
    pub(super) async fn of(
        &mut self,
        client: &Client,
        item: &Item,
    ) -> Result<Result<Resource, ApplyError>, kube::Error> {
        let key = (item.api_version.clone(), item.kind.clone());
        if let Some(known) = self.known.get(&key) {
            return Ok(Ok(known.clone()));
        }
        let list = match list(client, &item.api_version).await {
            Ok(list) => list,
            Err(kube::Error::Api(status)) if status.code == 404 => {
                return Ok(Err(unknown(item, format!("it serves no API {}", item.api_version))));
            }
            Err(error) => return Err(error),
        };
        // Those with a slash are parts of others, such as `deployments/scale`.
        let of_their_own = || list.resources.iter().filter(|resource| !resource.name.contains('/'));
        let Some(found) = of_their_own().find(|resource| resource.kind == item.kind) else {
            let mut kinds: Vec<&str> = of_their_own().map(|resource| resource.kind.as_str()).collect();
            kinds.sort_unstable();
            kinds.dedup();
            return Ok(Err(unknown(item, format!("its kinds there are {}", kinds.join(", ")))));
        };
        let version = item.api_version.rsplit('/').next().unwrap_or_default();
        let kind = GroupVersionKind::gvk(item.group(), version, &item.kind);
        let api = ApiResource::from_gvk_with_plural(&kind, &found.name);
        let resource = Resource { api, namespaced: found.namespaced };
        self.known.insert(key, resource.clone());
        Ok(Ok(resource))
    }
}

async fn list(client: &Client, api_version: &str) -> Result<APIResourceList, kube::Error> {
    if api_version.contains('/') {
        client.list_api_group_resources(api_version).await
    } else {
        client.list_core_api_resources(api_version).await
    }
}

fn unknown(item: &Item, known: String) -> ApplyError {
    let (api_version, kind) = (item.api_version.clone(), item.kind.clone());
    ApplyError::UnknownKind { place: item.to_string(), api_version, kind, known }
}
