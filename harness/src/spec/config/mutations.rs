//! Damaged texts: whatever they hold, reading them ends, and ends in a value or an error that can be printed.

use std::path::Path;

use crate::spec::ClusterSpec;

const SEEDS: &[&str] = &[
    "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nname: a\nnodes:\n- role: control-plane\n  labels: {a: b}\n- &w\n  \
     role: worker\n  extraMounts:\n  - hostPath: ./x\n    containerPath: /x\n  extraPortMappings:\n  - containerPort: 80\n    \
     hostPort: 0\n- *w\n",
    "apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\nnetworking: {ipFamily: ipv4, podSubnet: '10.244.0.0/16', \
     dnsSearch: ~}\nfeatureGates: {\"A\": true}\nruntimeConfig: {api/all: \"true\"}\n",
];

/// Pieces that YAML gives a meaning.
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
    "!t ",
    "!!int ",
    "|\n",
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
    "\u{feff}",
    "ä",
    "\0",
    "@",
    "nodes",
];

/// A small generator, the same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }
}

fn damage(text: &mut String, numbers: &mut Numbers) {
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
    match numbers.below(4) {
        0 => text.replace_range(from..to, ""),
        1 => *text = [&text[..to], &text[from..]].concat(),
        _ => text.insert_str(from, PIECES[numbers.below(PIECES.len())]),
    }
}

#[test]
fn nothing_panics_or_hangs() {
    let mut numbers = Numbers(0x5eed_c0de);
    let mut read = 0;
    for round in 0..6000 {
        let mut text = SEEDS[round % SEEDS.len()].to_owned();
        for _ in 0..numbers.below(4) {
            damage(&mut text, &mut numbers);
        }
        match ClusterSpec::from_yaml(&text, Path::new("/x/y.yaml")) {
            Ok(_) => read += 1,
            Err(error) => assert!(!error.problems.is_empty() && !error.to_string().is_empty()),
        }
    }
    assert!((60..5900).contains(&read), "the damage is too small or too great: {read} of 6000 were still valid");
}

#[test]
fn random_text_is_refused_calmly() {
    let mut numbers = Numbers(0xabad_1dea);
    for _ in 0..3000 {
        let text: String = (0..numbers.below(60)).map(|_| PIECES[numbers.below(PIECES.len())]).collect();
        let _ = ClusterSpec::from_yaml(&text, Path::new("x"));
    }
}
