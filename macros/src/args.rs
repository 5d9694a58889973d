//! The attribute's arguments: which there are and which exclude each other. How a value is read is in `values`.

use std::time::Duration;

use proc_macro2::TokenStream;
use syn::{Ident, LitStr, Path};

use crate::{
    items::{self, Item, Value},
    mistakes::{Mistakes, did_you_mean, one_of},
};

/// Every argument.
const KNOWN: [&str; 9] =
    ["control_planes", "workers", "config", "cluster", "access", "prepare", "inputs", "timeout", "tokio"];
/// How a test may use a cluster.
const ACCESS: [&str; 4] = ["shared", "exclusive", "read", "fresh"];
/// Every argument of `tokio(…)`.
const TOKIO: [&str; 2] = ["flavor", "worker_threads"];
/// Tokio's runtimes.
const FLAVORS: [&str; 2] = ["current_thread", "multi_thread"];

/// What the attribute asks for.
#[derive(Default)]
pub(crate) struct Args {
    /// How many control planes.
    pub(crate) control_planes: Option<usize>,
    /// How many workers.
    pub(crate) workers: Option<usize>,
    /// A configuration file.
    pub(crate) config: Option<LitStr>,
    /// A function that makes the specification.
    pub(crate) cluster: Option<Path>,
    /// How the cluster is used.
    pub(crate) access: Option<&'static str>,
    /// A function that prepares the template of fresh clusters.
    pub(crate) prepare: Option<Path>,
    /// The files and folders that it reads.
    pub(crate) inputs: Vec<LitStr>,
    /// How long the body may take.
    pub(crate) timeout: Option<Duration>,
    /// What the body runs on.
    pub(crate) runtime: Runtime,
}

/// One of Tokio's runtimes.
#[derive(Default)]
pub(crate) enum Runtime {
    /// One thread.
    #[default]
    CurrentThread,
    /// As many threads as given, else as many as there are processors.
    MultiThread {
        /// How many, where it was said.
        worker_threads: Option<usize>,
    },
}

impl Args {
    /// Reads the tokens between the attribute's parentheses.
    pub(crate) fn parse(tokens: TokenStream, mistakes: &mut Mistakes) -> Self {
        let items = items::split(tokens, mistakes);
        let mut args = Self::default();
        for item in distinct(&items, mistakes) {
            args.take(item, mistakes);
        }
        one_shape(&items, mistakes);
        together(&items, args.access, mistakes);
        args
    }

    fn take(&mut self, item: &Item, mistakes: &mut Mistakes) {
        match item.key.to_string().as_str() {
            "control_planes" => {
                let number = item.number(mistakes);
                if let Some((0, literal)) = &number {
                    mistakes.on(literal, "a cluster needs at least one control plane");
                }
                self.control_planes = number.map(|(number, _)| number);
            }
            "workers" => self.workers = item.number(mistakes).map(|(number, _)| number),
            "config" => self.config = item.text("tests/ha.yaml", mistakes),
            "cluster" => self.cluster = item.path("a `fn() -> ClusterSpec`", "my_cluster", mistakes),
            "access" => self.access = item.word(&ACCESS, mistakes).map(|(word, _)| word),
            "prepare" => self.prepare = item.path("an `async fn(Cluster)`", "install_operator", mistakes),
            "inputs" => self.inputs = item.texts("deploy/crds.yaml", mistakes),
            "timeout" => self.timeout = item.duration(mistakes),
            "tokio" => self.runtime = runtime(item, mistakes),
            _ => unknown(&item.key, "argument", &KNOWN, mistakes),
        }
    }
}

/// `tokio(flavor = "…", worker_threads = N)`, as on `#[tokio::test]`.
fn runtime(item: &Item, mistakes: &mut Mistakes) -> Runtime {
    let Value::List(tokens) = &item.value else {
        item.unexpected("expected `tokio(flavor = \"multi_thread\", worker_threads = 2)`", mistakes);
        return Runtime::CurrentThread;
    };
    let items = items::split(tokens.clone(), mistakes);
    let (mut flavor, mut threads) = (None, None);
    for item in distinct(&items, mistakes) {
        match item.key.to_string().as_str() {
            "flavor" => flavor = item.word(&FLAVORS, mistakes),
            "worker_threads" => {
                threads = item.number(mistakes);
                if let Some((0, literal)) = &threads {
                    mistakes.on(literal, "a runtime needs at least one worker thread");
                }
            }
            _ => unknown(&item.key, "argument of `tokio`", &TOKIO, mistakes),
        }
    }
    let multi_thread = flavor.is_some_and(|(word, _)| word == "multi_thread");
    if let (false, Some((_, literal))) = (multi_thread, &threads) {
        mistakes.on(literal, "`worker_threads` needs `flavor = \"multi_thread\"` beside it");
    }
    if multi_thread {
        Runtime::MultiThread { worker_threads: threads.map(|(number, _)| number) }
    } else {
        Runtime::CurrentThread
    }
}

/// The first item of each key; every further one is reported.
fn distinct<'a>(items: &'a [Item], mistakes: &mut Mistakes) -> Vec<&'a Item> {
    let mut distinct: Vec<&Item> = Vec::new();
    for item in items {
        if distinct.iter().any(|earlier| earlier.key == item.key) {
            mistakes.on(&item.key, format!("`{}` is given twice", item.key));
        } else {
            distinct.push(item);
        }
    }
    distinct
}

/// Reports every argument that says what the cluster looks like when more than one way is used.
fn one_shape(items: &[Item], mistakes: &mut Mistakes) {
    let way = |item: &Item| match item.key.to_string().as_str() {
        "control_planes" | "workers" => Some("counts"),
        "config" => Some("config"),
        "cluster" => Some("cluster"),
        _ => None,
    };
    for item in items {
        let Some(mine) = way(item) else { continue };
        if let Some(other) = items.iter().find(|other| way(other).is_some_and(|way| way != mine)) {
            let (key, other) = (&item.key, &other.key);
            mistakes.on(key, format!("`{key}` and `{other}` both say what the cluster looks like; keep one of them"));
        }
    }
}

/// Reports what has no meaning without another argument.
fn together(items: &[Item], access: Option<&str>, mistakes: &mut Mistakes) {
    let given = |key: &str| items.iter().find(|item| item.key == key);
    if let (Some(item), true) = (given("prepare"), access != Some("fresh")) {
        mistakes
            .on(&item.key, "`prepare` needs `access = \"fresh\"` beside it: a shared cluster is prepared by its tests");
    }
    if let (Some(item), None) = (given("inputs"), given("prepare")) {
        mistakes.on(&item.key, "`inputs` needs `prepare` beside it: they are what that function reads");
    }
}

fn unknown(key: &Ident, what: &str, known: &[&str], mistakes: &mut Mistakes) {
    let hint = did_you_mean(&key.to_string(), known);
    mistakes.on(key, format!("unknown {what} `{key}`: expected {}{hint}", one_of(known)));
}
