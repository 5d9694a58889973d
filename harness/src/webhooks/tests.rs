//! What becomes of definitions, whom API servers trust, and what the server answers.

use std::{net::Ipv4Addr, sync::Arc};

use axum::{Json, Router, routing::post};
use kind_core::{
    fake_api::{Answer, FakeApi},
    wait::ApiServer,
};
use rstest::rstest;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use super::{rewrite::READY_PATH, *};
use crate::apply::from_value;

fn place(is_shared: bool) -> Place<'static> {
    Place { address: ([198, 18, 0, 1], 4430).into(), authority: "PEM", namespace: "ns", is_shared }
}

fn configuration(webhook: &Value) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": { "name": "orders" }, "webhooks": [webhook],
    })
}

/// The object as it is after that, with its name.
fn rewritten(object: Value, is_shared: bool) -> Result<Value, String> {
    let mut items = from_value(object).unwrap();
    rewrite(&mut items, &place(is_shared)).map_err(|error| error.to_string())?;
    assert_eq!(items[0].name().to_owned(), items[0].object_mut()["metadata"]["name"]);
    Ok(items[0].object_mut().clone())
}

#[rstest]
#[case::service(json!({ "service": { "namespace": "a", "name": "b", "path": "/validate", "port": 9443 } }), "/validate")]
#[case::service_without_a_path(json!({ "service": { "namespace": "a", "name": "b" } }), "/")]
#[case::url(json!({ "url": "https://localhost:9443/validate?a=b", "caBundle": "eA==" }), "/validate?a=b")]
#[case::nothing(Value::Null, "/")]
fn a_webhook_leads_here_under_its_own_path(#[case] client: Value, #[case] path: &str) {
    let expected = json!({ "url": format!("https://198.18.0.1:4430{path}"), "caBundle": "UEVN" });
    let object = rewritten(configuration(&json!({ "name": "a.b.c", "clientConfig": client })), false).unwrap();
    assert_eq!(object["webhooks"][0]["clientConfig"], expected);
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": { "name": "a.b.c" },
        "spec": { "conversion": { "strategy": "Webhook", "webhook": { "clientConfig": client } } },
    });
    let object = rewritten(definition, true).unwrap();
    assert_eq!(object["spec"]["conversion"]["webhook"]["clientConfig"], expected);
    assert_eq!(object["metadata"]["name"], "a.b.c", "the name of a definition says what it defines");
}

#[test]
fn among_other_tests_a_webhook_is_asked_about_its_own_tests_namespace() {
    let selector = json!({ "matchLabels": { "a": "b" }, "matchExpressions": null });
    let webhook = json!({ "name": "a.b.c", "namespaceSelector": selector, "objectSelector": null });
    let own = json!({ "key": "kubernetes.io/metadata.name", "operator": "In", "values": ["ns"] });
    let shared = rewritten(configuration(&webhook), true).unwrap();
    assert_eq!(shared["metadata"]["name"], "orders.ns");
    let expected = json!({ "matchLabels": { "a": "b" }, "matchExpressions": [own] });
    assert_eq!(shared["webhooks"][0]["namespaceSelector"], expected);
    let alone = rewritten(configuration(&webhook), false).unwrap();
    assert_eq!(alone["metadata"]["name"], "orders");
    assert_eq!(alone["webhooks"][0]["namespaceSelector"], selector);
    for object in [shared, alone] {
        let none_of_ours = json!([{ "key": "io.kind-rs.webhooks", "operator": "DoesNotExist" }]);
        assert_eq!(object["webhooks"][0]["objectSelector"]["matchExpressions"], none_of_ours);
        let ready = &object["webhooks"][1];
        assert_eq!(ready["objectSelector"]["matchLabels"]["io.kind-rs.webhooks"], "0");
        assert_eq!(ready["namespaceSelector"]["matchExpressions"], json!([own]));
    }
}

