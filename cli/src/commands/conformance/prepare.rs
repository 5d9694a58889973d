//! What a run of specs needs before the first one: the suite, the folder, the cluster.

use std::{path::PathBuf, time::Duration};

use kind_conformance::{Begin, Catalog, ClusterFacts, Folder, Logs, Runner, Stop, Subject, TestImages};
use kind_core::{
    access::Access,
    settings::{ExistingCluster, Settings},
};
use kind_engine::Pull;

use crate::{args::ConformanceRun, failure::ConformanceFailure, session::Session};

/// How many nodes that take pods a certified cluster has at least; one spec counts them, others use them.
const TAKERS: usize = 2;

/// How long a registry may take for two megabytes.
const PULL_LIMIT: Duration = Duration::from_secs(120);

/// A run, as far as it is clear before its cluster is there.
pub(super) struct Prepared {
    pub(super) runner: Runner,
    pub(super) folder: Folder,
    pub(super) cluster: String,
    /// The specs' images; `None` where the cluster is somebody else's.
    pub(super) images: Option<TestImages>,
    /// What somebody else's cluster says of itself.
    facts: Option<ClusterFacts>,
}

/// Finds the suite, asks somebody else's cluster what it is, and opens the folder; `None` where it was stopped meanwhile.
pub(super) async fn prepare(
    session: &Session<'_>,
    args: &ConformanceRun,
    catalog: &'static Catalog,
    stop: &Stop,
) -> Result<Option<Prepared>, ConformanceFailure> {
    let path = results_folder(args, catalog);
    let runner = Runner::find(settings(session, args, &path), catalog, Logs::OfAll, args.images.into())?;
    let facts = if runner.settings().existing.is_some() {
        let Some(facts) = look(&runner, stop).await? else { return Ok(None) };
        session.console.note(&format!(
            "cluster {} belongs to somebody else: its nodes pull the specs' images themselves, evidence comes from its API alone, and serial specs are alone only as far as this user's tests go",
            facts.name
        ));
        Some(facts)
    } else {
        None
    };
    let cluster = facts.as_ref().map_or_else(|| made_for(&runner), in_words);
    let images = facts.is_none().then(|| args.images.into());
    let begin = if args.anew { Begin::Anew } else { Begin::Resume };
    let subject =
        Subject { version: catalog.version().to_owned(), cluster: cluster.clone(), certified: args.certified };
    let folder = Folder::open(&path, &subject, begin)?;
    Ok(Some(Prepared { runner, folder, cluster, images, facts }))
}

impl Prepared {
    /// Has the cluster, and looks whether it is fit for the specs; `None` where it was stopped meanwhile.
    pub(super) async fn cluster(
        self,
        session: &Session<'_>,
        args: &ConformanceRun,
        catalog: &'static Catalog,
        stop: &Stop,
    ) -> Result<Option<(Runner, Folder, String)>, ConformanceFailure> {
        let facts = if let Some(facts) = self.facts {
            facts
        } else {
            if self.images == Some(TestImages::Upstream) {
                reach_upstream(session, catalog, stop).await?;
            }
            session.console.note(&format!("getting a cluster: {}", self.cluster));
            let Some(facts) = look(&self.runner, stop).await? else { return Ok(None) };
            facts
        };
        for problem in problems(&facts, catalog.version()) {
            if args.certified {
                return Err(ConformanceFailure::Unfit { wanted: catalog.version(), problem });
            }
            session.console.note(&format!("{problem}; specs may fail for that"));
        }
        let mut folder = self.folder;
        folder.runs_on(&facts.identity)?;
        Ok(Some((self.runner.workers(facts.takers.len()), folder, self.cluster)))
    }
}

