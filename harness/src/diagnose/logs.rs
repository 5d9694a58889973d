//! The ends of containers' logs, never more of one than is kept of it.

use futures::{AsyncRead, AsyncReadExt as _, StreamExt as _, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client, api::LogParams};
use tokio::time::{Instant, timeout_at};

use super::{
    lists::told,
    pod::{PodState, container_names},
};

/// How many lines of each log are asked for.
const LINES: i64 = 1000;
/// How much of each log is kept, in bytes: a line may be of any length.
const BYTES: usize = 256 * 1024;
/// How many logs are fetched at the same time.
const AT_ONCE: usize = 8;

/// The end of one container's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Log {
    /// The pod.
    pub(super) pod: String,
    /// The container.
    pub(super) container: String,
    /// It is the log of the container that ran before the current one.
    pub(super) previous: bool,
    /// The lines.
    pub(super) text: String,
}

/// Logs, and what of them could not be had.
#[derive(Default)]
pub(super) struct Fetched {
    pub(super) logs: Vec<Log>,
    pub(super) missing: Vec<String>,
}

/// Which pods' logs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// All, the unwell ones first.
    All,
    /// Only of those that are not well.
    Unwell,
}

/// What is to be fetched, and what is not, because it would be too much.
pub(super) struct Wanted {
    logs: Vec<Log>,
    left_out: usize,
}

/// A log for each container, and one more where it was started again.
pub(super) fn wanted(pods: &[Pod], which: Which, most: usize) -> Wanted {
    let mut states: Vec<(bool, &Pod)> = pods.iter().map(|pod| (PodState::of(pod).is_well, pod)).collect();
    states.retain(|(is_well, _)| which == Which::All || !is_well);
    states.sort_by_key(|(is_well, _)| *is_well);
    let mut logs: Vec<Log> = states.iter().flat_map(|(_, pod)| of_pod(pod)).collect();
    let left_out = logs.len().saturating_sub(most);
    logs.truncate(most);
    Wanted { logs, left_out }
}

fn of_pod(pod: &Pod) -> Vec<Log> {
    let name = pod.metadata.name.clone().unwrap_or_default();
    let log = |container: &str, previous| Log {
        pod: name.clone(),
        container: container.to_owned(),
        previous,
        text: String::new(),
    };
    let of = |(container, restarts): (String, i32)| {
        let previous = (restarts > 0).then(|| log(&container, true));
        previous.into_iter().chain([log(&container, false)])
    };
    container_names(pod).into_iter().flat_map(of).collect()
}

/// Fetches them until the deadline.
pub(super) async fn fetch(client: &Client, namespace: &str, wanted: Wanted, deadline: Instant) -> Fetched {
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let Wanted { logs, left_out } = wanted;
    let fetched = stream::iter(logs).map(|log| end_of(&api, log, deadline)).buffered(AT_ONCE).collect::<Vec<_>>().await;
    let mut all = Fetched::default();
    for (log, problem) in fetched {
        let of_run = if log.previous { " (before its restart)" } else { "" };
        let is_there = problem.is_none() || !log.text.is_empty();
        all.missing.extend(problem.map(|why| format!("log of {}/{}{of_run}: {why}", log.pod, log.container)));
        if is_there {
            all.logs.push(log);
        }
    }
    if left_out > 0 {
        all.missing.push(format!("{left_out} more logs of {namespace}: too many"));
    }
    all
}

/// The end of one log, and what went wrong.
async fn end_of(api: &Api<Pod>, log: Log, deadline: Instant) -> (Log, Option<String>) {
    let parameters = LogParams {
        container: Some(log.container.clone()),
        previous: log.previous,
        tail_lines: Some(LINES),
        timestamps: true,
        ..LogParams::default()
    };
    let stream = match timeout_at(deadline, api.log_stream(&log.pod, &parameters)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return (log, Some(told(&error))),
        Err(_) => return (log, Some("no answer in time".to_owned())),
    };
    let mut end = End::default();
    let problem = match timeout_at(deadline, end.read(Box::pin(stream))).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("only a part in time".to_owned()),
    };
    (Log { text: end.text(), ..log }, problem)
}

/// The last bytes of a stream.
#[derive(Default)]
pub(super) struct End {
    kept: Vec<u8>,
    is_cut: bool,
}

impl End {
    async fn read(&mut self, mut stream: impl AsyncRead + Unpin) -> std::io::Result<()> {
        let mut chunk = vec![0; 16 * 1024];
        loop {
            match stream.read(&mut chunk).await? {
                0 => return Ok(()),
                count => self.push(&chunk[..count]),
            }
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.kept.extend_from_slice(bytes);
        // Moving what is kept costs as much as what came since the last time.
        if self.kept.len() > 2 * BYTES {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let too_much = self.kept.len().saturating_sub(BYTES);
        self.is_cut |= too_much > 0;
        self.kept.drain(..too_much);
    }

    pub(super) fn text(mut self) -> String {
        self.cut();
        let text = String::from_utf8_lossy(&self.kept);
        match (self.is_cut, text.split_once('\n')) {
            (false, _) => text.into_owned(),
            // The first line is half of one: what it hides cannot be told any more.
            (true, Some((_, rest))) => format!("[what came before is left out]\n{rest}"),
            (true, None) => "[one line that is too long is left out]\n".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_an_endless_log_the_end_is_kept() {
        let line = format!("{}\n", "x".repeat(99));
        let mut end = End::default();
        for _ in 0..50_000 {
            end.push(line.as_bytes());
            assert!(end.kept.len() <= 2 * BYTES);
        }
        end.push(b"the last line\n");
        let text = end.text();
        assert!(text.starts_with("[what came before is left out]\nxxx"), "{}", &text[..60]);
        assert!(text.ends_with("\nthe last line\n") && text.len() <= BYTES + 40, "{}", text.len());
    }

    #[test]
    fn a_line_that_is_too_long_is_not_cut_in_two() {
        let mut end = End::default();
        end.push(&vec![b'x'; 3 * BYTES]);
        assert_eq!(end.text(), "[one line that is too long is left out]\n");
        let mut end = End::default();
        end.push(b"short");
        assert_eq!(end.text(), "short");
    }
}