#[test]
fn what_nobody_can_serve_is_refused() {
    let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" } });
    let said = rewritten(map, true).unwrap_err();
    assert!(said.ends_with("found ConfigMap"), "{said}");
    let mut none = configuration(&Value::Null);
    assert!(rewritten(none.clone(), true).unwrap_err().contains("a webhook that is no object"));
    none["webhooks"] = Value::Null;
    let said = rewritten(none, false).unwrap_err();
    assert!(said.contains("ValidatingWebhookConfiguration orders: found no webhooks"), "{said}");
    let selector = json!({ "name": "a.b.c", "namespaceSelector": "all" });
    assert!(rewritten(configuration(&selector), true).unwrap_err().contains("a selector that is none"));
}

/// Asks a server as one that trusts this authority; says why not, or what the answer's body is.
async fn ask(address: std::net::SocketAddr, authority: &str, path: &str) -> Result<Value, String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::from(address.ip());
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let mut stream = connected.map_err(|error| error.to_string())?;
    let review = json!({ "request": { "uid": "u-1" } }).to_string();
    let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nconnection: close\r\n");
    let request = format!("{head}content-length: {}\r\n\r\n{review}", review.len());
    stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.map_err(|error| error.to_string())?;
    let answer = String::from_utf8(answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").ok_or_else(|| format!("no answer: {answer:?}"))?;
    serde_json::from_str(body).map_err(|error| format!("{error}: {body:?}"))
}

#[tokio::test]
async fn the_server_is_trusted_by_its_authority_alone_and_outlives_a_panic() {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let certificate = Certificate::of(address.ip()).unwrap();
    let authority = certificate.authority.clone();
    let answer = async |Json(review): Json<Value>| Json(json!({ "seen": review["request"]["uid"] }));
    let fail = async || -> Json<Value> { panic!("a bug in an answer") };
    let router = Router::new().route("/validate", post(answer)).route("/panic", post(fail));
    let end = CancellationToken::new();
    serve(listener, certificate, "the word".to_owned(), Answers::of(router), end.clone()).unwrap();

    assert!(ask(address, &authority, "/panic").await.is_err());
    assert_eq!(ask(address, &authority, "/validate").await.unwrap(), json!({ "seen": "u-1" }));
    let refused = ask(address, &authority, READY_PATH).await.unwrap();
    let expected = json!({ "uid": "u-1", "allowed": false, "status": { "message": "the word" } });
    assert_eq!(refused["response"], expected);

    let other = Certificate::of(address.ip()).unwrap().authority;
    let said = ask(address, &other, "/validate").await.unwrap_err();
    assert!(said.contains("invalid peer certificate"), "{said}");
    end.cancel();
    let gone = kind_core::wait::until("the port to be closed", std::time::Duration::from_secs(5), async || {
        match TcpStream::connect(address).await {
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => kind_core::wait::Check::Done(()),
            other => kind_core::wait::Check::not_yet(format!("{other:?}")),
        }
    });
    gone.await.unwrap();
}

/// One API server that gives this answer at its second look.
fn server(name: &str, answer: (u16, &'static str)) -> ApiServer {
    let looks = std::sync::atomic::AtomicUsize::new(0);
    let client = FakeApi::default().client(move |method, path, _| {
        assert_eq!(method, "POST");
        assert!(path.contains("/namespaces/ns/configmaps?") && path.contains("dryRun=All"), "{path}");
        match looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => Answer::ok(json!({ "metadata": { "name": "a" } })),
            _ => Answer::refused(answer.0, answer.1),
        }
    });
    ApiServer { name: name.to_owned(), client }
}

#[tokio::test(start_paused = true)]
async fn every_api_server_is_asked_until_it_calls_them() {
    let marks = Marks { namespace: "ns", count: 1, word: "the word" };
    let denied = || (403, "admission webhook \"ready.io.kind-rs\" denied the request: the word");
    known_everywhere(&[server("a", denied()), server("b", denied())], &marks).await.unwrap();
    let failing = (500, "failed calling webhook");
    let error = known_everywhere(&[server("a", denied()), server("b", failing)], &marks).await.unwrap_err();
    let said = kind_core::causes::chain(&error);
    assert!(said.contains("last seen: b: ") && said.contains("failed calling webhook"), "{said}");
}
