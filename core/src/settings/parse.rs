//! Values of variables: what they may be, and what is said when they are something else.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use kind_images::{UnsupportedVersion, node_image};

use super::Keep;
use crate::spec::NetworkPools;

/// A variable of the environment that cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// It has a value that it cannot have.
    #[error("environment variable {name}={value:?}: expected {expected}")]
    Value {
        /// The variable.
        name: &'static str,
        /// Its value, as far as it is text.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// It names a Kubernetes version that there is no image of.
    #[error("read environment variable {name}")]
    Version {
        /// The variable.
        name: &'static str,
        /// Which versions there are.
        #[source]
        source: UnsupportedVersion,
    },
    /// There is no place for states.
    #[error("find a folder for the states of clusters: set KIND_TEST_STATE_DIR, XDG_STATE_HOME or HOME")]
    NoHome,
}

/// Reads variables through a lookup, so that tests need no environment. An empty variable counts as none.
pub(super) struct Reader<'a>(pub(super) &'a dyn Fn(&str) -> Option<OsString>);

impl Reader<'_> {
    pub(super) fn raw(&self, name: &'static str) -> Option<OsString> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    pub(super) fn path(&self, name: &'static str) -> Option<PathBuf> {
        self.raw(name).map(PathBuf::from)
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>, SettingsError> {
        let Some(value) = self.raw(name) else { return Ok(None) };
        value.into_string().map(Some).map_err(|raw| SettingsError::Value {
            name,
            value: raw.to_string_lossy().into_owned(),
            expected: "UTF-8 text",
        })
    }

    /// The first of two names that has a value. Blanks are none.
    pub(super) fn either(&self, name: &'static str, other: &'static str) -> Result<Option<String>, SettingsError> {
        let value = |name| self.text(name).map(|text| text.filter(|text| !text.trim().is_empty()));
        Ok(value(name)?.or(value(other)?))
    }

    pub(super) fn image(&self, name: &'static str) -> Result<Option<String>, SettingsError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let image = node_image(&text).map(Some);
        image.map_err(|source| SettingsError::Version { name, source })
    }

    pub(super) fn switch(&self, name: &'static str) -> Result<bool, SettingsError> {
        self.choice(name).map(Option::unwrap_or_default)
    }

    /// A switch that may be left alone.
    pub(super) fn choice(&self, name: &'static str) -> Result<Option<bool>, SettingsError> {
        self.one_of(name, "1, true, yes or on; or 0, false, no or off", |value| {
            match value.to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" | "on" => Some(true),
                "0" | "false" | "no" | "off" => Some(false),
                _ => None,
            }
        })
    }

    /// A variable of others that is a switch: whatever it says but a no is a yes.
    pub(super) fn is_set(&self, name: &'static str) -> bool {
        self.raw(name).is_some_and(|value| {
            let value = value.to_string_lossy().trim().to_ascii_lowercase();
            !matches!(value.as_str(), "" | "0" | "false" | "no" | "off")
        })
    }

    pub(super) fn keep(&self, name: &'static str) -> Result<Keep, SettingsError> {
        self.one_of(name, "never, on-failure or always", |value| match value {
            "never" => Some(Keep::Never),
            "on-failure" => Some(Keep::OnFailure),
            "always" => Some(Keep::Always),
            _ => None,
        })
        .map(Option::unwrap_or_default)
    }

    pub(super) fn pools(&self, name: &'static str) -> Result<NetworkPools, SettingsError> {
        self.one_of(name, NetworkPools::EXPECTED, |value| value.parse().ok()).map(Option::unwrap_or_default)
    }

    pub(super) fn duration(&self, name: &'static str) -> Result<Option<Duration>, SettingsError> {
        self.one_of(name, "a time such as 90s, 30m, 2h or 1h30m", duration)
    }

    /// A time, or `None` for never.
    pub(super) fn duration_or_never(
        &self,
        name: &'static str,
        default: Duration,
    ) -> Result<Option<Duration>, SettingsError> {
        let said = self.one_of(name, "a time such as 30s or 5m, or never", |value| match value {
            "never" => Some(None),
            time => duration(time).map(Some),
        });
        Ok(said?.unwrap_or(Some(default)))
    }

    pub(super) fn number(&self, name: &'static str) -> Result<Option<u32>, SettingsError> {
        self.one_of(name, "a whole number", |value| value.parse().ok())
    }

    fn one_of<T>(
        &self,
        name: &'static str,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, SettingsError> {
        let Some(value) = self.text(name)? else { return Ok(None) };
        parse(value.trim()).map(Some).ok_or(SettingsError::Value { name, value, expected })
    }
}

/// A number with `ms`, `s`, `m` or `h`, or several of them.
fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = &rest[digits..];
        let end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let milliseconds = match &unit[..end] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        total = total.checked_add(Duration::from_millis(number.checked_mul(milliseconds)?))?;
        rest = &unit[end..];
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("90s", Some(90_000))]
    #[case("1h30m", Some(5_400_000))]
    #[case("250ms", Some(250))]
    #[case("0s", Some(0))]
    #[case("30", None)]
    #[case("m", None)]
    #[case("-1s", None)]
    #[case("1d", None)]
    #[case("1 h", None)]
    #[case("99999999999999999999h", None)]
    #[case("18446744073709551615h", None)]
    fn durations(#[case] text: &str, #[case] milliseconds: Option<u64>) {
        assert_eq!(duration(text), milliseconds.map(Duration::from_millis));
    }

    #[rstest]
    #[case("KIND_TEST_REQUIRE", "maybe", "1, true, yes or on")]
    #[case("KIND_TEST_KEEP", "sometimes", "never, on-failure or always")]
    #[case("KIND_TEST_IDLE", "soon", "90s, 30m")]
    #[case("KIND_TEST_PAUSE", "off", "or never")]
    #[case("NEXTEST_ATTEMPT", "-1", "a whole number")]
    fn a_wrong_value_is_named_with_what_is_allowed(
        #[case] name: &'static str,
        #[case] value: &str,
        #[case] expected: &str,
    ) {
        let lookup = |_: &str| Some(OsString::from(value));
        let read = Reader(&lookup);
        let text = match name {
            "KIND_TEST_REQUIRE" => read.switch(name).unwrap_err().to_string(),
            "KIND_TEST_KEEP" => read.keep(name).unwrap_err().to_string(),
            "KIND_TEST_IDLE" => read.duration(name).unwrap_err().to_string(),
            "KIND_TEST_PAUSE" => read.duration_or_never(name, Duration::ZERO).unwrap_err().to_string(),
            _ => read.number(name).unwrap_err().to_string(),
        };
        assert!(text.contains(&format!("{name}={value:?}")) && text.contains(expected), "{text}");
    }
}
