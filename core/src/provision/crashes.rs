//! A component of a node that ends as soon as it is started, again and again: it will not come up, whatever time the step
//! still has. kubeadm itself waits for minutes.

use std::time::Duration;

use kind_engine::Command;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    context::Context,
    plan::PlannedNode,
    steps::{Failure, StepError},
};
use crate::wait::{Check, until_or};

/// How often a node is looked at.
const EVERY: Duration = Duration::from_secs(5);
/// As long as any step; the step's own limit ends the looking.
const LIMIT: Duration = Duration::from_secs(24 * 3600);
/// How often the kubelet has to have failed with the same words. It is started anew each second.
const KUBELET_FAILURES: usize = 5;
/// The attempt, counted from 0, by which a component that the kubelet starts has to have come up: by then the kubelet has
/// waited for 10 s and for 20 s.
const ATTEMPT: u32 = 2;
/// What lives longer did not end at once: it waited for something else.
const AT_ONCE: Duration = Duration::from_secs(3);

/// Prints what the kubelet failed with since it has its configuration. Of components of the control plane that do not run
/// although they were started for the third time, it prints name, attempt, beginning, last error and last line.
const LOOK: &str = r#"
since=$(stat -c %Y /var/lib/kubelet/config.yaml 2>/dev/null) || exit 0
journalctl --unit kubelet --output cat --no-pager --since "@$since" 2>/dev/null |
  grep -F '"command failed"' | tail -n 20 | sed 's/^/kubelet\t/'
for log in /var/log/pods/kube-system_*/*/*.log; do
  folder=${log%/*} number=${log##*/}
  name=${folder##*/} number=${number%.log}
  case $name in etcd | kube-apiserver | kube-controller-manager | kube-scheduler) ;; *) continue ;; esac
  [ "$number" -ge "$1" ] && [ -z "$(crictl ps --quiet --state running --name "^$name\$")" ] || continue
  text=$(tr '\t' ' ' <"$log")
  printf 'log\t%s\t%s\t%s\t%s\t%s\n' "$name" "$number" "$(head -n 1 <<<"$text")" \
    "$(grep -iE 'err|fatal' <<<"$text" | tail -n 1)" "$(tail -n 1 <<<"$text")"
done
exit 0"#;

/// A component that does not stay up.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Crash {
    component: String,
    /// How often it ended.
    times: u32,
    /// What it ended with.
    words: String,
}

/// Runs kubeadm in a node, and fails before it does where a component of the node ends again and again.
pub(super) async fn kubeadm(context: &Context, node: &PlannedNode, argv: &[&str]) -> Result<(), Failure> {
    let work = context.run(node, Command::new(argv.iter().copied()));
    tokio::select! {
        biased;
        done = work => done.map(drop),
        crash = crash(context, node) => Err(crash),
    }
}

/// Looks until a component crashes.
async fn crash(context: &Context, node: &PlannedNode) -> Failure {
    let command = Command::new(["bash", "-c", LOOK, "bash", &ATTEMPT.to_string()]);
    let mut looked = false;
    let look = async || -> Result<Check<Crash>, std::convert::Infallible> {
        // Most nodes are up before the second look.
        if !std::mem::replace(&mut looked, true) {
            return Ok(Check::not_yet("not looked at yet"));
        }
        // A node that cannot be asked is kubeadm's to complain of.
        let output = context.exec(&node.name, &command).await;
        let printed = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        Ok(find(&printed).map_or_else(|| Check::not_yet("every component stays up"), Check::Done))
    };
    let outcome = until_or(EVERY, format!("components of {} to stay up", node.name), LIMIT, look).await;
    let source = match outcome {
        Ok(Ok(Crash { component, times, words })) => StepError::Crashing { component, times, words },
        Ok(Err(limit)) => limit.into(),
        Err(never) => match never {},
    };
    Failure { node: Some(node.name.clone()), source }
}

/// What the printed lines say.
fn find(printed: &str) -> Option<Crash> {
    kubelet(printed).or_else(|| printed.lines().find_map(component))
}

