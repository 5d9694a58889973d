//! The arguments of `kind-rs conformance`.

use std::{num::NonZero, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use kind_conformance::TestImages;
use regex::Regex;

use super::Format;

#[derive(Debug, Subcommand)]
pub(crate) enum Conformance {
    /// Run the conformance specs that have not passed yet, on a cluster that is made for them
    Run(ConformanceRun),
    /// Print the names of the conformance specs
    List(ConformanceList),
}

#[derive(Debug, Default, Args)]
pub(crate) struct Specs {
    /// The Kubernetes version of the specs, such as `v1.37.2`; else the newest one
    #[arg(long)]
    pub(crate) version: Option<String>,
    /// Only specs whose name matches this regular expression, here or upstream; may be repeated
    #[arg(long, value_name = "REGEX")]
    pub(crate) focus: Vec<Regex>,
    /// No spec whose name matches this regular expression, here or upstream; may be repeated
    #[arg(long, value_name = "REGEX")]
    pub(crate) skip: Vec<Regex>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Ctrl-C lets running specs clean up, and what is done stays done: the same command goes on with the rest. A second Ctrl-C
kills them.
The exit code is 0 when every chosen spec has passed, now or before, and 12 when one has not.")]
pub(crate) struct ConformanceRun {
    #[command(flatten)]
    pub(crate) specs: Specs,
    /// All specs, nothing tried twice, and the files of a submission to the CNCF
    #[arg(long, conflicts_with_all = ["focus", "skip", "rerun_failed"])]
    pub(crate) certified: bool,
    /// Only specs whose last result is a failure
    #[arg(long)]
    pub(crate) rerun_failed: bool,
    /// Forget the results of earlier runs in the folder
    #[arg(long, conflicts_with = "rerun_failed")]
    pub(crate) anew: bool,
    /// The folder for results, logs and evidence; else `conformance-VERSION` here, with `-certified` behind it where it is
    #[arg(long, value_name = "FOLDER")]
    pub(crate) results: Option<PathBuf>,
    /// Also write the results of the chosen specs to this `JUnit` file
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Run on the cluster of this kubeconfig's current context, and make none
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The images that the specs' pods run
    #[arg(long, value_name = "WHOSE", default_value = "ours", conflicts_with = "kubeconfig")]
    pub(crate) images: Images,
    /// How many specs run at once; else three for each processor. Serial ones run alone
    #[arg(long, value_name = "COUNT")]
    pub(crate) parallel: Option<NonZero<usize>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Images {
    /// Substitutes that are built here: no registry is needed
    Ours,
    /// Upstream's, pulled by the nodes: a registry is needed
    Upstream,
}

impl From<Images> for TestImages {
    fn from(images: Images) -> Self {
        match images {
            Images::Ours => Self::Ours,
            Images::Upstream => Self::Upstream,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ConformanceList {
    #[command(flatten)]
    pub(crate) specs: Specs,
    /// How to print them; `name` prints names alone, the others upstream's as well
    #[arg(short, long, value_name = "FORM", default_value = "name")]
    pub(crate) output: Format,
}
