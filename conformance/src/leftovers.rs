//! What a spec that was stopped leaves in the cluster: its namespaces.

use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kind_core::{causes::lines, cluster::Cluster};
use kind_harness::kube::{
    self, Api, Client,
    api::{DeleteParams, ListParams},
};

use crate::log;

/// The label that the suite puts on every namespace that it makes, with a number of the process as its value.
const LABEL: &str = "e2e-run";
/// How long the API has for all of it. The cluster deletes in the background.
const LIMIT: Duration = Duration::from_secs(5);

/// Asks for the deletion of every namespace that the process with this output made.
pub(crate) async fn remove(cluster: &Cluster, log: &str) {
    // Without it the process had not got as far as to make one.
    let Some(run) = log::run(log) else { return };
    let problem = match cluster.client().await {
        Ok(client) => match tokio::time::timeout(LIMIT, delete(&client, run)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => lines(&error),
            Err(_) => format!("no answer within {} s", LIMIT.as_secs()),
        },
        Err(error) => lines(&error),
    };
    eprintln!("the namespaces with label {LABEL}={run} stay, because their deletion failed: {problem}");
}

async fn delete(client: &Client, run: &str) -> kube::Result<()> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let made = namespaces.list_metadata(&ListParams::default().labels(&format!("{LABEL}={run}"))).await?;
    for name in made.items.iter().filter_map(|namespace| namespace.metadata.name.as_deref()) {
        match namespaces.delete(name, &DeleteParams::background()).await {
            // It is gone already.
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            outcome => drop(outcome?),
        }
    }
    Ok(())
}
