//! Private keys in PEM, also in logs: with a time in front of every line, as one line with `\n`, or cut off at either end.

use std::borrow::Cow;

use super::text::LEFT_OUT;

/// What every private key's first and last line have, with its kind before it.
const PRIVATE_KEY: &str = "PRIVATE KEY-----";
const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
/// Less is no line of a key that tells anything.
const SHORTEST: usize = 16;
/// No key has more lines.
const MOST_LINES: usize = 200;

/// The text with the content of private keys left out.
pub(super) fn without_keys(text: &str) -> Cow<'_, str> {
    if !text.contains(PRIVATE_KEY) {
        return Cow::Borrowed(text);
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    // From where on each line is left out.
    let mut cuts: Vec<Option<usize>> = vec![None; lines.len()];
    let mut at = 0;
    while at < lines.len() {
        let (begin, end) = (find(lines[at], BEGIN), find(lines[at], END));
        match (begin, end) {
            (Some(from), end) => {
                cuts[at] = Some(from);
                if end.is_none() {
                    let inside = inside(&lines[at + 1..]);
                    cuts[at + 1..=at + inside].fill(Some(0));
                    at += inside;
                }
            }
            // Its beginning is cut off. The last line of a key may be short.
            (None, Some(_)) => {
                cuts[at] = Some(0);
                let before = lines[..at].iter().rev().enumerate();
                let payload =
                    before.take_while(|(index, line)| is_payload(line, if *index == 0 { 1 } else { SHORTEST }));
                let payload = payload.take(MOST_LINES).count();
                cuts[at - payload..at].fill(Some(0));
            }
            (None, None) => {}
        }
        at += 1;
    }
    let kept = lines.iter().zip(cuts).map(|(line, cut)| match cut {
        None => Cow::Borrowed(*line),
        Some(from) => {
            let end = if line.ends_with('\n') { "\n" } else { "" };
            Cow::Owned(format!("{}{LEFT_OUT}{end}", &line[..from]))
        }
    });
    Cow::Owned(kept.collect())
}

/// How many of these lines belong to a key that began before them: those up to its end, or where that is cut off, those
/// that look like it.
fn inside(lines: &[&str]) -> usize {
    let end = lines.iter().take(MOST_LINES).position(|line| find(line, END).is_some());
    let is_next = |line: &&&str| is_payload(line, SHORTEST) || is_header(line);
    end.map_or_else(|| lines.iter().take(MOST_LINES).take_while(is_next).count(), |end| end + 1)
}

/// Where the first or last line of a private key stands in this line.
fn find(line: &str, marker: &str) -> Option<usize> {
    let is_keys = |at: &usize| {
        let kind = &line[at + marker.len()..];
        kind.find("-----").is_some_and(|dashes| kind[..dashes].ends_with("PRIVATE KEY"))
    };
    line.match_indices(marker).map(|(at, _)| at).find(is_keys)
}

/// Whether the line's last word may be base64.
fn is_payload(line: &str, shortest: usize) -> bool {
    let word = line.split_whitespace().next_back().unwrap_or_default();
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/' || byte == b'=';
    word.len() >= shortest && word.bytes().all(base64)
}

/// An encrypted key has headers and an empty line before its content.
fn is_header(line: &str) -> bool {
    line.trim().is_empty() || line.contains("Proc-Type:") || line.contains("DEK-Info:")
}
