//! Words of the page: times, lengths of time, links, and texts of strangers made harmless.

use std::{borrow::Cow, fmt::Write as _};

use time::{OffsetDateTime, macros::format_description};

/// A text of a test or of an error, without what would not be seen as it is: colours of a terminal, control characters,
/// and characters that change the direction of what follows.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_odd) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        if character == '\x1b' && rest.peek() == Some(&'[') {
            rest.next();
            // The sequence ends with the first letter or the like.
            while rest.next_if(|it| !('@'..='~').contains(it)).is_some() {}
            rest.next_if(|it| ('@'..='~').contains(it));
        } else if character == '\r' && rest.peek() == Some(&'\n') {
            // One end of a line is enough.
        } else {
            cleaned.push(if is_odd(character) { '\u{fffd}' } else { character });
        }
    }
    Cow::Owned(cleaned)
}

fn is_odd(character: char) -> bool {
    let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || character.is_control() && !matches!(character, '\n' | '\t')
}

/// The first line that says something.
pub(super) fn first_line(text: &str) -> &str {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

/// A link to something below the artifacts. It begins so that no name can be taken for an address.
pub(super) fn link(base: &str, path: &str) -> String {
    let mut link = format!("./{base}");
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => link.push(char::from(byte)),
            // Writing to a text does not fail.
            _ => write!(link, "%{byte:02X}").unwrap_or_default(),
        }
    }
    link
}

/// A length of time, in milliseconds, as a person says it.
pub(super) fn length(milliseconds: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let seconds = milliseconds as f64 / 1000.0;
    match milliseconds {
        0..100 => format!("{milliseconds} ms"),
        100..9_995 => format!("{seconds:.2} s"),
        9_995..59_950 => format!("{seconds:.1} s"),
        59_950..3_599_500 => {
            let whole = (milliseconds + 500) / 1000;
            format!("{} min {:02} s", whole / 60, whole % 60)
        }
        _ => {
            let minutes = (milliseconds + 30_000) / 60_000;
            format!("{} h {:02} min", minutes / 60, minutes % 60)
        }
    }
}

/// A moment, in milliseconds since 1970, for people and for machines.
pub(super) fn moment(milliseconds: u64) -> (String, String) {
    let nanoseconds = i128::from(milliseconds) * 1_000_000;
    let moment = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let people = format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute]:[second] UTC");
    let machines = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    (moment.format(&people).unwrap_or_default(), moment.format(&machines).unwrap_or_default())
}

/// `1 test`, `2 tests`.
pub(super) fn count(number: usize, word: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {word}{plural}")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("plain", "plain")]
    #[case("a\nb\tc", "a\nb\tc")]
    #[case("\x1b[1;31mred\x1b[0m", "red")]
    #[case("\x1b[31", "")]
    #[case("\x1b]0;title\x07", "\u{fffd}]0;title\u{fffd}")]
    #[case("a\r\nb\rc", "a\nb\u{fffd}c")]
    #[case("nul\0", "nul\u{fffd}")]
    #[case("abc\u{202e}txt.exe", "abc\u{fffd}txt.exe")]
    fn strange_texts_become_harmless(#[case] text: &str, #[case] cleaned: &str) {
        assert_eq!(clean(text), cleaned);
    }

    #[test]
    fn a_link_cannot_leave_its_folder_s_scheme() {
        assert_eq!(link("", "e2e.orders/a b#c?d%.txt"), "./e2e.orders/a%20b%23c%3Fd%25.txt");
        assert_eq!(link("../../", "javascript:alert(1)"), "./../../javascript%3Aalert%281%29");
        assert_eq!(link("", "日\"<"), "./%E6%97%A5%22%3C");
    }

    #[rstest]
    #[case(0, "0 ms")]
    #[case(99, "99 ms")]
    #[case(1_234, "1.23 s")]
    #[case(9_999, "10.0 s")]
    #[case(59_940, "59.9 s")]
    #[case(59_960, "1 min 00 s")]
    #[case(148_000, "2 min 28 s")]
    #[case(3_599_600, "1 h 00 min")]
    #[case(7_380_000, "2 h 03 min")]
    fn lengths(#[case] milliseconds: u64, #[case] text: &str) {
        assert_eq!(length(milliseconds), text);
    }

    #[test]
    fn moments_and_counts() {
        let (people, machines) = moment(1_795_528_992_120);
        assert_eq!((people.as_str(), machines.as_str()), ("24 Nov 2026, 14:03:12 UTC", "2026-11-24T14:03:12.120Z"));
        assert_eq!((count(1, "test"), count(0, "test")), ("1 test".to_owned(), "0 tests".to_owned()));
    }
}