fn kubelet(printed: &str) -> Option<Crash> {
    let failures: Vec<&str> = printed.lines().filter_map(|line| line.strip_prefix("kubelet\t")).map(reason).collect();
    let last = failures.last()?;
    let times = failures.iter().rev().take_while(|words| *words == last).count();
    (times >= KUBELET_FAILURES).then(|| Crash {
        component: "the kubelet".to_owned(),
        times: u32::try_from(times).unwrap_or(u32::MAX),
        words: (*last).to_owned(),
    })
}

/// A line of the log of one attempt: `log`, component, attempt, beginning, last error, last line.
fn component(line: &str) -> Option<Crash> {
    let fields: Vec<&str> = line.split('\t').collect();
    let ["log", component, attempt, began, error, last] = fields.as_slice() else { return None };
    let attempt: u32 = attempt.parse().ok()?;
    let time = |text: &str| OffsetDateTime::parse(text.split(' ').next()?, &Rfc3339).ok();
    let lived = time(last)? - time(began)?;
    let words = reason(error);
    (attempt >= ATTEMPT && !words.is_empty() && lived < AT_ONCE).then(|| Crash {
        component: (*component).to_owned(),
        times: attempt + 1,
        words: words.to_owned(),
    })
}

/// The words of an error without what differs each time: timestamp, process, place in the code.
fn reason(line: &str) -> &str {
    let from = ["err=", "Error:", "error:"].iter().filter_map(|words| line.find(words)).min();
    from.map_or(line, |at| &line[at..]).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESERVED: &str = "err=\"failed to run Kubelet: [cpumanager] unable to determine reserved CPU resources\"";

    fn kubelet_line(second: u32, words: &str) -> String {
        format!("kubelet\tE1129 06:50:0{second}.1 {second}44 run.go:72] \"command failed\" {words}\n")
    }

    #[test]
    fn a_kubelet_that_fails_with_the_same_words_again_and_again_is_told() {
        let lines = |count: u32| (0..count).map(|second| kubelet_line(second, RESERVED)).collect::<String>();
        assert_eq!(find(&lines(4)), None);
        let expected = Crash { component: "the kubelet".into(), times: 5, words: RESERVED.into() };
        assert_eq!(find(&lines(5)), Some(expected));
        // What it failed with before is mended.
        assert_eq!(find(&(lines(5) + &kubelet_line(6, "err=\"something else\""))), None);
        assert_eq!(find(""), None);
    }

    fn log(attempt: u32, seconds: u32, error: &str) -> String {
        let stamp = |second: u32| format!("2026-11-29T06:50:{second:02}.5Z");
        let error = if error.is_empty() { String::new() } else { format!("{} stderr F {error}", stamp(seconds)) };
        format!("log\tkube-apiserver\t{attempt}\t{}\t{error}\t{} stderr F the last line\n", stamp(0), stamp(seconds))
    }

    #[test]
    fn a_component_that_ends_at_once_for_the_third_time_is_told() {
        let words = "E1129 run.go:72] \"command failed\" err=\"unknown flag: --x\"";
        let expected =
            Crash { component: "kube-apiserver".into(), times: 3, words: "err=\"unknown flag: --x\"".into() };
        assert_eq!(find(&(log(1, 0, words) + &log(2, 1, words))), Some(expected));
        assert_eq!(find(&log(1, 1, words)), None);
        // It waited for etcd, which may come.
        assert_eq!(find(&log(2, 20, words)), None);
        // Nobody knows what it ended with.
        assert_eq!(find(&log(2, 1, "")), None);
        assert_eq!(find("log\tetcd\t3\t\t\t\n"), None);
    }

    #[test]
    fn reasons_have_no_time_in_them() {
        assert_eq!(reason("I1129 x.go:1] \"command failed\" err=\"a\""), "err=\"a\"");
        assert_eq!(reason("2026 stderr F Error: unknown flag: --x"), "Error: unknown flag: --x");
    }
}
