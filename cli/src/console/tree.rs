//! The moving part at the bottom of a terminal: every step under way and, below it, its nodes, with elapsed times.

use std::{
    fmt::{self, Write as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use console::style;
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use crate::terminal;

/// How often it moves.
const TICK: Duration = Duration::from_millis(100);
const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/// How many nodes are shown of one step; the rest is counted.
const MOST_NODES: usize = 10;

/// What is drawn, and with what.
#[derive(Debug)]
pub(super) struct Tree {
    screen: MultiProgress,
    steps: Arc<Mutex<Vec<Step>>>,
    bar: Mutex<Option<ProgressBar>>,
}

#[derive(Debug, Clone)]
struct Step {
    name: String,
    began: Instant,
    status: String,
    nodes: Vec<Node>,
}

#[derive(Debug, Clone)]
struct Node {
    name: String,
    began: Instant,
    /// How long it took, and whether it ended well.
    ended: Option<(Duration, End)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Well,
    Badly,
}

impl Tree {
    pub(super) fn new() -> Self {
        Self { screen: MultiProgress::new(), steps: Arc::default(), bar: Mutex::default() }
    }

    /// What else moves there.
    pub(super) fn screen(&self) -> &MultiProgress {
        &self.screen
    }

    /// Prints above the moving part.
    pub(super) fn above(&self, print: impl FnOnce()) {
        self.screen.suspend(print);
    }

    pub(super) fn start(&self, step: &str) {
        let step = Step { name: step.to_owned(), began: Instant::now(), status: String::new(), nodes: Vec::new() };
        lock(&self.steps).push(step);
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        bar.get_or_insert_with(|| self.draw());
    }

    pub(super) fn status(&self, step: &str, status: &str) {
        self.with_step(step, |step| status.lines().next().unwrap_or_default().clone_into(&mut step.status));
    }

    pub(super) fn start_node(&self, step: &str, node: &str) {
        let node = Node { name: node.to_owned(), began: Instant::now(), ended: None };
        self.with_step(step, |step| step.nodes.push(node));
    }

    pub(super) fn end_node(&self, step: &str, node: &str, end: End, elapsed: Duration) {
        self.with_step(step, |step| {
            if let Some(known) = step.nodes.iter_mut().find(|known| known.name == node) {
                known.ended = Some((elapsed, end));
            }
        });
    }

    /// The step is no longer under way.
    pub(super) fn end(&self, step: &str) {
        let is_empty = {
            let mut steps = lock(&self.steps);
            steps.retain(|known| known.name != step);
            steps.is_empty()
        };
        if is_empty {
            self.clear();
        }
    }

    /// Nothing is under way any more.
    pub(super) fn clear(&self) {
        lock(&self.steps).clear();
        if let Some(bar) = self.bar.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
            self.screen.remove(&bar);
        }
    }

    fn with_step(&self, step: &str, change: impl FnOnce(&mut Step)) {
        if let Some(step) = lock(&self.steps).iter_mut().find(|known| known.name == step) {
            change(step);
        }
    }

    fn draw(&self) -> ProgressBar {
        let bar = self.screen.add(ProgressBar::new_spinner());
        let steps = Arc::clone(&self.steps);
        let tree = move |state: &ProgressState, out: &mut dyn fmt::Write| {
            let steps = lock(&steps).clone();
            let frame = usize::try_from(state.elapsed().as_millis() / TICK.as_millis()).unwrap_or_default();
            let text = text(&steps, Instant::now(), FRAMES[frame % FRAMES.len()], terminal::error_width());
            // Where a terminal is gone there is nothing to draw.
            let _ = out.write_str(text.trim_end());
        };
        if let Ok(style) = ProgressStyle::with_template("{tree}") {
            bar.set_style(style.with_key("tree", tree));
        }
        bar.enable_steady_tick(TICK);
        bar
    }
}

fn lock(steps: &Mutex<Vec<Step>>) -> MutexGuard<'_, Vec<Step>> {
    steps.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The whole picture.
fn text(steps: &[Step], now: Instant, frame: char, width: usize) -> String {
    let mut text = String::new();
    let mut line = |sign: char, before: &str, words: &str, after: &str| {
        let room = width.saturating_sub(before.chars().count() + 3 + words.chars().count());
        let after: String = after.chars().take(room).collect();
        let words: String = words.chars().take(width.saturating_sub(before.chars().count() + 2)).collect();
        let sign = if sign == '✗' { style(sign).red() } else { style(sign).cyan() };
        let (sign, after) = (sign.for_stderr(), style(after).dim().for_stderr());
        let _ = writeln!(text, "{before}{sign} {words} {after}");
    };
    for step in steps {
        let of = |node: &&Node| node.ended.is_some();
        let done = step.nodes.iter().filter(of).count();
        let count = if step.nodes.len() > 1 { format!("{done} of {} ", step.nodes.len()) } else { String::new() };
        let elapsed = seconds(now.saturating_duration_since(step.began));
        line(frame, "", &format!("{} ({elapsed})", step.name), &format!("{count}{}", step.status));
        let shown = shown(&step.nodes);
        let hidden = step.nodes.len() - shown.len();
        for (index, node) in shown.iter().enumerate() {
            let branch = if index + 1 == shown.len() && hidden == 0 { "  └ " } else { "  ├ " };
            let (sign, elapsed) = match node.ended {
                None => (frame, now.saturating_duration_since(node.began)),
                Some((elapsed, End::Well)) => ('✓', elapsed),
                Some((elapsed, End::Badly)) => ('✗', elapsed),
            };
            line(sign, branch, &node.name, &format!("({})", seconds(elapsed)));
        }
        if hidden > 0 {
            line(' ', "  └ ", &format!("and {hidden} more"), "");
        }
    }
    text
}

/// All nodes, or those that matter most: the ones that failed, then those under way.
fn shown(nodes: &[Node]) -> Vec<&Node> {
    let mut shown: Vec<&Node> = nodes.iter().collect();
    if shown.len() > MOST_NODES {
        shown.sort_by_key(|node| match node.ended {
            Some((_, End::Badly)) => 0,
            None => 1,
            Some((_, End::Well)) => 2,
        });
        shown.truncate(MOST_NODES);
    }
    shown
}

pub(super) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(nodes: Vec<Node>, status: &str, began: Instant, width: usize) -> String {
        console::set_colors_enabled_stderr(false);
        let step = Step { name: "boot the nodes".to_owned(), began, status: status.to_owned(), nodes };
        let text = text(&[step], began + Duration::from_millis(2500), '⠋', width);
        text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
    }

    fn node(name: &str, began: Instant, ended: Option<(u64, End)>) -> Node {
        let ended = ended.map(|(seconds, end)| (Duration::from_secs(seconds), end));
        Node { name: name.to_owned(), began, ended }
    }

    #[test]
    fn steps_have_their_nodes_below_them_with_elapsed_times() {
        let now = Instant::now();
        let nodes = vec![
            node("demo-control-plane", now, Some((2, End::Well))),
            node("demo-control-plane2", now, Some((1, End::Badly))),
            node("demo-worker", now + Duration::from_secs(1), None),
        ];
        let expected = "⠋ boot the nodes (2.5 s) 2 of 3 waiting for systemd
  ├ ✓ demo-control-plane (2.0 s)
  ├ ✗ demo-control-plane2 (1.0 s)
  └ ⠋ demo-worker (1.5 s)
";
        assert_eq!(drawn(nodes.clone(), "waiting for systemd", now, 80), expected);
        let narrow = drawn(nodes, "waiting for systemd", now, 30);
        assert!(narrow.lines().all(|line| line.chars().count() <= 30), "{narrow}");
    }

    #[test]
    fn of_many_nodes_those_that_failed_or_are_under_way_are_shown() {
        let now = Instant::now();
        let mut nodes: Vec<Node> =
            (0..12).map(|number| node(&format!("done{number}"), now, Some((1, End::Well)))).collect();
        nodes.push(node("busy", now, None));
        nodes.push(node("broken", now, Some((1, End::Badly))));
        let text = drawn(nodes, "", now, 80);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 12, "{text}");
        assert!(lines[1].contains("broken") && lines[2].contains("busy"), "{text}");
        assert_eq!(lines[11], "  └   and 4 more");
    }

    #[test]
    fn what_ends_is_no_longer_drawn() {
        let tree = Tree::new();
        tree.start("a");
        tree.start_node("a", "n");
        tree.start("b");
        tree.end_node("a", "n", End::Well, Duration::ZERO);
        tree.end("a");
        assert_eq!(lock(&tree.steps).iter().map(|step| step.name.as_str()).collect::<Vec<_>>(), ["b"]);
        tree.end("b");
        assert!(tree.bar.lock().unwrap().is_none());
    }
}
