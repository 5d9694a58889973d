//! What outlives a test's namespace: cluster-wide objects and those of other namespaces. Several tests may apply the same one
//! at the same time. Each leaves a mark on it, and the last takes it away; what was there before any of them stays.

use std::{fmt, time::Duration};

use kind_core::wait::{Check, until_or, words_of_api};
use kube::{
    Api,
    api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, Preconditions},
    core::PartialObjectMeta,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    ApplyError,
    send::{ANSWER, FIELD_MANAGER, NO_ANSWER},
};

/// Annotations of tests that use an object: this and the test's own word.
const MARK: &str = "io.kind-rs.applied/";
/// How long one object may take to go.
const LIMIT: Duration = Duration::from_secs(45);
const EVERY: Duration = Duration::from_millis(100);

/// An object that a test made or uses, and that others may use.
#[derive(Clone)]
pub(crate) struct Shared {
    api: Api<DynamicObject>,
    resource: ApiResource,
    name: String,
    holder: String,
}

/// Whose an object is.
pub(super) enum Claim {
    /// It was there before any test: it stays.
    Others,
    /// It is on its way out.
    Going,
    /// Tests make it, and take it away; `is_new` where this one has no mark on it.
    Ours { is_new: bool },
}

/// Looks whose it is.
pub(super) async fn claim(shared: &Shared) -> Result<Claim, kube::Error> {
    let Some(found) = shared.get().await? else { return Ok(Claim::Ours { is_new: true }) };
    if found.metadata.deletion_timestamp.is_some() {
        return Ok(Claim::Going);
    }
    let marks = marks(&found);
    if marks.is_empty() {
        return Ok(Claim::Others);
    }
    Ok(Claim::Ours { is_new: !marks.contains(&shared.holder) })
}

impl Shared {
    pub(super) fn new(api: Api<DynamicObject>, resource: ApiResource, name: &str, holder: &str) -> Self {
        Self { api, resource, name: name.to_owned(), holder: holder.to_owned() }
    }

    /// Each test has a manager of its own, so that its mark is its own, and goes with it.
    pub(super) fn manager(&self) -> String {
        format!("{FIELD_MANAGER}/{}", self.holder)
    }

    /// The object with this test's mark.
    pub(super) fn marked(&self, object: &Value) -> Value {
        marked(object, &self.holder)
    }

    pub(super) async fn apply(&self, object: &Value, manager: &str) -> Result<DynamicObject, kube::Error> {
        let parameters = PatchParams::apply(manager).force().validation_strict();
        self.api.patch(&self.name, &parameters, &Patch::Apply(object)).await
    }

    async fn get(&self) -> Result<Option<PartialObjectMeta<DynamicObject>>, kube::Error> {
        self.api.get_metadata_opt(&self.name).await
    }

    /// Takes the test's mark away, and with the last one the object; waits until that is gone.
    pub(crate) async fn release(self) -> Result<(), ApplyError> {
        let gone = until_or(EVERY, format!("{self} to be gone"), LIMIT, async || {
            match timeout(ANSWER, self.look_and_release()).await {
                Ok(Err(kube::Error::Api(status))) if [404, 409].contains(&status.code) => {
                    Ok(Check::not_yet(&status.message))
                }
                Ok(Err(error)) if is_unreached(&error) => Ok(Check::NotYet(words_of_api(&error))),
                Ok(released) => released,
                Err(_) => Ok(Check::not_yet(NO_ANSWER)),
            }
        });
        gone.await.map_err(|error| ApplyError::Delete(Box::new(error)))?.map_err(ApplyError::Stays)
    }

    async fn look_and_release(&self) -> Result<Check<()>, kube::Error> {
        let Some(found) = self.get().await? else { return Ok(Check::Done(())) };
        if found.metadata.deletion_timestamp.is_some() {
            return Ok(Check::NotYet(self.why_it_stays(&found).await));
        }
        let marks = marks(&found);
        if !marks.contains(&self.holder) {
            // It is somebody else's of the same name.
            return Ok(Check::Done(()));
        }
        let version = found.metadata.resource_version.clone();
        if marks.len() > 1 {
            // What this test's manager no longer says goes, its mark first.
            let nothing = json!({
                "apiVersion": self.resource.api_version,
                "kind": self.resource.kind,
                "metadata": { "name": self.name, "resourceVersion": version },
            });
            let parameters = PatchParams::apply(&self.manager()).force();
            self.api.patch_metadata(&self.name, &parameters, &Patch::Apply(&nothing)).await?;
            return Ok(Check::Done(()));
        }
        let same = Preconditions { uid: found.metadata.uid.clone(), resource_version: version };
        self.api.delete(&self.name, &DeleteParams::background().preconditions(same)).await?;
        Ok(Check::not_yet("its deletion was asked for"))
    }

    /// What holds an object that is being deleted, in its own words.
    async fn why_it_stays(&self, found: &PartialObjectMeta<DynamicObject>) -> String {
        let mut why = Vec::new();
        if let Ok(Some(whole)) = self.api.get_opt(&self.name).await {
            let conditions = whole.data.pointer("/status/conditions").and_then(Value::as_array);
            // Of namespaces and definitions.
            let holds = |condition: &&Value| {
                let kind = condition["type"].as_str().unwrap_or_default();
                condition["status"] == "True" && (kind == "Terminating" || kind.ends_with("Remaining"))
            };
            why.extend(
                conditions
                    .into_iter()
                    .flatten()
                    .filter(holds)
                    .filter_map(|condition| condition["message"].as_str().map(ToOwned::to_owned)),
            );
        }
        let finalizers = found.metadata.finalizers.as_deref().unwrap_or_default();
        if !finalizers.is_empty() {
            why.push(format!("it has the finalizers {}", finalizers.join(", ")));
        }
        format!("it is being deleted; {}", why.join("; "))
    }
}

/// The object with the mark of a test. Annotations that are no map stay as they are: the API server says so.
fn marked(object: &Value, holder: &str) -> Value {
    let mut object = object.clone();
    let annotations = &mut object["metadata"]["annotations"];
    if annotations.is_null() {
        *annotations = json!({});
    }
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.insert(format!("{MARK}{holder}"), Value::from(""));
    }
    object
}

/// The words of the tests that have a mark on it.
fn marks(object: &PartialObjectMeta<DynamicObject>) -> Vec<String> {
    let annotations = object.metadata.annotations.iter().flatten();
    annotations.filter_map(|(key, _)| key.strip_prefix(MARK).map(ToOwned::to_owned)).collect()
}

fn is_unreached(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => matches!(status.code, 429 | 500..=504),
        kube::Error::HyperError(_) | kube::Error::Service(_) => true,
        _ => false,
    }
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.resource.kind)?;
        if let Some(namespace) = self.api.namespace() {
            write!(f, "{namespace}/")?;
        }
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_one_annotation_more() {
        let object = json!({ "metadata": { "annotations": { "a": "b" } } });
        let expected = json!({ "metadata": { "annotations": { "a": "b", "io.kind-rs.applied/t": "" } } });
        assert_eq!(marked(&object, "t"), expected);
        assert_eq!(
            marked(&json!({ "metadata": {} }), "t"),
            json!({ "metadata": { "annotations": { "io.kind-rs.applied/t": "" } } })
        );
    }

    #[test]
    fn annotations_that_are_no_map_are_left_to_the_api_server() {
        let object = json!({ "metadata": { "annotations": ["a"] } });
        assert_eq!(marked(&object, "t"), object);
    }
}
