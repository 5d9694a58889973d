//! Where targets are, on a scripted API, and connections through a scripted engine.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use kind_core::fake_api::{Answer, FakeApi};
use kind_engine::{Engine, FakeEngine, Outcome};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;

use super::{
    Port, Target,
    resolve::resolve,
    serve::{Ways, listen},
};

#[rstest]
#[case("web", "Service ns/web")]
#[case("service/web", "Service ns/web")]
#[case("svc/web.other", "Service other/web")]
#[case("web.other", "Service other/web")]
#[case("pod/web-0", "pod ns/web-0")]
#[case("pod/web.0", "pod ns/web.0")]
fn what_is_to_be_reached_is_read(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(Target::new(text, Some("ns")).unwrap().to_string(), expected);
}

#[rstest]
fn what_is_neither_is_refused(
    #[values("", "deployment/web", "pod/", "web:80", "http://web", "web.a.svc", "web.")] text: &str,
) {
    let error = Target::new(text, Some("ns")).unwrap_err().to_string();
    assert!(error.contains("expected the name of a Service"), "{error}");
}

#[test]
fn without_a_namespace_one_has_to_be_named() {
    assert!(Target::new("web.other", None).is_ok());
    let error = Target::new("web", None).unwrap_err().to_string();
    assert!(error.contains("name one, as `web.namespace`"), "{error}");
}

fn service(change: impl FnOnce(&mut Value)) -> Value {
    let port = json!({ "name": "http", "port": 80, "targetPort": 8080 });
    let udp = json!({ "name": "udp", "port": 53, "protocol": "UDP" });
    let mut service = json!({
        "metadata": { "name": "web" },
        "spec": { "clusterIP": "10.96.0.9", "selector": { "app": "web" }, "ports": [port, udp, { "name": "admin", "port": 81 }] },
    });
    change(&mut service);
    service
}

fn slice(ready: bool) -> Value {
    json!({
        "metadata": { "name": "web-1" }, "addressType": "IPv4",
        "ports": [{ "name": "http", "port": 8080 }],
        "endpoints": [
            { "addresses": ["10.244.0.8"], "conditions": { "ready": false } },
            { "addresses": ["10.244.0.9"], "conditions": { "ready": ready } },
        ],
    })
}

fn pod(phase: &str) -> Value {
    let waiting = json!([{ "name": "web", "ready": false, "restartCount": 3, "image": "", "imageID": "",
        "state": { "waiting": { "reason": "CrashLoopBackOff" } } }]);
    json!({
        "metadata": { "name": "web-0" },
        "spec": { "containers": [{ "name": "web", "ports": [{ "name": "http", "containerPort": 8080 }] }] },
        "status": { "phase": phase, "podIP": "fd00::9", "containerStatuses": if phase == "Running" { json!([]) } else { waiting } },
    })
}