/// Looks whether upstream's images can be had, by the smallest of them: without a registry every spec would wait for its
/// pods until its time is over.
async fn reach_upstream(
    session: &Session<'_>,
    catalog: &'static Catalog,
    stop: &Stop,
) -> Result<(), ConformanceFailure> {
    let images = kind_images::conformance::substitutes(catalog.release());
    let Some(smallest) = images.into_iter().map(|image| image.name).find(|name| name.contains("/busybox:")) else {
        return Ok(());
    };
    let engine = session.connect().await.map_err(ConformanceFailure::Engine)?;
    session.console.note(&format!("looking whether a registry has upstream's images: {smallest}"));
    let pull = tokio::time::timeout(PULL_LIMIT, engine.pull_image(&smallest, Pull::default()));
    tokio::select! {
        pulled = pull => match pulled {
            Ok(Ok(())) => Ok(()),
            Ok(Err(source)) => Err(ConformanceFailure::NoUpstream { image: smallest, source: Some(source) }),
            Err(_) => Err(ConformanceFailure::NoUpstream { image: smallest, source: None }),
        },
        // Whoever takes the cluster next notices.
        () = stop.asked() => Ok(()),
    }
}

/// The cluster that is made for the specs, in words.
fn made_for(runner: &Runner) -> String {
    let planes = runner.settings().conformance_control_planes;
    let planes = if planes == 1 { "1 control plane".to_owned() } else { format!("{planes} control planes") };
    format!("{planes} and {TAKERS} workers of {}", runner.image().unwrap_or_default())
}

/// Somebody else's cluster, in words.
fn in_words(facts: &ClusterFacts) -> String {
    format!("cluster {} ({}, Kubernetes {})", facts.name, facts.identity, facts.version)
}

fn results_folder(args: &ConformanceRun, catalog: &'static Catalog) -> PathBuf {
    let certified = if args.certified { "-certified" } else { "" };
    let folder = || PathBuf::from(format!("conformance-{}{certified}", catalog.version()));
    let folder = args.results.clone().unwrap_or_else(folder);
    std::path::absolute(&folder).unwrap_or(folder)
}

/// The environment's settings, but for what the arguments say.
fn settings(session: &Session<'_>, args: &ConformanceRun, folder: &std::path::Path) -> Settings {
    let mut settings = session.settings.clone();
    if let Some(path) = &args.kubeconfig {
        settings.existing = Some(ExistingCluster::Argument(path.clone()));
    }
    settings.conformance_results = Some(Folder::results_file_in(folder));
    settings.artifacts = Folder::specs_in(folder);
    settings
}

/// Has the cluster, for a look at it. It stays until this program ends.
async fn look(runner: &Runner, stop: &Stop) -> Result<Option<ClusterFacts>, ConformanceFailure> {
    let hold = tokio::select! {
        hold = runner.cluster(Access::Shared, "conformance") => hold?,
        () = stop.asked() => return Ok(None),
    };
    let facts = ClusterFacts::ask(&hold).await;
    hold.passed().await;
    Ok(Some(facts?))
}

/// What speaks against running the specs of this version on this cluster.
fn problems(facts: &ClusterFacts, version: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if !facts.is_of(version) {
        problems.push(format!("the cluster runs Kubernetes {}, the specs are those of {version}", facts.version));
    }
    if facts.takers.len() < TAKERS {
        let names = if facts.takers.is_empty() { "none".to_owned() } else { facts.takers.join(", ") };
        problems.push(format!("{TAKERS} Ready nodes that take pods are needed, and there is {names}"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_of_another_version_or_with_too_few_workers_is_told() {
        let facts = |version: &str, takers: &[&str]| ClusterFacts {
            version: version.to_owned(),
            name: "a".to_owned(),
            identity: String::new(),
            takers: takers.iter().map(|name| (*name).to_owned()).collect(),
        };
        assert_eq!(problems(&facts("v1.37.9", &["b", "c"]), "v1.37.2"), Vec::<String>::new());
        let found = problems(&facts("v1.36.2", &["b"]), "v1.37.2");
        assert_eq!(found.len(), 2);
        assert!(found[0].contains("v1.36.2") && found[1].ends_with("there is b"), "{found:?}");
    }
}
