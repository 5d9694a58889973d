//! Kubernetes versions as texts. Pure functions.

/// Whether it is a whole version with a leading `v`, as a tag of Kubernetes is.
pub(crate) fn is_version(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('v') else { return false };
    let (numbers, more) = rest.split_at(rest.find(['-', '+']).unwrap_or(rest.len()));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_clean = |byte: u8| byte.is_ascii_alphanumeric() || b"-+.".contains(&byte);
    numbers.split('.').count() == 3
        && numbers.split('.').all(is_number)
        && more.bytes().all(is_clean)
        && more.len() != 1
}

/// Major and minor version; `None` where it is no version.
pub(crate) fn major_minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The version that `git describe` stands for, in the form of Kubernetes' own builds: so many commits after a tag are
/// `v1.38.0-alpha.1.5+0123abc`, and after a release `v1.37.2-5+0123abc`.
pub(crate) fn of_description(described: &str) -> Option<String> {
    let (described, dirty) = match described.trim().strip_suffix("-dirty") {
        Some(rest) => (rest, true),
        None => (described.trim(), false),
    };
    let after = described.rsplit_once("-g").and_then(|(rest, hash)| {
        let (tag, count) = rest.rsplit_once('-')?;
        count.bytes().all(|byte| byte.is_ascii_digit()).then_some((tag, count, hash))
    });
    let mut version = match after {
        Some((tag, count, hash)) => format!("{tag}{}{count}+{hash}", if tag.contains('-') { '.' } else { '-' }),
        None => described.to_owned(),
    };
    if dirty {
        version += if version.contains('+') { "-dirty" } else { "+dirty" };
    }
    is_version(&version).then_some(version)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("v1.37.2\n", Some("v1.37.2"))]
    #[case("v1.37.2-dirty", Some("v1.37.2+dirty"))]
    #[case("v1.37.2-5-g0123abc", Some("v1.37.2-5+0123abc"))]
    #[case("v1.38.0-alpha.1-104-g0123abc-dirty", Some("v1.38.0-alpha.1.104+0123abc-dirty"))]
    #[case("v1.38.0-rc.0", Some("v1.38.0-rc.0"))]
    #[case("0123abc", None)]
    #[case("", None)]
    fn a_description_is_a_version(#[case] described: &str, #[case] expected: Option<&str>) {
        assert_eq!(of_description(described).as_deref(), expected);
    }

    #[rstest]
    #[case("v1.37.2", true)]
    #[case("v1.38.0-alpha.1.104+0123abc-dirty", true)]
    #[case("1.37.2", false)]
    #[case("v1.37", false)]
    #[case("v1.37.x", false)]
    #[case("v1.37.2-", false)]
    #[case("v1.37.2 v1.37.3", false)]
    fn a_version_has_three_numbers(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_version(text), expected);
    }
}
