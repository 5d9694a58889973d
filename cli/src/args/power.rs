//! `kind-rs start`, `stop`, `restart`, `pause` and `unpause`: their arguments.

use std::{ffi::OsString, time::Duration};

use clap::{Args, CommandFactory, Subcommand};

use super::{Arguments, NameOrWord};
use crate::duration;

#[derive(Debug, Subcommand)]
pub(crate) enum Start {
    /// Start a cluster that was stopped, and wait until its API answers and its nodes are Ready
    Cluster(StartCluster),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Stop {
    /// Stop a cluster's containers; its data stays, and `start cluster` brings it back
    Cluster(StopCluster),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Restart {
    /// Stop a cluster's containers and start them again
    Cluster(StartCluster),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Pause {
    /// Freeze a cluster's processes: they keep their memory and take no processor
    Cluster(StopCluster),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Unpause {
    /// Let a frozen cluster go on, and wait until its API answers and its nodes are Ready
    Cluster(StartCluster),
}

#[derive(Debug, Args)]
pub(crate) struct StartCluster {
    #[command(flatten)]
    pub(crate) name: NameOrWord,
    /// How long to wait for the API and the nodes, such as `90s`; `0s` returns as soon as the containers run; running out
    /// is an error
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration::parse)]
    pub(crate) wait: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct StopCluster {
    #[command(flatten)]
    pub(crate) name: NameOrWord,
}

/// The words of the command line, with the word `cluster` where only a name stands behind one of these verbs, as in
/// `kind-rs pause demo`: a cluster is all that they can mean.
pub(crate) fn with_cluster(mut words: Vec<OsString>) -> Vec<OsString> {
    const VERBS: [&str; 5] = ["start", "stop", "restart", "pause", "unpause"];
    let program = Arguments::command();
    let Some(verb) = words.iter().skip(1).position(|word| program.find_subcommand(word).is_some()) else {
        return words;
    };
    let rest = verb + 2;
    let is_said = |word: &OsString| ["cluster", "help", "-h", "--help"].iter().any(|said| word == said);
    let is_verb = VERBS.iter().any(|known| words[rest - 1] == *known);
    if is_verb && rest < words.len() && !words[rest..].iter().any(is_said) {
        words.insert(rest, "cluster".into());
    }
    words
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("pause demo", "pause cluster demo")]
    #[case("-q stop --name demo", "-q stop cluster --name demo")]
    #[case("--progress plain start -n demo --wait 0s", "--progress plain start cluster -n demo --wait 0s")]
    #[case("pause cluster demo", "pause cluster demo")]
    #[case("restart -v 2 cluster", "restart -v 2 cluster")]
    #[case("stop", "stop")]
    #[case("unpause --help", "unpause --help")]
    #[case("delete demo", "delete demo")]
    #[case("shell demo pause x", "shell demo pause x")]
    fn a_name_alone_is_a_clusters(#[case] words: &str, #[case] expected: &str) {
        let words = ["kind-rs"].into_iter().chain(words.split(' ')).map(OsString::from).collect();
        let found: Vec<String> = with_cluster(words).into_iter().map(|word| word.into_string().unwrap()).collect();
        assert_eq!(found[1..].join(" "), expected);
    }
}
