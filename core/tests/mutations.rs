//! Damaged configurations: whatever they hold, reading them ends, and ends in a value or an error that can be printed.
//!
//! `KIND_RS_MUTATIONS` says how many (10 million take minutes: CONTRIBUTING.md has the command), `KIND_RS_SEED` where to
//! begin. A failure prints the text that caused it.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]
#![expect(clippy::disallowed_methods, reason = "switches for whoever runs the test, not settings of the product")]

use std::{
    env, fs,
    path::Path,
    time::{Duration, Instant},
};

use kind_core::spec::ClusterSpec;

/// Enough to find what is easily found, in a second or two.
const DEFAULT_ROUNDS: u64 = 10_000;

/// Pieces that YAML, TOML or the configuration gives a meaning.
const PIECES: &[&str] = &[
    "\n",
    "  ",
    "- ",
    ": ",
    "? ",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "<<: ",
    "<<: *a",
    "!t ",
    "!!int ",
    "!!binary ",
    "|\n",
    "|+2\n",
    ">-\n",
    "'",
    "\"",
    "#",
    "---\n",
    "...\n",
    "\t",
    "%YAML 1.1\n",
    "~",
    "-1",
    "1e999",
    "0x1F",
    ".inf",
    ".nan",
    "99999999999999999999",
    "2001-01-01",
    "\u{feff}",
    "ä",
    "\0",
    "@",
    "/",
    "..",
    "nodes",
    "null",
    "true",
    "extraArgs",
    "certSANs",
    "kind: KubeletConfiguration",
    "op: remove, path: /kind",
    "io.containerd.grpc.v1.cri",
    "version = 3",
    "containerPath: //var/",
    "hostPath: ~/$HOME",
    "node-labels: a b",
    "cpuManagerPolicy: static",
    "podSubnet: 0.0.0.0/8",
    "100.64.0.0/10",
    "kind: JoinConfiguration",
    "registry.mirrors.x",
];

/// A small generator (xorshift): the same numbers for the same seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }
}

fn damage(text: &mut String, seeds: &[String], numbers: &mut Numbers) {
    let mut place = |text: &str| {
        let mut at = numbers.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (left, right) = (place(text), place(text));
    let (from, to) = (left.min(right), left.max(right).min(left.min(right) + 40));
    let to = (to..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    match numbers.below(8) {
        0 => text.replace_range(from..to, ""),
        1 => *text = [&text[..to], &text[from..]].concat(),
        2 => {
            // A line of another configuration.
            let other = &seeds[numbers.below(seeds.len())];
            let lines: Vec<&str> = other.lines().collect();
            text.insert_str(from, &format!("\n{}\n", lines[numbers.below(lines.len())]));
        }
        _ => text.insert_str(from, PIECES[numbers.below(PIECES.len())]),
    }
}

/// Says which text it was when reading it does not come back.
struct Suspect<'a> {
    seed: u64,
    round: u64,
    text: &'a str,
}

impl Drop for Suspect<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}, round {}: this text panics:\n{:?}", self.seed, self.round, self.text);
        }
    }
}

/// Every valid configuration of the corpus.
fn seeds() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/tests/fixtures/v1alpha4/valid");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |text| text.replace('_', "").parse().unwrap())
}

#[test]
fn nothing_panics_or_hangs() {
    let seeds = seeds();
    let rounds = number("KIND_RS_MUTATIONS", DEFAULT_ROUNDS);
    let seed = number("KIND_RS_SEED", 0x5eed_c0de);
    eprintln!("KIND_RS_SEED={seed} KIND_RS_MUTATIONS={rounds}");
    let mut numbers = Numbers(seed.max(1));
    let mut slowest = (Duration::ZERO, String::new());
    let mut valid = 0;
    for round in 0..rounds {
        let mut text = seeds[numbers.below(seeds.len())].clone();
        // One in sixteen is not even nearly a configuration.
        if numbers.below(16) == 0 {
            text = (0..numbers.below(60)).map(|_| PIECES[numbers.below(PIECES.len())]).collect();
        }
        for _ in 0..numbers.below(5) {
            damage(&mut text, &seeds, &mut numbers);
        }
        let suspect = Suspect { seed, round, text: &text };
        let start = Instant::now();
        match ClusterSpec::from_yaml(&text, Path::new("/x/y.yaml")) {
            Ok(_) => valid += 1,
            Err(error) => assert!(!error.problems.is_empty() && !error.to_string().is_empty()),
        }
        let elapsed = start.elapsed();
        drop(suspect);
        if elapsed > slowest.0 {
            slowest = (elapsed, text);
        }
        if round % 1_000_000 == 999_999 {
            eprintln!("{} of {rounds}: {valid} valid, slowest {:?}", round + 1, slowest.0);
        }
    }
    eprintln!("{rounds} texts, {valid} valid; the slowest took {:?}:\n{}", slowest.0, slowest.1);
    let share = valid * 100 / rounds.max(1);
    assert!((5..95).contains(&share), "the damage is too small or too great: {share} % are still valid");
}
