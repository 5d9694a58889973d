//! Services of type `LoadBalancer` of a cluster whose network comes with the node image.

use std::{net::IpAddr, time::Duration};

use anyhow::Context as _;
use k8s_openapi::api::core::v1::Service;
use kind_harness::{
    Node, TestContext, expect, kind_test,
    wait::{self, Check},
};
use kube::{
    Api, Client,
    api::{DeleteParams, PostParams},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::busybox;

/// The first such Service starts what gives addresses, on every node.
const LIMIT: Duration = Duration::from_mins(2);
const PORT: u16 = 80;

fn service(name: &str, more: &serde_json::Value) -> anyhow::Result<Service> {
    let mut service = json!({
        "metadata": { "name": name },
        "spec": { "type": "LoadBalancer", "selector": { "app": "server" }, "ports": [{ "port": PORT, "targetPort": 8080 }] },
    });
    for (field, value) in more.as_object().into_iter().flatten() {
        service["spec"][field] = value.clone();
    }
    Ok(serde_json::from_value(service)?)
}

fn address_of(service: &Service) -> Option<&str> {
    service.status.as_ref()?.load_balancer.as_ref()?.ingress.as_ref()?.first()?.ip.as_deref()
}

/// Makes a Service and waits for its address.
async fn address(services: &Api<Service>, name: &str, more: &serde_json::Value) -> anyhow::Result<String> {
    services.create(&PostParams::default(), &service(name, more)?).await?;
    let found = expect(services, name).within(LIMIT).to("an address", |service| address_of(service).is_some()).await?;
    Ok(address_of(&found).context("it has one")?.to_owned())
}

/// What answers there to this process.
async fn ask(address: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect((address, PORT)).await?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Waits until the server answers there to this process, or until nobody does.
async fn answers(address: &str, wanted: bool) -> anyhow::Result<()> {
    let what = format!("{address}:{PORT} to be {} for this process", if wanted { "answered" } else { "unanswered" });
    let seen = wait::until(what, LIMIT, async || {
        // A packet that comes a moment too early is repeated after a second.
        let answer = match timeout(Duration::from_secs(3), ask(address)).await {
            Ok(answer) => answer.map_err(|error| format!("{error:#}")),
            Err(_) => Err("no answer in 3 s".to_owned()),
        };
        match answer {
            Ok(answer) if wanted == answer.ends_with("hello\n") => Check::Done(()),
            Err(_) if !wanted => Check::Done(()),
            other => Check::not_yet(format!("{other:?}")),
        }
    });
    Ok(seen.await?)
}

/// The nodes that have the address.
async fn holders(nodes: &[Node], address: &str) -> anyhow::Result<Vec<String>> {
    let mut holders = Vec::new();
    for node in nodes {
        let present = node.exec(["ip", "-oneline", "address", "show", "dev", "eth0"]).await?;
        if present.contains(&format!(" {address}/")) {
            holders.push(node.name().to_owned());
        }
    }
    Ok(holders)
}

/// Waits until these nodes, and no others, have the address.
async fn held_by(nodes: &[Node], address: &str, expected: &[&str]) -> anyhow::Result<()> {
    let seen =
        wait::until(format!("{address} to be on {expected:?}"), LIMIT, async || match holders(nodes, address).await {
            Ok(holders) if holders == expected => Check::Done(()),
            other => Check::not_yet(format!("{other:?}")),
        });
    Ok(seen.await?)
}

/// Whether the bridge of the cluster's network is this machine's: an engine in a virtual machine has it there.
async fn is_here(node: &Node) -> anyhow::Result<bool> {
    let route = node.exec(["ip", "-4", "route", "show", "default"]).await?;
    let gateway: IpAddr = route.split_whitespace().nth(2).context("a default route")?.parse()?;
    Ok(TcpListener::bind((gateway, 0)).await.is_ok())
}

#[kind_test(control_planes = 1, workers = 1)]
async fn services_have_addresses_that_this_machine_and_pods_reach(
    context: TestContext,
    client: Client,
) -> anyhow::Result<()> {
    let nodes = context.cluster().nodes();
    let [first, second] = &nodes[..] else { anyhow::bail!("expected two nodes") };
    let Some(image) = busybox::image(first).await? else { return Ok(()) };
    let here = is_here(first).await?;
    if !here {
        eprintln!("SKIPPED: that this machine reaches the addresses: the engine's networks are on another one");
    }
    busybox::server(&context, &client, &image, second.name()).await?;
    let services: Api<Service> = Api::default_namespaced(client.clone());
    let one = address(&services, "one", &json!({})).await?;
    let other = address(&services, "other", &json!({ "externalTrafficPolicy": "Local" })).await?;
    assert_ne!(one, other);
    // Control planes that take no ordinary pods do not answer either.
    for address in [&one, &other] {
        held_by(&nodes, address, &[second.name()]).await?;
        if here {
            answers(address, true).await?;
        }
        let script = format!("printf 'GET / HTTP/1.0\\r\\n\\r\\n' | busybox nc -w 5 {address} {PORT}");
        let asked = wait::until(format!("{address}:{PORT} to be answered for a pod"), LIMIT, async || {
            match context.exec("server", ["/bin/sh", "-c", &script]).await {
                Ok(output) if output.stdout.ends_with(b"hello\n") => Check::Done(()),
                other => Check::not_yet(format!("{other:?}")),
            }
        });
        asked.await?;
    }

    services.delete("one", &DeleteParams::default()).await?;
    expect(&services, "one").within(LIMIT).deleted().await?;
    held_by(&nodes, &one, &[]).await?;
    if here {
        answers(&one, false).await?;
    }
    assert_eq!(address(&services, "again", &json!({ "loadBalancerIP": one })).await?, one);
    if here {
        answers(&one, true).await?;
    }

    services.create(&PostParams::default(), &service("outside", &json!({ "loadBalancerIP": "192.0.2.1" }))?).await?;
    let event = expect(&services, "outside").within(LIMIT).event("SyncLoadBalancerFailed").await?;
    let said = event.message.unwrap_or_default();
    assert!(said.contains("192.0.2.1 is none of the addresses that Services of this cluster can have"), "{said}");
    Ok(())
}
