//! The record of one test: what began, what it last saw, and how the last requests ended.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How many ended requests are remembered.
const ENDED: usize = 10;

/// The record of one test, shared by its threads.
#[derive(Debug, Default)]
pub struct Activity(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    next: u64,
    requests: BTreeMap<u64, Request>,
    waits: BTreeMap<u64, Wait>,
    ended: VecDeque<(Instant, String)>,
}

#[derive(Debug)]
struct Request {
    text: String,
    since: Instant,
    status: Option<u16>,
}

#[derive(Debug)]
struct Wait {
    what: String,
    since: Instant,
    last: Option<String>,
}

/// Something under way. Dropping it is its end.
#[derive(Debug)]
pub struct Under {
    activity: Arc<Activity>,
    id: u64,
}

/// What a test was doing at one moment, as lines to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doing {
    /// The awaits that the body hangs at, the innermost place of the source first.
    pub awaits: Vec<Vec<String>>,
    /// The conditions it waits for, the longest first.
    pub waits: Vec<String>,
    /// The requests under way, the longest first.
    pub requests: Vec<String>,
    /// The requests that ended last, oldest first.
    pub ended: Vec<String>,
}

impl Activity {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(self: &Arc<Self>, note: impl FnOnce(&mut State, u64)) -> Under {
        let mut state = self.lock();
        let id = state.next;
        state.next += 1;
        note(&mut state, id);
        drop(state);
        Under { activity: Arc::clone(self), id }
    }

    /// A request begins.
    pub(super) fn request(self: &Arc<Self>, text: String) -> Under {
        let request = Request { text, since: Instant::now(), status: None };
        self.begin(|state, id| drop(state.requests.insert(id, request)))
    }

    /// A wait for a condition begins.
    pub fn wait(self: &Arc<Self>, what: String) -> Under {
        let wait = Wait { what, since: Instant::now(), last: None };
        self.begin(|state, id| drop(state.waits.insert(id, wait)))
    }

    /// What is under way now.
    pub fn doing(&self) -> Doing {
        let state = self.lock();
        let request = |Request { text, since, status }: &Request| match status {
            None => format!("{text}: no answer for {}", seconds(since.elapsed())),
            Some(status) => format!("{text}: {status}, and its answer goes on for {}", seconds(since.elapsed())),
        };
        let wait = |Wait { what, since, last }: &Wait| {
            let last = last.as_deref().unwrap_or("nothing, the first look did not return");
            format!("{what}, for {}; last seen: {last}", seconds(since.elapsed()))
        };
        let ended = |(when, text): &(Instant, String)| format!("{text}, {} ago", seconds(when.elapsed()));
        Doing {
            awaits: Vec::new(),
            // Numbers grow with time, so the first is the oldest.
            waits: state.waits.values().map(wait).collect(),
            requests: state.requests.values().map(request).collect(),
            ended: state.ended.iter().map(ended).collect(),
        }
    }
}

impl Under {
    /// A wait's last look found this.
    pub fn saw(&self, status: &str) {
        if let Some(wait) = self.activity.lock().waits.get_mut(&self.id) {
            wait.last = Some(status.to_owned());
        }
    }

    /// A request got an answer, whose body may still come.
    pub(super) fn answered(&self, status: u16) {
        if let Some(request) = self.activity.lock().requests.get_mut(&self.id) {
            request.status = Some(status);
        }
    }
}

impl Drop for Under {
    fn drop(&mut self) {
        let mut state = self.activity.lock();
        state.waits.remove(&self.id);
        let Some(Request { text, since, status }) = state.requests.remove(&self.id) else { return };
        let outcome = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        if state.ended.len() == ENDED {
            state.ended.pop_front();
        }
        state.ended.push_back((Instant::now(), format!("{text}: {outcome} after {}", seconds(since.elapsed()))));
    }
}

impl Doing {
    /// Everything, for the bundle.
    pub fn text(&self) -> String {
        let chains = self.awaits.iter().map(|chain| ("hangs at", chain));
        let lists = [
            ("waits for", &self.waits),
            ("requests under way", &self.requests),
            ("requests that ended last", &self.ended),
        ];
        let parts = chains.chain(lists).filter(|(_, lines)| !lines.is_empty());
        let lines = parts.flat_map(|(title, lines)| {
            [format!("{title}\n")].into_iter().chain(lines.iter().map(|line| format!("  {line}\n")))
        });
        let text: String = lines.collect::<Vec<_>>().concat();
        if text.is_empty() { "nothing that the harness sees\n".to_owned() } else { text }
    }

    /// At most `most` lines, what explains most first.
    pub fn lines(&self, most: usize) -> Vec<String> {
        let awaits = self.awaits.iter().map(|chain| {
            let callers = chain.iter().skip(1).take(1).map(|caller| format!(", called from {caller}"));
            format!("hangs at {}{}", chain.first().map_or("", String::as_str), callers.collect::<String>())
        });
        let waits = self.waits.iter().map(|wait| format!("waits for {wait}"));
        let requests = self.requests.iter().map(|request| format!("request under way: {request}"));
        // One of each kind before a second of any.
        let mut kinds: Vec<VecDeque<String>> = vec![awaits.collect(), waits.collect(), requests.collect()];
        let mut lines = Vec::new();
        while lines.len() < most && kinds.iter().any(|kind| !kind.is_empty()) {
            lines.extend(kinds.iter_mut().filter_map(VecDeque::pop_front));
        }
        lines.truncate(most);
        lines
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_is_not_under_way_any_more() {
        let activity = Arc::new(Activity::default());
        let (first, second) = (activity.request("GET /a".to_owned()), activity.request("GET /b".to_owned()));
        second.answered(200);
        let wait = activity.wait("pod x Ready".to_owned());
        wait.saw("Pending");
        let doing = activity.doing();
        assert_eq!(doing.requests, ["GET /a: no answer for 0.0 s", "GET /b: 200, and its answer goes on for 0.0 s"]);
        assert_eq!(doing.waits, ["pod x Ready, for 0.0 s; last seen: Pending"]);
        drop((first, second, wait));
        let doing = activity.doing();
        assert_eq!((doing.requests.len(), doing.waits.len()), (0, 0));
        assert_eq!(doing.ended, ["GET /a: no answer after 0.0 s, 0.0 s ago", "GET /b: 200 after 0.0 s, 0.0 s ago"]);
    }

    #[test]
    fn only_the_last_requests_are_remembered() {
        let activity = Arc::new(Activity::default());
        for index in 0..50 {
            drop(activity.request(format!("GET /{index}")));
        }
        let ended = activity.doing().ended;
        assert_eq!(ended.len(), ENDED);
        assert!(ended[ENDED - 1].starts_with("GET /49"), "{ended:?}");
    }

    #[test]
    fn few_lines_hold_one_of_each_kind() {
        let text = |text: &str| text.to_owned();
        let doing = Doing {
            awaits: vec![vec![text("a.rs:1"), text("b.rs:2"), text("c.rs:3")], vec![text("d.rs:4")]],
            waits: vec![text("pod")],
            requests: vec![text("GET /a"), text("GET /b")],
            ended: Vec::new(),
        };
        let expected =
            ["hangs at a.rs:1, called from b.rs:2", "waits for pod", "request under way: GET /a", "hangs at d.rs:4"];
        assert_eq!(doing.lines(4), expected);
        assert_eq!(doing.lines(20).len(), 5);
        assert_eq!(doing.text().lines().count(), 11);
    }
}
