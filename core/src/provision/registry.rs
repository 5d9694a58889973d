//! Step: the cluster's own registry and its mirrors, each a container of the node image, and how everybody finds them.

use std::{net::Ipv4Addr, time::Duration};

use futures::future::{join_all, try_join_all};
use kind_engine::{Command, ContainerSpec, Mount, MountKind, NodeFile, RestartPolicy};

use super::{
    apply::{Objects, apply},
    containers::{Published, labels, run_published},
    context::Context,
    running::OnNodes,
    steps::{Failure, OnNode as _},
    taken,
};
use crate::{
    render::{
        REGISTRY_FOLDER, REGISTRY_PORT, REGISTRY_SETTINGS, mirror_hosts, registry_hosts, registry_notice,
        registry_settings,
    },
    spec::{Mirror, NodeName, ROLE_REGISTRY, Registry},
    wait::{Check, until_or},
};

/// How often it is looked whether the registry listens, and for how long.
const EVERY: Duration = Duration::from_millis(100);
const LIMIT: Duration = Duration::from_secs(60);

/// Starts them, tells nodes and people where they are, and returns the registry's port on the host.
pub(super) async fn start(context: &Context, registry: &Registry, on: OnNodes<'_>) -> Result<u16, Failure> {
    let cluster = &context.plan.blueprint.name;
    let name = cluster.registry();
    let published = Published {
        setting: taken::REGISTRY_PORT,
        address: Ipv4Addr::LOCALHOST.into(),
        port: registry.port,
        container_port: REGISTRY_PORT,
    };
    let own = async {
        let port = run_published(context, &name, published, container(context, &name, None)).await?;
        wait(context, &name).await?;
        Ok(port)
    };
    let own = on.each(&name, own);
    let mirrors: Vec<(NodeName, &Mirror)> =
        registry.mirrors.iter().enumerate().map(|(index, mirror)| (cluster.mirror(index), mirror)).collect();
    let others = mirrors.iter().map(async |(name, mirror)| {
        // Where there is nothing to fetch from, it does not come up, and nodes ask the host itself.
        let run = async { context.run_container(name, container(context, name, Some(mirror))).await };
        on.each(name, run).await
    });
    let (port, _) = futures::try_join!(own, try_join_all(others))?;
    let mut files: Vec<NodeFile> = registry_hosts(&name, port);
    files.extend(mirrors.iter().map(|(name, mirror)| mirror_hosts(name, mirror)));
    let told = join_all(context.plan.nodes.iter().map(async |node| context.write_files(&node.name, &files).await));
    told.await.into_iter().collect::<Result<Vec<()>, Failure>>()?;
    let notice = registry_notice(&name, port);
    let applied = apply(context, "the registry's notice", Objects::Text(notice.as_bytes())).await?;
    applied.success().on(&context.plan.first().name)?;
    Ok(port)
}

/// Waits until it listens: the engine's proxy takes connections before.
async fn wait(context: &Context, name: &NodeName) -> Result<(), Failure> {
    let address = format!("TCP:127.0.0.1:{REGISTRY_PORT}");
    let command = Command::new(["socat", "-u", "/dev/null", &address]);
    let what = format!("the registry {name}");
    let listens = until_or(EVERY, what, LIMIT, async || -> Result<Check<()>, Failure> {
        let output = context.exec(name, &command).await?;
        if output.exit_code == 0 {
            return Ok(Check::Done(()));
        }
        Ok(Check::not_yet(String::from_utf8_lossy(&output.stderr).trim()))
    });
    Ok(listens.await??)
}

fn container(context: &Context, name: &NodeName, mirror: Option<&Mirror>) -> ContainerSpec {
    let blueprint = &context.plan.blueprint;
    let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    // A mirror fetches from outside, as nodes do.
    let mut environment = context.proxies();
    // It would look for somebody to send traces to, and complain.
    environment.extend([text("OTEL_TRACES_EXPORTER", "none")]);
    ContainerSpec {
        name: name.to_string(),
        hostname: name.to_string(),
        image: blueprint.image.clone(),
        entrypoint: ["/usr/local/bin/registry", "serve", REGISTRY_SETTINGS].map(str::to_owned).to_vec(),
        environment,
        labels: labels(context, name, ROLE_REGISTRY),
        network: context.network(),
        mounts: vec![Mount { target: REGISTRY_FOLDER.to_owned(), kind: MountKind::AnonymousVolume }],
        restart: RestartPolicy::OnFailure(1),
        files: vec![registry_settings(mirror)],
        ..ContainerSpec::default()
    }
}
