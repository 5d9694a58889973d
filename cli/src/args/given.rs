//! Flags whose value may be empty: scripts pass every flag, and the variables in them are not always set. As by kind, an
//! empty value counts as none.

use std::{ffi::OsString, path::PathBuf, str::FromStr};

use clap::builder::{OsStringValueParser, TypedValueParser};

/// A flag's value, where it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given<T>(Option<T>);

impl<T: FromStr> FromStr for Given<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        if text.is_empty() { Ok(Self(None)) } else { Ok(Self(Some(text.parse()?))) }
    }
}

/// Reads a path, which need not be UTF-8.
pub(super) fn path() -> impl TypedValueParser<Value = Given<PathBuf>> {
    OsStringValueParser::new()
        .map(|text: OsString| Given(Some(text).filter(|text| !text.is_empty()).map(PathBuf::from)))
}

/// The value of a flag that may be missing or empty.
pub(crate) fn given<T>(flag: Option<Given<T>>) -> Option<T> {
    flag.and_then(|flag| flag.0)
}

/// As [`given`], to look at.
pub(crate) fn given_ref<T>(flag: Option<&Given<T>>) -> Option<&T> {
    flag.and_then(|flag| flag.0.as_ref())
}
