//! A control plane dies while a client writes through the load balancer. This test needs a cluster for itself: it breaks it.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use k8s_openapi::api::{coordination::v1::Lease, core::v1::ConfigMap};
use kind_examples::kubernetes::{brief, client_without_retries};
use kind_harness::{
    Cluster, Node, TestNamespace, kind_test,
    wait::{self, Check},
};
use kube::{
    Api, Client, Config, ResourceExt,
    api::{ListParams, ObjectMeta, PostParams},
};
use tokio::time::timeout;

/// Etcd elects a new leader in seconds, the controllers in 20 s, and a node is back in 10 s.
const LIMIT: Duration = Duration::from_mins(2);

/// How long the writer waits for one answer. A client without such a limit may wait for a dead server forever.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// The load balancer spreads connections over the control planes: of this many, some lead to the one that dies.
const WRITERS: usize = 6;

#[kind_test(control_planes = 3, workers = 1, access = "exclusive", timeout = "8m")]
async fn no_acknowledged_write_is_lost_with_a_control_plane(
    cluster: Cluster,
    client: Client,
    config: Config,
    ns: TestNamespace,
) -> anyhow::Result<()> {
    let progress = Arc::new(Progress::default());
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        // A client of its own is a connection of its own.
        let config_maps = Api::namespaced(client_without_retries(config.clone())?, &ns);
        writers.push(tokio::spawn(write_until_stopped(config_maps, number, Arc::clone(&progress))));
    }
    progress.of_every_writer(5).await?;

    // Not any control plane: the one whose controllers run the cluster.
    let victim = leader(&client).await?;
    cluster.node(&victim)?.kill().await?;
    progress.of_every_writer(10).await?;
    let successor = wait::until("another control plane to lead", LIMIT, async || match leader(&client).await {
        Err(error) => Check::not_yet(format!("{error:#}")),
        Ok(leader) if leader == victim => Check::not_yet(format!("{victim} led last")),
        Ok(leader) => Check::Done(leader),
    })
    .await?;

    cluster.node(&victim)?.start().await?;
    let nodes = cluster.nodes();
    let names: Vec<&str> = nodes.iter().map(Node::name).collect();
    wait::nodes_ready(&client, &names, LIMIT).await?;
    progress.of_every_writer(5).await?;
    progress.stop.store(true, Ordering::SeqCst);

    println!("{victim} was killed, {successor} took over");
    for (number, writer) in writers.into_iter().enumerate() {
        let outages = writer.await?;
        if outages.is_empty() {
            println!("writer {number} saw no error");
        }
        for outage in outages {
            println!("writer {number} saw errors for {outage}");
        }
    }

    let config_maps: Api<ConfigMap> = Api::namespaced(client, &ns);
    let kept = config_maps.list(&ListParams::default()).await?;
    let kept: BTreeSet<String> = kept.iter().map(ResourceExt::name_any).collect();
    let acknowledged = progress.names_of_acknowledged_writes();
    let lost: Vec<&String> = acknowledged.iter().filter(|&name| !kept.contains(name)).collect();
    assert!(lost.is_empty(), "lost of {} acknowledged writes: {lost:?}", acknowledged.len());
    println!("{} writes were acknowledged, none is lost", acknowledged.len());
    Ok(())
}

/// What the writers and the test tell each other.
#[derive(Default)]
struct Progress {
    acknowledged: [AtomicUsize; WRITERS],
    stop: AtomicBool,
}

impl Progress {
    /// Waits until every writer got this many further writes acknowledged.
    async fn of_every_writer(&self, count: usize) -> anyhow::Result<()> {
        let look = || self.acknowledged.each_ref().map(|writer| writer.load(Ordering::SeqCst));
        let wanted = look().map(|before| before + count);
        wait::until(format!("{wanted:?} acknowledged writes"), LIMIT, async || {
            let now = look();
            let done = now.iter().zip(&wanted).all(|(now, wanted)| now >= wanted);
            if done { Check::Done(()) } else { Check::not_yet(format!("{now:?}")) }
        })
        .await?;
        Ok(())
    }

    fn names_of_acknowledged_writes(&self) -> Vec<String> {
        let writers = self.acknowledged.iter().enumerate();
        writers.flat_map(|(writer, count)| (0..count.load(Ordering::SeqCst)).map(move |n| name(writer, n))).collect()
    }
}

fn name(writer: usize, write: usize) -> String {
    format!("writer-{writer}-write-{write}")
}

/// A time in which a writer got nothing acknowledged.
struct Outage {
    /// From the start of the first attempt that failed until an attempt succeeded again.
    lasted: Duration,
    errors: Vec<String>,
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s ({} attempts failed): {}", self.lasted.as_secs_f64(), self.errors.len(), self.errors[0])
    }
}

/// One write after the other, each repeated until it is acknowledged.
async fn write_until_stopped(config_maps: Api<ConfigMap>, writer: usize, progress: Arc<Progress>) -> Vec<Outage> {
    let mut outages = Vec::new();
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    while !progress.stop.load(Ordering::SeqCst) {
        let name = name(writer, progress.acknowledged[writer].load(Ordering::SeqCst));
        let start = Instant::now();
        let mut errors = Vec::new();
        loop {
            pace.tick().await;
            match timeout(ANSWER_LIMIT, create(&config_maps, &name)).await {
                Ok(Ok(())) => break,
                // An attempt whose answer never came had arrived all the same.
                Ok(Err(kube::Error::Api(status))) if status.is_already_exists() && !errors.is_empty() => break,
                Ok(Err(error)) => errors.push(brief(&error)),
                Err(_) => errors.push(format!("no answer within {ANSWER_LIMIT:?}")),
            }
        }
        progress.acknowledged[writer].fetch_add(1, Ordering::SeqCst);
        if !errors.is_empty() {
            outages.push(Outage { lasted: start.elapsed(), errors });
        }
    }
    outages
}

async fn create(config_maps: &Api<ConfigMap>, name: &str) -> kube::Result<()> {
    let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
    config_maps.create(&PostParams::default(), &ConfigMap { metadata, ..ConfigMap::default() }).await?;
    Ok(())
}

/// The control plane that holds the controllers' lease.
async fn leader(client: &Client) -> anyhow::Result<String> {
    let leases: Api<Lease> = Api::namespaced(client.clone(), "kube-system");
    let lease = timeout(ANSWER_LIMIT, leases.get("kube-controller-manager")).await??;
    let holder = lease.spec.and_then(|spec| spec.holder_identity).context("nobody leads")?;
    // The identity is the node's name and a random part.
    let (node, _) = holder.split_once('_').context("an identity that names no node")?;
    Ok(node.to_owned())
}
