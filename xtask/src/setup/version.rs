//! Versions as programs print them. Nothing here asks a program.

/// The numbers of a version, up to the first part without one: of `1.27rc1` they are 1 and 27. Lists of them compare as the
/// versions do.
pub(super) fn numbers(version: &str) -> Vec<u32> {
    let number = |part: &str| {
        let digits = part.find(|c: char| !c.is_ascii_digit()).map_or(part, |end| &part[..end]);
        digits.parse().ok()
    };
    version.split('.').map_while(number).collect()
}
