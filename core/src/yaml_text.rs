//! The text of YAML files as people's editors leave it: byte order marks, UTF-16, several documents in one file.
//!
//! What a document holds is known to others.

/// Bytes that are no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("found {0}, expected UTF-8, or UTF-16 with a byte order mark")]
pub struct NotText(pub(crate) &'static str);

/// The text of a file, without the mark in front of it: the YAML parser would take that for a document's beginning.
///
/// # Errors
/// When they are no text.
pub fn decode(bytes: &[u8]) -> Result<String, NotText> {
    let utf_16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, odd) = rest.as_chunks::<2>();
        let text = String::from_utf16(&pairs.iter().copied().map(unit).collect::<Vec<_>>()).ok();
        text.filter(|_| odd.is_empty()).ok_or(NotText("a damaged UTF-16"))
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes),
        _ => {
            let text = std::str::from_utf8(bytes).map_err(|_| NotText("other bytes"))?;
            Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned())
        }
    }
}

/// The first document, which is all that most readers look at, and what comes after it with its marker.
pub(crate) fn first_document(text: &str) -> (&str, &str) {
    let mut begun = false;
    for (start, line) in lines(text) {
        if is_marker(line, "---") || is_marker(line, "...") {
            if begun {
                return text.split_at(start);
            }
            begun = line.starts_with('-');
        } else if !is_blank(line) && !line.starts_with('%') {
            begun = true;
        }
    }
    (text, "")
}

/// Whether there is nothing but markers, comments and blanks.
pub fn is_empty(text: &str) -> bool {
    lines(text).all(|(_, line)| {
        let marker = ["---", "..."].into_iter().find(|marker| is_marker(line, marker));
        is_blank(marker.map_or(line, |marker| &line[marker.len()..]))
    })
}

/// At the beginning of a line a marker is one whatever it stands in.
fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

fn is_blank(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '\t']);
    line.is_empty() || line.starts_with('#')
}

/// Every line with its place, without its end, which is that of any system.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    text.split_inclusive(['\n', '\r']).map(move |line| {
        let place = start;
        start += line.len();
        (place, line.trim_end_matches(['\n', '\r']))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn utf_16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        std::iter::once('\u{feff}').chain(text.chars()).collect::<String>().encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn a_mark_and_wide_letters_are_taken_off() {
        assert_eq!(decode("a: ä".as_bytes()).unwrap(), "a: ä");
        assert_eq!(decode("\u{feff}a: ä".as_bytes()).unwrap(), "a: ä");
        assert_eq!(decode(&utf_16("a: ä𝄞", u16::to_le_bytes)).unwrap(), "a: ä𝄞");
        assert_eq!(decode(&utf_16("a: ä𝄞", u16::to_be_bytes)).unwrap(), "a: ä𝄞");
        assert_eq!(decode(b"").unwrap(), "");
        assert_eq!(decode(b"caf\xe9").unwrap_err(), NotText("other bytes"));
        assert_eq!(decode(&utf_16("a", u16::to_le_bytes)[..3]).unwrap_err(), NotText("a damaged UTF-16"));
        assert_eq!(decode(&[0xff, 0xfe, 0x00, 0xd8]).unwrap_err(), NotText("a damaged UTF-16"));
    }

    #[rstest]
    #[case("a: b\n", "")]
    #[case("---\na: b\n", "")]
    #[case("# c\n%YAML 1.1\n--- # d\na: b\n", "")]
    #[case("a: b\n", "---\n")]
    #[case("a: b\r\n", "---\r\nc: d\r\n")]
    #[case("a: b\r", "---\rc: d\r")]
    #[case("a: b\n", "...\nfoo: [\n")]
    #[case("--- {a: b}\n", "--- {c: d}")]
    #[case("---\n", "---\na: b\n")]
    #[case("# c\n---\n# d\n", "---\na: b\n")]
    #[case("a: |\n  ---\n---b: c\n", "---")]
    fn the_first_document_is_all_that_is_read(#[case] first: &str, #[case] rest: &str) {
        assert_eq!(first_document(&format!("{first}{rest}")), (first, rest));
    }

    #[rstest]
    #[case("", true)]
    #[case("---\n", true)]
    #[case("--- # x\n...\n \t# y\n---", true)]
    #[case("--- a", false)]
    #[case("---\na: b", false)]
    #[case("----", false)]
    fn markers_alone_are_nothing(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_empty(text), expected);
    }
}
