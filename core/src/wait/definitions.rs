//! Whether API servers serve custom resources.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionCondition,
};
use kube::{
    Api, Client,
    api::ApiResource,
    core::{DynamicObject, GroupVersionKind},
};
use tokio::time::timeout;

use super::Check;

/// The name of an object that nobody has.
const NOBODY: &str = "kind-harness-asks-whether-this-is-served";

/// How long a server may take for one definition. One that hangs must not hide what the others say.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// How much is asked at the same time.
const AT_ONCE: usize = 8;

/// One API server.
pub struct ApiServer {
    /// What it is called in messages.
    pub name: String,
    /// A client that asks it, and no other one.
    pub client: Client,
}

/// One look at whether every server serves every version of these definitions that is to be served.
pub async fn look_at_definitions(servers: &[ApiServer], definitions: &[CustomResourceDefinition]) -> Check<()> {
    let asked = servers.iter().flat_map(|server| definitions.iter().map(move |one| unserved(server, one)));
    let unserved: Vec<String> =
        stream::iter(asked).buffered(AT_ONCE).filter_map(async |unserved| unserved).collect().await;
    if unserved.is_empty() { Check::Done(()) } else { Check::NotYet(unserved.join("; ")) }
}

/// What the server does not serve of the definition, and why.
async fn unserved(server: &ApiServer, definition: &CustomResourceDefinition) -> Option<String> {
    let Ok(unserved) = timeout(ANSWER_LIMIT, first_unserved(server, definition)).await else {
        return Some(format!("{} did not answer within {} s", server.name, ANSWER_LIMIT.as_secs()));
    };
    unserved
}

async fn first_unserved(server: &ApiServer, definition: &CustomResourceDefinition) -> Option<String> {
    let names = &definition.spec.names;
    for version in definition.spec.versions.iter().filter(|version| version.served) {
        let kind = GroupVersionKind::gvk(&definition.spec.group, &version.name, &names.kind);
        let resource = ApiResource::from_gvk_with_plural(&kind, &names.plural);
        if let Err(why) = is_served(&server.client, &resource, definition.spec.scope == "Namespaced").await {
            let refused = refused(&server.client, definition).await.unwrap_or_default();
            let (name, plural, group) = (&server.name, &names.plural, &definition.spec.group);
            return Some(format!("{name} does not serve {plural}.{group}/{}: {why}{refused}", version.name));
        }
    }
    None
}

/// Asks the resource's list of its group's version, which clients look resources up in, and for an object: the two come from
/// different parts of the server. An object that is not there needs no conversion, whose webhook may not run yet.
async fn is_served(client: &Client, resource: &ApiResource, namespaced: bool) -> Result<(), String> {
    let listed = client.list_api_group_resources(&resource.api_version).await.map_err(|error| error.to_string())?;
    if !listed.resources.iter().any(|one| one.name == resource.plural) {
        return Err("its group does not list it".to_owned());
    }
    let objects: Api<DynamicObject> = if namespaced {
        Api::namespaced_with(client.clone(), "default", resource)
    } else {
        Api::all_with(client.clone(), resource)
    };
    match objects.get_metadata(NOBODY).await {
        // A path that nobody serves is answered with 404, too, but not with a status object that has a reason.
        Err(kube::Error::Api(status)) if status.reason == "NotFound" => Ok(()),
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// Why the definition, as the server has it now, is not served.
async fn refused(client: &Client, definition: &CustomResourceDefinition) -> Option<String> {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let found = api.get(definition.metadata.name.as_deref()?).await.ok()?;
    let refusal = refusal(&found)?;
    Some(format!(" ({})", refusal.message.as_ref().unwrap_or(&refusal.type_)))
}

/// The condition by which a definition is not served, because another one has its names.
pub(crate) fn refusal(definition: &CustomResourceDefinition) -> Option<&CustomResourceDefinitionCondition> {
    let conditions = definition.status.as_ref()?.conditions.as_ref()?;
    conditions.iter().find(|condition| condition.type_ == "NamesAccepted" && condition.status == "False")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fake_api::{Answer, FakeApi};

    const OBJECT: &str = "/apis/example.org/v1/namespaces/default/greetings/kind-harness-asks-whether-this-is-served";

    fn definition() -> CustomResourceDefinition {
        let version = |name: &str, served: bool| json!({ "name": name, "served": served, "storage": served });
        serde_json::from_value(json!({
            "metadata": { "name": "greetings.example.org" },
            "spec": {
                "group": "example.org", "scope": "Namespaced",
                "names": { "kind": "Greeting", "plural": "greetings" },
                "versions": [version("v1", true), version("v1alpha1", false)],
            },
        }))
        .unwrap()
    }

    fn listed(plural: &str) -> Answer {
        let resource =
            json!({ "name": plural, "kind": "Greeting", "namespaced": true, "singularName": "", "verbs": [] });
        Answer::ok(json!({ "groupVersion": "example.org/v1", "resources": [resource] }))
    }

    fn not_found() -> Answer {
        Answer::Json(
            404,
            json!({ "kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404, "message": "" }),
        )
    }

    /// What a server looks like that answers so.
    async fn look(name: &str, answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Check<()> {
        let good = |name: &str| {
            let client =
                FakeApi::default().client(|_, path, _| if path == OBJECT { not_found() } else { listed("greetings") });
            ApiServer { name: name.to_owned(), client }
        };
        let client = FakeApi::default().client(move |_, path, _: Value| answer(path));
        let servers = [good("first"), ApiServer { name: name.to_owned(), client }, good("third")];
        look_at_definitions(&servers, &[definition()]).await
    }

    #[tokio::test]
    async fn an_object_that_is_not_there_is_served_and_versions_that_are_not_to_be_served_are_not_asked_for() {
        let checked = look("second", |path| match path {
            "/apis/example.org/v1" => listed("greetings"),
            OBJECT => not_found(),
            other => panic!("asked for {other}"),
        });
        assert_eq!(checked.await, Check::Done(()));
    }

    #[tokio::test]
    async fn one_server_that_does_not_know_the_path_is_named() {
        let checked = look("second", |path| match path {
            "/apis/example.org/v1" => listed("greetings"),
            _ => Answer::Text404("404 page not found\n"),
        });
        let Check::NotYet(status) = checked.await else { panic!("not served by all") };
        assert!(status.starts_with("second does not serve greetings.example.org/v1: "), "{status}");
        assert!(status.contains("404 page not found") && !status.contains("first"), "{status}");
    }

    #[tokio::test(start_paused = true)]
    async fn one_server_that_hangs_is_named() {
        let checked = look("second", |_| Answer::Silence).await;
        assert_eq!(checked, Check::NotYet("second did not answer within 5 s".to_owned()));
    }

    #[tokio::test]
    async fn a_group_that_does_not_list_it_yet_is_not_enough_and_a_refused_name_is_told() {
        let checked = look("second", |path| match path {
            "/apis/example.org/v1" => listed("others"),
            OBJECT => not_found(),
            _ => {
                let mut found = serde_json::to_value(definition()).unwrap();
                found["status"] = json!({ "conditions": [
                    { "type": "NamesAccepted", "status": "False", "reason": "", "message": "\"greetings\" is already in use" },
                ] });
                Answer::ok(found)
            }
        });
        let Check::NotYet(status) = checked.await else { panic!("not listed") };
        let said = "its group does not list it (\"greetings\" is already in use)";
        assert_eq!(status, format!("second does not serve greetings.example.org/v1: {said}"));
    }
}
