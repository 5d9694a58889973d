//! Processes as `/proc` shows them: who lives, who was started by whom.
//!
//! A number alone never names a process here: numbers are used again. No process is ever signalled.

use std::{fs, sync::OnceLock};

use serde::{Deserialize, Serialize};

/// A process that no later one can be mistaken for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    pid: u32,
    /// When it started, in the kernel's ticks since boot.
    start: u64,
    /// The kernel's name for this boot.
    boot: String,
}

/// What the kernel says of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stat {
    command: String,
    state: char,
    parent: u32,
    session: u32,
    start: u64,
}

impl ProcessId {
    /// This process.
    pub fn current() -> Self {
        let pid = std::process::id();
        let start = Stat::of(pid).map_or(0, |stat| stat.start);
        Self { pid, start, boot: boot() }
    }

    /// The process that has this number now.
    pub fn of(pid: u32) -> Option<Self> {
        Some(Self { pid, start: Stat::of(pid)?.start, boot: boot() })
    }

    /// Whether it still runs. One that ended and was not yet waited for does not.
    pub fn is_alive(&self) -> bool {
        let now = Stat::of(self.pid);
        now.is_some_and(|stat| stat.start == self.start && !matches!(stat.state, 'Z' | 'X')) && self.boot == boot()
    }

    /// What this process was called before the machine was started again.
    #[cfg(any(test, feature = "fake"))]
    #[must_use]
    pub fn of_another_boot(self) -> Self {
        Self { boot: "another".to_owned(), ..self }
    }

    /// The number, for messages and file names.
    pub fn pid(&self) -> u32 {
        self.pid
    }
}

/// One text that names the process.
impl std::fmt::Display for ProcessId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} started at {} of boot {}", self.pid, self.start, self.boot)
    }
}

/// The nearest `cargo` among this process' ancestors.
pub fn cargo() -> Option<ProcessId> {
    let pid = ancestors().find(|(_, stat)| stat.command == "cargo")?.0;
    ProcessId::of(pid)
}

/// The runner that gave this process the variable: its nearest ancestor that does not have it itself. Wrappers in
/// between do have it. A runner that is gone has left its children to a process of another session, or to nobody's
/// `init`: then there is none.
///
/// It is looked for once in a process: it does not change, and the whole line of ancestors is read for it.
pub fn runner(variable: &str, value: &str) -> Option<ProcessId> {
    static FOUND: OnceLock<(String, Option<ProcessId>)> = OnceLock::new();
    let wanted = format!("{variable}={value}");
    let (of, found) = FOUND.get_or_init(|| (wanted.clone(), find_runner(&wanted)));
    if *of == wanted { found.clone() } else { find_runner(&wanted) }
}

fn find_runner(wanted: &str) -> Option<ProcessId> {
    let session = Stat::of(std::process::id())?.session;
    let (pid, stat) = ancestors().find(|(pid, _)| !has_variable(*pid, wanted.as_bytes()))?;
    if stat.session == session { ProcessId::of(pid) } else { None }
}

fn has_variable(pid: u32, wanted: &[u8]) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|entry| entry == wanted)
}

/// This process' parent, its parent, and so on.
fn ancestors() -> impl Iterator<Item = (u32, Stat)> {
    let parent = |pid: u32| {
        let parent = Stat::of(pid)?.parent;
        Some((parent, Stat::of(parent)?))
    };
    std::iter::successors(parent(std::process::id()), move |(pid, _)| parent(*pid))
}

/// The kernel's name for this boot.
fn boot() -> String {
    static BOOT: OnceLock<String> = OnceLock::new();
    let read = || fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned();
    BOOT.get_or_init(read).clone()
}

/// This machine's name.
pub fn host() -> String {
    let text = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    text.trim().to_owned()
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The command may hold spaces and parentheses, so the fields are counted from its last one.
    fn parse(text: &str) -> Option<Self> {
        let (head, tail) = text.rsplit_once(") ")?;
        let command = head.split_once(" (")?.1.to_owned();
        let mut fields = tail.split(' ');
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        let session = fields.nth(1)?.parse().ok()?;
        let start = fields.nth(15)?.parse().ok()?;
        Some(Self { command, state, parent, session, start })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_with_parentheses_is_read() {
        let text = "7 (a) b) S 3 7 5 0 -1 4194304 1 0 0 0 1 2 0 0 20 0 1 0 4242 0 0";
        let stat = Stat::parse(text).unwrap();
        assert_eq!(stat, Stat { command: "a) b".to_owned(), state: 'S', parent: 3, session: 5, start: 4242 });
        assert_eq!(Stat::parse("7 (a) S 3"), None);
    }

    #[test]
    fn a_process_is_alive_until_it_ends_even_before_it_is_waited_for() {
        assert!(ProcessId::current().is_alive());
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let process = ProcessId::of(child.id()).unwrap();
        assert!(process.is_alive());
        child.kill().unwrap();
        let start = std::time::Instant::now();
        while process.is_alive() {
            assert!(start.elapsed().as_secs() < 60, "a zombie counts as ended");
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(!process.is_alive());
    }

    #[test]
    fn another_start_or_boot_is_another_process() {
        let this = ProcessId::current();
        assert!(!ProcessId { start: this.start + 1, ..this.clone() }.is_alive());
        assert!(!ProcessId { boot: "another".to_owned(), ..this }.is_alive());
    }

    #[test]
    fn a_variable_that_nobody_has_is_the_parents_gift() {
        // This process itself has not got it either, so its parent is the nearest without it.
        let parent = ancestors().next().unwrap();
        let found = runner("KIND_HARNESS_NOBODY_SETS_THIS", "1");
        if let Some(found) = found {
            assert_eq!(found.pid(), parent.0);
        }
    }
}