/// Where a target is in a namespace that has these.
async fn found(target: &str, port: impl Into<Port>, service: Value, slice: Value, pod: Value) -> String {
    let client = FakeApi::default().client(move |_, path, _| {
        let named = |object: &Value| match object["metadata"]["name"].as_str() {
            Some(name) if path.ends_with(name) => Some(Answer::ok(object.clone())),
            _ => None,
        };
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let kind = path.split('/').find(|part| ["services", "pods", "endpointslices"].contains(part));
        let object = match kind {
            Some("services") => &service,
            Some("pods") => &pod,
            _ => &slice,
        };
        if path.ends_with(kind.unwrap_or_default()) {
            let items = if object.is_null() { json!([]) } else { json!([object]) };
            return Answer::items(&items);
        }
        let missing =
            json!({ "kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404, "message": "" });
        named(object).unwrap_or(Answer::Json(404, missing))
    });
    let target = Target::new(target, Some("ns")).unwrap();
    match resolve(&client, &target, &port.into()).await {
        Ok(address) => address,
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_service_is_its_own_address_and_a_headless_one_a_pods() {
    let same = |_: &mut Value| {};
    assert_eq!(found("web", 80, service(same), slice(true), Value::Null).await, "10.96.0.9:80");
    assert_eq!(found("web", "http", service(same), slice(true), Value::Null).await, "10.96.0.9:80");
    let headless = service(|service| service["spec"]["clusterIP"] = "None".into());
    assert_eq!(found("web", 80, headless, slice(true), Value::Null).await, "10.244.0.9:8080");
    let second = service(|service| service["spec"]["clusterIP"] = "fd00::1".into());
    assert_eq!(found("web", 80, second, slice(true), Value::Null).await, "[fd00::1]:80");
    assert_eq!(found("pod/web-0", 8080, Value::Null, Value::Null, pod("Running")).await, "[fd00::9]:8080");
    assert_eq!(found("pod/web-0", "http", Value::Null, Value::Null, pod("Running")).await, "[fd00::9]:8080");
}

#[tokio::test]
async fn what_cannot_answer_says_why() {
    let same = |_: &mut Value| {};
    let none = || Value::Null;
    assert_eq!(
        found("wep", 80, service(same), none(), none()).await,
        "reach Service ns/wep: there is none of that name; there are web"
    );
    let said = found("web", 80, none(), none(), none()).await;
    assert_eq!(said, "reach Service ns/web: there is none of that name; there are no Service at all in this namespace");
    let said = found("web", 8080, service(same), slice(true), none()).await;
    assert_eq!(said, "reach Service ns/web: it has no TCP port 8080; it has 80 (http), 81 (admin)");
    let said = found("web", "udp", service(same), slice(true), none()).await;
    assert_eq!(said, "reach Service ns/web: it has no TCP port udp; it has 80 (http), 81 (admin)");
    let said = found("web", 80, service(same), slice(false), none()).await;
    assert_eq!(said, "reach Service ns/web: nothing is behind it: no pod has the labels app=web");
    let said = found("web", 80, service(same), none(), pod("Pending")).await;
    assert_eq!(said, "reach Service ns/web: nothing behind it is ready: web-0 Pending (CrashLoopBackOff)");
    let outside = service(|service| service["spec"] = json!({ "type": "ExternalName", "externalName": "example.org" }));
    let said = found("web", 80, outside, none(), none()).await;
    assert_eq!(said, "reach Service ns/web: it is a name for example.org, outside of the cluster");
    let said = found("pod/web-0", 80, none(), none(), pod("Pending")).await;
    assert_eq!(said, "reach pod ns/web-0: it does not run: Pending (CrashLoopBackOff)");
    let said = found("pod/web-0", "admin", none(), none(), pod("Running")).await;
    assert_eq!(said, "reach pod ns/web-0: it has no TCP port admin; it has http");
}

async fn ask(address: SocketAddr, question: &[u8]) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(question).await?;
    stream.shutdown().await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

fn ways(engine: &Arc<FakeEngine>) -> Ways {
    let engine = Arc::clone(engine) as Arc<dyn Engine>;
    Ways { engine, nodes: vec!["x-1".to_owned(), "x-2".to_owned()], usable: Mutex::default() }
}

#[tokio::test]
async fn every_connection_goes_where_the_target_is_by_then_until_the_end() {
    let engine = Arc::new(FakeEngine::default());
    engine.when("exec x-1 socat -V", Outcome::Exit(127, String::new()));
    engine.when("exec x-2 socat - TCP:10.0.0.1:80", Outcome::Print("first".to_owned()));
    engine.when("exec x-2 socat - TCP:10.0.0.2:80", Outcome::Print("second".to_owned()));
    let end = CancellationToken::new();
    let places = Mutex::new(vec!["10.0.0.2:80", "10.0.0.1:80"]);
    let make = move || Ok(async move || places.lock().unwrap().pop().unwrap().to_owned());
    let address = listen(ways(&engine), make, end.clone()).unwrap();
    assert_eq!(ask(address, b"who").await.unwrap(), "first");
    assert_eq!(ask(address, b"again").await.unwrap(), "second");
    let looked: Vec<String> = engine.calls().into_iter().filter(|call| call.ends_with("-V")).collect();
    assert_eq!(looked.len(), 2, "what could once is asked first: {looked:?}");
    assert!(engine.calls().iter().any(|call| call.contains("< \"again\"")), "{:?}", engine.calls());
    end.cancel();
    let closed = kind_core::wait::until("the port to be closed", std::time::Duration::from_secs(5), async || {
        match TcpStream::connect(address).await {
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => kind_core::wait::Check::Done(()),
            other => kind_core::wait::Check::not_yet(format!("{other:?}")),
        }
    });
    closed.await.unwrap();
}

#[tokio::test]
async fn where_no_node_runs_the_connection_ends() {
    let engine = Arc::new(FakeEngine::default());
    engine.when("socat", Outcome::Refuse("it is paused".to_owned()));
    let make = || Ok(async || "10.0.0.1:80".to_owned());
    let address = listen(ways(&engine), make, CancellationToken::new()).unwrap();
    assert_eq!(ask(address, b"").await.unwrap_or_default(), "");
}
