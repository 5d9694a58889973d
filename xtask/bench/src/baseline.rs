//! Times kind on this machine, through a program that is not part of this workspace.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context, bail};
use tokio::process::Command;

/// What the program measured in one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Kind {
    /// The command as a whole.
    pub(crate) command: Duration,
    /// Until all nodes were Ready.
    pub(crate) nodes: Duration,
    /// Until every pod was Ready.
    pub(crate) pods: Duration,
}

/// Calls the program once. Its load balancer needs nginx, which our node image has.
pub(crate) async fn run(program: &Path, image: &str, control_planes: usize, workers: usize) -> anyhow::Result<Kind> {
    let mut command = Command::new(program);
    command.args([image, image, &control_planes.to_string(), &workers.to_string()]);
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true).output().await;
    let output = output.with_context(|| format!("start {}", program.display()))?;
    if !output.status.success() {
        bail!("time kind with {}: {}", program.display(), output.status);
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    parse(&printed).with_context(|| {
        format!("time kind with {}: expected `kind  command S s  all nodes Ready S s  every pod Ready S s`, found {printed:?}", program.display())
    })
}

fn parse(printed: &str) -> Option<Kind> {
    let line = printed.lines().find(|line| line.starts_with("kind "))?;
    let seconds = |what: &str| {
        let rest = line.split_once(what)?.1;
        let number: f64 = rest.split_whitespace().next()?.parse().ok()?;
        Duration::try_from_secs_f64(number).ok()
    };
    Some(Kind { command: seconds("command")?, nodes: seconds("all nodes Ready")?, pods: seconds("every pod Ready")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_line_is_read() {
        let printed = "noise\nkind  command 71.3 s  all nodes Ready 76.0 s  every pod Ready 88.25 s\n";
        let kind = parse(printed).unwrap();
        assert_eq!(kind.command, Duration::from_millis(71_300));
        assert_eq!(kind.nodes, Duration::from_secs(76));
        assert_eq!(kind.pods, Duration::from_millis(88_250));
        assert_eq!(parse("kind  command x s\n"), None);
    }
}
