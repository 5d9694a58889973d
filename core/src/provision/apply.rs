//! How objects come into a new cluster: `kubectl apply` in the first control plane, again while the cluster says that it only
//! cannot do it yet. Several control planes that have just started change their leader, and their API servers their minds.

use std::time::Duration;

use kind_engine::{Command, ExecOutput};

use super::{
    context::{ADMINISTRATOR, Context},
    steps::Failure,
};
use crate::wait::{Check, until_or};

/// How long one file may take until the API server knows all that it is about.
const LIMIT: Duration = Duration::from_secs(90);
const EVERY: Duration = Duration::from_millis(500);

/// Answers that only say that something of the cluster, or of what was applied before, is not there yet, or was not there at
/// that moment. Words of kubectl, of the API server, of etcd, and of the network in between.
const NOT_YET: [&str; 23] = [
    "no matches for kind",
    "could not find the requested resource",
    "failed calling webhook",
    "error looking up service account",
    "the server is currently unable",
    "the server was unable to return a response in the time allotted",
    "the server has received too many requests",
    "the object has been modified",
    "etcdserver: leader changed",
    "etcdserver: no leader",
    "etcdserver: not healthy",
    "etcdserver: too many requests",
    "etcdserver: server stopped",
    "request timed out",
    "context deadline exceeded",
    "Client.Timeout exceeded",
    "TLS handshake timeout",
    "connection refused",
    "connection reset by peer",
    "connection lost",
    "i/o timeout",
    "no route to host",
    ": EOF",
];

/// What is applied.
pub(super) enum Objects<'a> {
    /// A file of the node.
    File(&'a str),
    /// A text.
    Text(&'a [u8]),
}

/// Applies them and returns how the last attempt ended: with an exit code that is not 0 where the cluster refuses them.
///
/// It is done on the server, because a client would keep a copy of each object in an annotation, which large ones do not fit
/// into.
pub(super) async fn apply(context: &Context, what: &str, objects: Objects<'_>) -> Result<ExecOutput, Failure> {
    let first = &context.plan.first().name;
    let file = if let Objects::File(path) = objects { path } else { "-" };
    let argv = ["kubectl", "--kubeconfig", ADMINISTRATOR, "apply", "--server-side", "--filename", file];
    let mut command = Command::new(argv);
    if let Objects::Text(text) = objects {
        command = command.stdin(text);
    }
    let applied = until_or(EVERY, what, LIMIT, async || -> Result<Check<ExecOutput>, Failure> {
        let output = context.exec(first, &command).await?;
        if output.exit_code == 0 {
            return Ok(Check::Done(output));
        }
        let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Ok(if is_passing(&words) { Check::not_yet(words) } else { Check::Done(output) })
    });
    Ok(applied.await??)
}

fn is_passing(words: &str) -> bool {
    NOT_YET.iter().any(|not_yet| words.contains(not_yet))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Error from server: error when creating \"STDIN\": etcdserver: leader changed", true)]
    #[case("Unable to connect to the server: net/http: TLS handshake timeout", true)]
    #[case("Error from server: etcdserver: request timed out", true)]
    #[case("Error from server: rpc error: code = Unavailable desc = etcdserver: leader changed", true)]
    #[case("Get \"https://100.64.7.10:6443/api?timeout=32s\": EOF", true)]
    #[case("http2: client connection lost", true)]
    #[case(
        "pods \"a\" is forbidden: error looking up service account x/default: serviceaccount \"default\" not found",
        true
    )]
    #[case("The Deployment \"web\" is invalid: spec.replicas: Invalid value: -1", false)]
    #[case("error parsing STDIN: error converting YAML to JSON", false)]
    #[case("Error from server (Forbidden): pods \"a\" is forbidden: violates PodSecurity", false)]
    fn what_passes_is_told_from_what_stays(#[case] words: &str, #[case] expected: bool) {
        assert_eq!(is_passing(words), expected);
    }
}
