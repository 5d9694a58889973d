//! Whether API servers call the webhooks: each is asked to make what only one of them refuses.

use std::time::Duration;

use futures::future::join_all;
use k8s_openapi::api::core::v1::ConfigMap;
use kind_core::wait::{ApiServer, Check, until, words_of_api};
use kube::{
    Api,
    api::{ObjectMeta, PostParams},
};
use tokio::time::timeout;

use super::{WebhookError, rewrite::LABEL_READY};

/// How long until every API server calls every webhook.
const LIMIT: Duration = Duration::from_mins(1);
/// How long one answer may take, the webhook's own limit included.
const ANSWER: Duration = Duration::from_secs(10);

/// What is looked for.
pub(crate) struct Marks<'a> {
    /// Where it is asked for.
    pub(crate) namespace: &'a str,
    /// How many there are.
    pub(crate) count: usize,
    /// What the answer has in it.
    pub(crate) word: &'a str,
}

/// Waits until every server has called every configuration's webhook here. Nothing is made: each server is asked to try only.
pub(crate) async fn known_everywhere(servers: &[ApiServer], marks: &Marks<'_>) -> Result<(), WebhookError> {
    let known = until("every API server to call the webhooks", LIMIT, async || {
        let asked =
            servers.iter().flat_map(|server| (0..marks.count).map(move |number| unknown(server, marks, number)));
        let unknown: Vec<String> = join_all(asked).await.into_iter().flatten().collect();
        if unknown.is_empty() { Check::Done(()) } else { Check::NotYet(unknown.join("; ")) }
    });
    known.await.map_err(WebhookError::Late)
}

/// Why the server does not seem to know the configuration of that number.
async fn unknown(server: &ApiServer, marks: &Marks<'_>, number: usize) -> Option<String> {
    let maps: Api<ConfigMap> = Api::namespaced(server.client.clone(), marks.namespace);
    let labels = [(LABEL_READY.to_owned(), number.to_string())].into();
    let name = Some("io.kind-rs.webhooks".to_owned());
    let map = ConfigMap {
        metadata: ObjectMeta { name, labels: Some(labels), ..ObjectMeta::default() },
        ..ConfigMap::default()
    };
    let asked = PostParams { dry_run: true, ..PostParams::default() };
    let said = match timeout(ANSWER, maps.create(&asked, &map)).await {
        Err(_) => "it does not answer".to_owned(),
        Ok(Ok(_)) => "it does not call them".to_owned(),
        Ok(Err(kube::Error::Api(status))) if status.message.contains(marks.word) => return None,
        Ok(Err(error)) => words_of_api(&error),
    };
    Some(format!("{}: {said}", server.name))
}
