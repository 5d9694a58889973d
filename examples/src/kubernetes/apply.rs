//! Applies manifests as `kubectl apply --server-side` does, whatever kinds they hold.

use anyhow::Context as _;
use kube::{
    Api, Client,
    api::{DynamicObject, Patch, PatchParams},
    core::GroupVersionKind,
    discovery::pinned_kind,
};
use serde::Deserialize as _;

/// Makes what the YAML documents describe, or changes it into that, in this namespace.
///
/// # Errors
/// When a document is no Kubernetes object, or the API refuses it.
pub async fn apply(client: &Client, namespace: &str, manifests: &str) -> anyhow::Result<()> {
    for document in serde_yaml::Deserializer::from_str(manifests) {
        let object = DynamicObject::deserialize(document).context("read a manifest")?;
        let types = object.types.as_ref().context("a manifest without apiVersion and kind")?;
        let name = object.metadata.name.as_deref().context("a manifest without a name")?;
        let kind = GroupVersionKind::try_from(types).context("read apiVersion")?;
        let (resource, _) = pinned_kind(client, &kind).await.with_context(|| format!("look up {}", types.kind))?;
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
        api.patch(name, &PatchParams::apply("kind-examples"), &Patch::Apply(&object))
            .await
            .with_context(|| format!("apply {} {name}", types.kind))?;
    }
    Ok(())
}
