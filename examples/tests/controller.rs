//! A custom resource and its controller, which runs inside the test: edit, break, run again, without an image. The running
//! controller is a fixture: tests that take it as a parameter get one of their own.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kind_harness::{FromTest, TestContext, TestNamespace, expect, kind_test};
use kube::{
    Api, Client, CustomResource, CustomResourceExt as _, Resource as _, ResourceExt as _,
    api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams},
    runtime::{
        controller::{Action, Controller},
        watcher,
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Wanted: a `ConfigMap` of the same name that greets somebody.
#[derive(CustomResource, Serialize, Deserialize, JsonSchema, Debug, Clone)]
#[kube(group = "examples.kind-rs.io", version = "v1", kind = "Greeting", namespaced)]
struct GreetingSpec {
    to: String,
}

/// The controller, running for one test in its namespace.
#[derive(Clone)]
struct RunningController;

impl FromTest for RunningController {
    type Error = anyhow::Error;

    async fn from_test(test: &TestContext) -> anyhow::Result<Self> {
        let ns: TestNamespace = test.get().await?;
        // It belongs to the whole cluster, and goes with the last test that applied it.
        test.apply(Greeting::crd()).await?;
        let controller = tokio::spawn(run_controller(test.client().clone(), ns.to_string()));
        test.on_end("the controller", async move || {
            controller.abort();
            match controller.await {
                Err(error) if error.is_panic() => Err(error),
                _ => Ok(()),
            }
        });
        Ok(Self)
    }
}

#[kind_test]
async fn a_controller_keeps_what_the_resource_says(
    _controller: RunningController,
    client: Client,
    ns: TestNamespace,
) -> anyhow::Result<()> {
    let greetings: Api<Greeting> = Api::namespaced(client.clone(), &ns);
    let config_maps: Api<ConfigMap> = Api::namespaced(client, &ns);

    let greeting = Greeting::new("morning", GreetingSpec { to: "Ada".into() });
    greetings.create(&PostParams::default(), &greeting).await?;
    expect(&config_maps, "morning").field("data.text", "Hello, Ada!").await?;

    let changed = Patch::Merge(json!({ "spec": { "to": "Ben" } }));
    greetings.patch("morning", &PatchParams::default(), &changed).await?;
    expect(&config_maps, "morning").field("data.text", "Hello, Ben!").await?;

    let meddled = Patch::Merge(json!({ "data": { "text": "Go away." } }));
    config_maps.patch("morning", &PatchParams::default(), &meddled).await?;
    expect(&config_maps, "morning").field("data.text", "Hello, Ben!").await?;

    // The owner reference leaves the cleaning up to the cluster's garbage collector.
    greetings.delete("morning", &DeleteParams::default()).await?;
    expect(&config_maps, "morning").deleted().await?;
    Ok(())
}

async fn run_controller(client: Client, namespace: String) {
    let greetings: Api<Greeting> = Api::namespaced(client.clone(), &namespace);
    let config_maps: Api<ConfigMap> = Api::namespaced(client.clone(), &namespace);
    Controller::new(greetings, watcher::Config::default())
        .owns(config_maps, watcher::Config::default())
        .run(reconcile, |_, _, _| Action::requeue(Duration::from_secs(1)), Arc::new(client))
        .for_each(async |outcome| {
            if let Err(error) = outcome {
                println!("controller: {error}");
            }
        })
        .await;
}

async fn reconcile(greeting: Arc<Greeting>, client: Arc<Client>) -> kube::Result<Action> {
    let namespace = greeting.namespace().unwrap_or_default();
    let config_maps: Api<ConfigMap> = Api::namespaced(client.as_ref().clone(), &namespace);
    let wanted = ConfigMap {
        metadata: ObjectMeta {
            name: greeting.metadata.name.clone(),
            owner_references: greeting.controller_owner_ref(&()).map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([("text".into(), format!("Hello, {}!", greeting.spec.to))])),
        ..ConfigMap::default()
    };
    let manager = PatchParams::apply("greeting-controller").force();
    config_maps.patch(&greeting.name_any(), &manager, &Patch::Apply(&wanted)).await?;
    Ok(Action::await_change())
}
