//! Times cluster creation: each step, the call as a whole, and when the cluster is of use.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use kind_core::{
    provision::{Blueprint, Creation, STEPS, provision},
    settings::Settings,
    spec::{ClusterName, ClusterSpec, NetworkPools, Proxy},
};
use kind_engine::{DockerEngine, Engine, EngineFacts, Labels};

use crate::{
    args::CreateArgs,
    baseline,
    clock::Clock,
    figures::Figures,
    ready,
    report::{Report, Row, Shape},
};

const COMMAND: &str = "command";
const NODES: &str = "all nodes Ready";
const PODS: &str = "every pod Ready";
/// Control planes and workers.
const SHAPES: [(usize, usize); 2] = [(1, 0), (3, 1)];

/// What one row's runs took, by the row's name.
type Times = BTreeMap<String, Vec<Duration>>;

/// Creates and removes clusters, and prints what that took.
///
/// # Errors
/// When a cluster cannot be created, or a figure cannot be had.
pub async fn run(arguments: CreateArgs) -> anyhow::Result<()> {
    let settings = Settings::from_environment()?;
    let engine = DockerEngine::find(&settings.engine).await?;
    let facts = engine.facts().await?;
    let image = settings.image.clone().context("find the node image: `cargo xtask bench` names it")?;
    let bench = Bench { engine: Arc::new(engine), image: image.clone(), logs: settings.artifacts.join("bench") };

    let mut shapes = Vec::new();
    for (control_planes, workers) in SHAPES {
        let mut ours = Times::new();
        let mut kind = Times::new();
        for run in 1..=arguments.runs {
            eprintln!("{}: run {run} of {}", name(control_planes, workers), arguments.runs);
            bench.ours(control_planes, workers, &mut ours).await?;
            // Alternately, so that whatever else the machine does meets both.
            if let Some(program) = &arguments.kind_baseline {
                let measured = baseline::run(program, &image, control_planes, workers).await?;
                for (row, time) in [(COMMAND, measured.command), (NODES, measured.nodes), (PODS, measured.pods)] {
                    kind.entry(row.to_owned()).or_default().push(time);
                }
            }
        }
        shapes.push(Shape {
            name: name(control_planes, workers),
            rows: rows(&ours),
            baseline: "kind",
            baseline_rows: rows(&kind),
        });
    }
    let report = Report { machine: machine(&facts), image, runs: arguments.runs, shapes };
    println!("{}", report.to_table());
    if let Some(file) = arguments.json {
        let text = serde_json::to_string_pretty(&report)?;
        std::fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
    }
    Ok(())
}

struct Bench {
    engine: Arc<dyn Engine>,
    image: String,
    logs: PathBuf,
}

impl Bench {
    /// One cluster, which is removed whatever happens, an interrupt included.
    async fn ours(&self, control_planes: usize, workers: usize, times: &mut Times) -> anyhow::Result<()> {
        let name = ClusterName::new(format!("bench-{}", std::process::id()))?;
        let creation = Creation::new();
        let outcome = tokio::select! {
            outcome = self.create(&name, creation.clone(), control_planes, workers, times) => outcome,
            signal = tokio::signal::ctrl_c() => Err(signal.map_or_else(Into::into, |()| anyhow::anyhow!("interrupted"))),
        };
        let removed = creation.undo(&*self.engine, &name).await;
        outcome.with_context(|| format!("create cluster {name}"))?;
        removed.map_err(Into::into)
    }

    async fn create(
        &self,
        name: &ClusterName,
        creation: Creation,
        control_planes: usize,
        workers: usize,
        times: &mut Times,
    ) -> anyhow::Result<()> {
        let blueprint = Blueprint {
            name: name.clone(),
            creation,
            spec: ClusterSpec::single_node().control_planes(control_planes).workers(workers),
            image: self.image.clone(),
            origin: None,
            load_balancer_image: None,
            labels: Labels::new(),
            retain: false,
            deadline: None,
            // Waited for below, in the way in which kind is measured.
            wait: None,
            pools: NetworkPools::default(),
            proxy: Proxy::default(),
            logs: self.logs.clone(),
        };
        let clock = Clock::default();
        let start = Instant::now();
        let record = provision(Arc::clone(&self.engine), &blueprint, &clock).await?;
        let command = start.elapsed();
        let client = ready::client(&record).await?;
        ready::nodes(&client, &record).await?;
        let nodes = start.elapsed();
        ready::pods(&client).await?;
        let pods = start.elapsed();
        let steps = STEPS.iter().filter_map(|step| Some((*step, clock.of(step)?)));
        for (row, time) in steps.chain([(COMMAND, command), (NODES, nodes), (PODS, pods)]) {
            times.entry(row.to_owned()).or_default().push(time);
        }
        Ok(())
    }
}

/// Steps in their order, then the marks.
fn rows(times: &Times) -> Vec<Row> {
    let names = STEPS.into_iter().chain([COMMAND, NODES, PODS]);
    names.filter_map(|name| Some(Row { name: name.to_owned(), figures: Figures::of(times.get(name)?)? })).collect()
}

pub(crate) fn name(control_planes: usize, workers: usize) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    format!("{control_planes} control plane{}, {workers} worker{}", plural(control_planes), plural(workers))
}

/// What was measured on.
pub(crate) fn machine(facts: &EngineFacts) -> String {
    format!(
        "{} processors, {} GiB memory, engine {} ({}), control groups v{}",
        facts.processors,
        facts.memory >> 30,
        facts.version,
        facts.storage_driver,
        facts.cgroup_version
    )
}
