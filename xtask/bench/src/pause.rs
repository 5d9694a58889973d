//! Measures what a cluster takes while nobody uses it, and how soon one that was paused is itself again.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use kind_core::{
    cluster::ClusterRecord,
    power,
    provision::{Blueprint, Creation, provision},
    settings::Settings,
    spec::{ClusterName, ClusterSpec, NetworkPools, Proxy},
};
use kind_engine::{Command, DockerEngine, Engine, Labels};
use xtask::wait::limit as rest;

use crate::{
    args::PauseArgs,
    clock::Clock,
    create::{machine, name},
    figures::Figures,
    ready,
    report::{Row, Shape, milliseconds},
};

/// Control planes and workers.
const SHAPES: [(usize, usize); 2] = [(1, 0), (3, 1)];
/// For how long a new cluster is left alone, and for how long it is watched then: much of what it does in its first seconds it
/// never does again.
const WATCHED: Duration = Duration::from_secs(60);
/// For how long it runs between two pauses.
const BETWEEN: Duration = Duration::from_secs(15);
/// How long a cluster may take to be well again.
const LIMIT: Duration = Duration::from_secs(120);
/// The nanoseconds of a processor that a node's group has used, on either version of control groups.
const USED: &str = "cat /sys/fs/cgroup/cpuacct/cpuacct.usage 2>/dev/null || \
    awk '$1 == \"usage_usec\" {print $2 * 1000}' /sys/fs/cgroup/cpu.stat";

/// Pauses clusters again and again, and prints what that took.
///
/// # Errors
/// When a cluster cannot be created, paused or thawed, or a figure cannot be had.
pub async fn run(arguments: PauseArgs) -> anyhow::Result<()> {
    let settings = Settings::from_environment()?;
    let engine: Arc<dyn Engine> = Arc::new(DockerEngine::find(&settings.engine).await?);
    let image = settings.image.clone().context("find the node image: `cargo xtask bench` names it")?;
    println!("{}\n", machine(&engine.facts().await?));
    let bench = Bench { engine, image, logs: settings.artifacts.join("bench"), arguments };
    for (control_planes, workers) in SHAPES {
        bench.shape(control_planes, workers).await?;
    }
    Ok(())
}

struct Bench {
    engine: Arc<dyn Engine>,
    image: String,
    logs: PathBuf,
    arguments: PauseArgs,
}

impl Bench {
    /// One cluster, which is removed whatever happens, an interrupt included.
    async fn shape(&self, control_planes: usize, workers: usize) -> anyhow::Result<()> {
        let cluster = ClusterName::new(format!("bench-{}", std::process::id()))?;
        let creation = Creation::new();
        let blueprint = Blueprint {
            name: cluster.clone(),
            creation: creation.clone(),
            spec: ClusterSpec::single_node().control_planes(control_planes).workers(workers),
            image: self.image.clone(),
            origin: None,
            load_balancer_image: None,
            labels: Labels::new(),
            retain: false,
            deadline: None,
            wait: Some(LIMIT),
            pools: NetworkPools::default(),
            proxy: Proxy::default(),
            logs: self.logs.clone(),
        };
        let measured = async {
            let record = provision(Arc::clone(&self.engine), &blueprint, &Clock::default()).await?;
            let running = self.running(&record).await?;
            anyhow::Ok((running, self.pauses(&record).await?))
        };
        let outcome = tokio::select! {
            outcome = measured => outcome,
            signal = tokio::signal::ctrl_c() => Err(signal.map_or_else(Into::into, |()| anyhow::anyhow!("interrupted"))),
        };
        let removed = creation.undo(&*self.engine, &cluster).await;
        let (running, rows) = outcome.with_context(|| format!("measure cluster {cluster}"))?;
        removed?;
        let shape = Shape::alone(name(control_planes, workers), rows);
        println!("{}", milliseconds(&shape, self.arguments.runs));
        println!("{running:.2} of a processor while nobody uses it and it runs\n");
        Ok(())
    }

    /// Which part of a processor its nodes take while nobody uses them.
    async fn running(&self, record: &ClusterRecord) -> anyhow::Result<f64> {
        ready::pods(&ready::client(record).await?).await?;
        rest(WATCHED).await;
        let (before, start) = (self.used(record).await?, Instant::now());
        rest(WATCHED).await;
        let used = self.used(record).await?.saturating_sub(before);
        Ok(used.as_secs_f64() / start.elapsed().as_secs_f64())
    }

    async fn used(&self, record: &ClusterRecord) -> anyhow::Result<Duration> {
        let mut total = Duration::ZERO;
        for node in &record.nodes {
            let said =
                self.engine.exec(node.container().as_str(), &Command::new(["sh", "-c", USED])).await?.success()?;
            total += Duration::from_nanos(said.trim().parse().with_context(|| format!("read {said:?}"))?);
        }
        Ok(total)
    }

    /// What pauses of some length take: to begin, until the controllers that led lead again, until every node is Ready.
    async fn pauses(&self, record: &ClusterRecord) -> anyhow::Result<Vec<Row>> {
        let (mut begun, mut led, mut well) = (Vec::new(), Vec::new(), Vec::new());
        for run in 1..=self.arguments.runs {
            eprintln!("{}: pause {run} of {}", record.name, self.arguments.runs);
            let start = Instant::now();
            power::pause(&*self.engine, &record.name).await?;
            begun.push(start.elapsed());
            rest(Duration::from_secs(self.arguments.seconds)).await;
            let start = Instant::now();
            power::unpause(&self.engine, &record.name).await?;
            led.push(start.elapsed());
            power::well(&self.engine, &record.name, start.elapsed(), LIMIT, |_| {}).await?;
            well.push(start.elapsed());
            rest(BETWEEN).await;
        }
        let rows = [("pause", begun), ("go on, led as before", led), ("go on, every node Ready", well)];
        let row = |(name, times): (&str, Vec<_>)| Some(Row { name: name.to_owned(), figures: Figures::of(&times)? });
        Ok(rows.into_iter().filter_map(row).collect())
    }
}
