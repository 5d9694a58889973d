//! Where a port is exposed, on a scripted engine. That connections come is shown by the live tests.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use kind_engine::{ContainerSpec, Engine as _, FakeEngine, Outcome};
use rstest::rstest;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::oneshot,
};
use tokio_util::sync::CancellationToken;

use super::{
    ExposeError,
    direct::default_gateway,
    serve::{Way, connectable, find, serve},
};

const HEAD: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

#[rstest]
#[case::of_a_node("eth0\t00000000\t0100120A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", Some("10.18.0.1"))]
#[case::after_others(
    "eth0\t000012C6\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\neth0\t00000000\t010012C6\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
    Some("198.18.0.1")
)]
#[case::half_of_everywhere("tun0\t00000000\t0100120A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n", None)]
#[case::without_a_gateway("eth0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n", None)]
#[case::nothing("", None)]
#[case::something_else("eth0\t00000000\n", None)]
fn the_gateway_is_that_of_the_route_to_everywhere(#[case] routes: &str, #[case] expected: Option<&str>) {
    let found = default_gateway(&format!("{HEAD}{routes}")).map(|gateway| gateway.to_string());
    assert_eq!(found.as_deref(), expected);
}

#[test]
fn what_listens_everywhere_is_found_at_the_loopback_and_no_port_is_an_error() {
    let at = |text: &str| connectable(text.parse().unwrap()).map(|address| address.to_string());
    assert_eq!(at("0.0.0.0:80").unwrap(), "127.0.0.1:80");
    assert_eq!(at("[::]:80").unwrap(), "[::1]:80");
    assert_eq!(at("192.0.2.1:80").unwrap(), "192.0.2.1:80");
    assert!(at("127.0.0.1:0").unwrap_err().to_string().contains("with its port"));
}

/// Two nodes, of which the first has a gateway that nobody has, or the loopback.
async fn engine(gateway: &str) -> FakeEngine {
    let engine = FakeEngine::default();
    for name in ["x-1", "x-2"] {
        engine.run_container(&ContainerSpec { name: name.to_owned(), ..ContainerSpec::default() }).await.unwrap();
    }
    let route = format!("{HEAD}eth0\t00000000\t{gateway}\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
    engine.when("cat /proc/net/route", Outcome::Print(route));
    engine
}

fn nodes() -> [String; 2] {
    ["x-1", "x-2"].map(ToOwned::to_owned)
}

#[rstest]
#[case::that_is_another_machines("010200C0")]
#[case::from_which_nothing_comes("0100007F")]
#[tokio::test]
async fn a_gateway_is_of_no_use(#[case] gateway: &str) {
    let engine = engine(gateway).await;
    engine.when("exec x-1 socat -V", Outcome::Exit(127, String::new()));
    engine.when("timeout", Outcome::Exit(124, String::new()));
    match find(&engine, &nodes()).await.unwrap() {
        Some(Way::Relay(node, _)) => assert_eq!(node, "x-2", "the first has no `socat`"),
        Some(Way::Direct(_)) => panic!("nothing came from there"),
        // The engine gives its containers no addresses.
        None => assert!(engine.calls().iter().any(|call| call == "exec x-2 socat -V"), "{:?}", engine.calls()),
    }
}

#[tokio::test]
async fn a_node_that_does_not_run_is_passed_over_and_none_is_an_error() {
    let engine = engine("010200C0").await;
    engine.when("exec", Outcome::Refuse("it is paused".to_owned()));
    let Err(ExposeError::Cluster(error)) = find(&engine, &nodes()).await else { panic!("no node answers") };
    assert!(kind_core::causes::chain(&error).contains("it is paused"), "{error:?}");
}

#[tokio::test]
async fn connections_are_passed_on_until_the_end() {
    let served = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let local = served.local_addr().unwrap();
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let way = Way::Direct(listener.into_std().unwrap());
    let (started, start) = oneshot::channel();
    let end = CancellationToken::new();
    serve(way, Arc::new(FakeEngine::default()), local, started, end.clone()).unwrap();
    let at: SocketAddr = start.await.unwrap().unwrap();
    let mut asking = TcpStream::connect(at).await.unwrap();
    asking.write_all(b"who").await.unwrap();
    asking.shutdown().await.unwrap();
    let (mut answering, _) = served.accept().await.unwrap();
    let mut question = String::new();
    answering.read_to_string(&mut question).await.unwrap();
    answering.write_all(b"me").await.unwrap();
    drop(answering);
    let mut answer = String::new();
    asking.read_to_string(&mut answer).await.unwrap();
    assert_eq!((question.as_str(), answer.as_str()), ("who", "me"));
    end.cancel();
    let closed = kind_core::wait::until("the port to be closed", std::time::Duration::from_secs(5), async || {
        match TcpStream::connect(at).await {
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => kind_core::wait::Check::Done(()),
            other => kind_core::wait::Check::not_yet(format!("{other:?}")),
        }
    });
    closed.await.unwrap();
}
