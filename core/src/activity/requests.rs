//! The layer of the injected client that notes each request: method and path, when it began, whether it was answered.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use kube::{Client, client::ClientBuilder};
use tower::{Layer, Service};

use super::record::{Activity, Under};

/// What of a query is worth telling and no secret. A command that is run in a pod may hold one.
const TOLD: [&str; 8] =
    ["watch", "follow", "labelSelector", "fieldSelector", "container", "previous", "resourceVersion", "timeoutSeconds"];

/// Notes the requests of a client.
#[derive(Debug, Clone)]
pub struct Recorder(pub Arc<Activity>);

/// A client's service with a recorder.
#[derive(Debug, Clone)]
pub struct Recorded<S> {
    inner: S,
    activity: Arc<Activity>,
}

/// An answer's body. Its end is the end of the request.
#[derive(Debug)]
pub struct RecordedBody<B> {
    inner: Pin<Box<B>>,
    _under: Under,
}

/// A client whose requests are noted.
///
/// # Errors
/// When the configuration makes no client.
pub fn client(config: kube::Config, activity: &Arc<Activity>) -> kube::Result<Client> {
    Ok(ClientBuilder::try_from(config)?.with_layer(&Recorder(Arc::clone(activity))).build())
}

impl<S> Layer<S> for Recorder {
    type Service = Recorded<S>;

    fn layer(&self, inner: S) -> Recorded<S> {
        Recorded { inner, activity: Arc::clone(&self.0) }
    }
}

impl<S, A, B> Service<Request<A>> for Recorded<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = Response<RecordedBody<B>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let under = self.activity.request(format!("{} {}", request.method(), told(request.uri())));
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            under.answered(answer.status().as_u16());
            Ok(answer.map(|body| RecordedBody { inner: Box::pin(body), _under: under }))
        })
    }
}

impl<B: Body> Body for RecordedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.inner.as_mut().poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// The path, and of the query what may be told.
fn told(uri: &Uri) -> String {
    let query = uri.query().unwrap_or_default().split('&');
    let query: Vec<&str> = query.filter(|pair| TOLD.contains(&pair.split('=').next().unwrap_or_default())).collect();
    if query.is_empty() { uri.path().to_owned() } else { format!("{}?{}", uri.path(), query.join("&")) }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Pod;
    use kube::{Api, api::ListParams};

    use super::*;
    use crate::fake_api::{Answer, FakeApi};

    #[test]
    fn what_a_command_holds_is_not_told() {
        let uri = "/api/v1/namespaces/a/pods/p/exec?command=sh&command=PASSWORD%3Dx&container=main&stdout=true";
        assert_eq!(told(&uri.parse().unwrap()), "/api/v1/namespaces/a/pods/p/exec?container=main");
        assert_eq!(told(&"/api/v1/pods?&limit=5".parse().unwrap()), "/api/v1/pods");
    }

    #[tokio::test]
    async fn a_request_is_under_way_until_its_answer_was_read() {
        let activity = Arc::new(Activity::default());
        let client = FakeApi::default().recorded(&activity, |_, path, _| {
            if path.contains("/pods/") { Answer::Silence } else { Answer::no_items() }
        });
        let pods: Api<Pod> = Api::namespaced(client, "a");
        pods.list(&ListParams::default()).await.unwrap();
        let hanging = async { pods.get("p").await.map(drop) };
        let hanging = tokio::time::timeout(std::time::Duration::from_millis(20), hanging);
        let look = async {
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            activity.doing()
        };
        let (_, doing) = tokio::join!(hanging, look);
        assert_eq!(doing.requests.len(), 1, "{doing:?}");
        assert!(doing.requests[0].starts_with("GET /api/v1/namespaces/a/pods/p: no answer for "), "{doing:?}");
        assert!(doing.ended[0].starts_with("GET /api/v1/namespaces/a/pods: 200 after "), "{doing:?}");
        assert_eq!(activity.doing().requests.len(), 0);
    }
}
