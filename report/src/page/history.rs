//! What became of a cluster: its bring-ups with their steps, and how it went on.

use super::{
    model::{Bundle, ClusterLines},
    record::{ClusterEvent, ClusterFacts, Ordered},
};

/// One bring-up. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BringUp {
    pub(crate) attempt: u32,
    pub(crate) began: u64,
    /// The last time that is known of it, which is its end where it has ended.
    pub(crate) until: u64,
    pub(crate) steps: Vec<Step>,
    pub(crate) end: End,
}

/// How a bring-up ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// Not yet.
    Going,
    /// The cluster could be used.
    Ready,
    /// An error.
    Failed(String),
    /// Its keeper broke it off or was killed.
    CutOff,
}

/// One step of a bring-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) began: u64,
    pub(crate) ended: Option<u64>,
    pub(crate) well: bool,
}

/// Where a cluster is at last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing but its use by tests is known.
    Unknown,
    /// It is being brought up.
    Making,
    /// It could not be brought up.
    Failed,
    /// It is there, for the run or, with a limit in seconds, for later ones.
    Up(Option<u64>),
    /// It stays for a look at these tests.
    Kept(Vec<String>),
    /// It is gone or going.
    Removed,
    /// It could not be removed, for this reason.
    Left(String),
}

/// One cluster, from its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) name: String,
    pub(crate) ordered: Option<Ordered>,
    pub(crate) facts: Option<ClusterFacts>,
    pub(crate) bring_ups: Vec<BringUp>,
    /// When it could be used: beginnings and ends.
    pub(crate) up: Vec<(u64, Option<u64>)>,
    /// When it was frozen, because nobody used it.
    pub(crate) paused: Vec<(u64, Option<u64>)>,
    /// What else happened, and when.
    pub(crate) notes: Vec<(u64, String)>,
    pub(crate) fate: Fate,
    pub(crate) logs: Option<Bundle>,
}

impl History {
    /// A cluster of which only the name is known.
    pub(crate) fn unknown(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ordered: None,
            facts: None,
            bring_ups: Vec::new(),
            up: Vec::new(),
            paused: Vec::new(),
            notes: Vec::new(),
            fate: Fate::Unknown,
            logs: None,
        }
    }

    /// Reads a cluster's events; `None` where they do not say which it is.
    pub(crate) fn of(records: ClusterLines) -> Option<Self> {
        let ClusterLines { lines, logs } = records;
        let name = lines.iter().find_map(|line| match &line.event {
            ClusterEvent::Ordered(ordered) => Some(ordered.cluster.clone()),
            _ => None,
        })?;
        let mut this = Self { logs, ..Self::unknown(&name) };
        for line in lines {
            this.take(line.at, line.event);
        }
        Some(this)
    }

    /// Whether it was made after this moment.
    pub(crate) fn is_made_since(&self, began: u64) -> bool {
        self.bring_ups.iter().any(|one| one.began >= began)
    }

    fn take(&mut self, at: u64, event: ClusterEvent) {
        match event {
            ClusterEvent::Ordered(ordered) => {
                if self.ordered.is_some() {
                    self.cut_off();
                    self.note(at, "another keeper took over");
                }
                self.ordered = Some(ordered);
            }
            ClusterEvent::Creating { attempt } => {
                self.cut_off();
                self.down(at);
                let steps = Vec::new();
                self.bring_ups.push(BringUp { attempt, began: at, until: at, steps, end: End::Going });
                self.fate = Fate::Making;
            }
            ClusterEvent::StepBegan { step } => {
                let Some(bring_up) = self.going() else { return };
                bring_up.steps.push(Step { name: step, began: at, ended: None, well: true });
                bring_up.until = at;
            }
            ClusterEvent::StepEnded { step, well } => {
                let Some(bring_up) = self.going() else { return };
                bring_up.until = at;
                if let Some(open) = bring_up.steps.iter_mut().rfind(|it| it.name == step && it.ended.is_none()) {
                    (open.ended, open.well) = (Some(at), well);
                }
            }
            ClusterEvent::Ready(facts) => {
                if let Some(bring_up) = self.going() {
                    (bring_up.until, bring_up.end) = (at, End::Ready);
                }
                self.facts = Some(facts);
                self.down(at);
                self.up.push((at, None));
                self.fate = Fate::Up(self.ordered.as_ref().and_then(|ordered| ordered.idle));
            }
            ClusterEvent::Failed { error } => {
                if let Some(bring_up) = self.going() {
                    (bring_up.until, bring_up.end) = (at, End::Failed(error));
                }
                self.fate = Fate::Failed;
            }
            ClusterEvent::Checked => self.note(at, "looked at: well"),
            ClusterEvent::Paused => {
                self.down(at);
                self.paused.push((at, None));
            }
            ClusterEvent::Broken { why } => {
                self.down(at);
                self.note(at, format!("made anew: {why}"));
            }
            ClusterEvent::Closing { why } => {
                self.cut_off();
                self.note(at, format!("closed: {why}"));
                if !matches!(self.fate, Fate::Failed) {
                    self.fate = Fate::Removed;
                }
            }
            ClusterEvent::Kept { tests } => {
                self.down(at);
                self.up.push((at, None));
                self.fate = Fate::Kept(tests);
            }
            ClusterEvent::Removed => {
                self.down(at);
                if matches!(self.fate, Fate::Removed) {
                    self.note(at, "removed");
                }
            }
            ClusterEvent::Left { why } => self.fate = Fate::Left(why),
        }
    }

    fn note(&mut self, at: u64, text: impl Into<String>) {
        self.notes.push((at, text.into()));
    }

    /// The bring-up that is under way.
    fn going(&mut self) -> Option<&mut BringUp> {
        self.bring_ups.last_mut().filter(|one| one.end == End::Going)
    }

    fn cut_off(&mut self) {
        if let Some(bring_up) = self.going() {
            bring_up.end = End::CutOff;
        }
    }

    /// It cannot be used from now on.
    fn down(&mut self, at: u64) {
        for spans in [&mut self.up, &mut self.paused] {
            if let Some((_, end @ None)) = spans.last_mut() {
                *end = Some(at);
            }
        }
    }
}
