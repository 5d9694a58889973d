//! Flags that many commands have, and flags whose value may be empty: scripts pass every flag, and the variables in them are not always set. As by kind, an
//! empty value counts as none.

use std::{ffi::OsString, path::PathBuf, str::FromStr};

use clap::{
    Args, ValueHint,
    builder::{OsStringValueParser, TypedValueParser},
};
use kind_core::spec::ClusterName;

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

#[derive(Debug, Args)]
pub(crate) struct Name {
    /// The cluster's name; else `KIND_CLUSTER_NAME`, else `kind`
    #[arg(short, long)]
    pub(crate) name: Option<Given<ClusterName>>,
}

/// A name for commands that take nothing else: many write it without the flag.
#[derive(Debug, Args)]
pub(crate) struct NameOrWord {
    /// The cluster's name; else `KIND_CLUSTER_NAME`, else `kind`
    #[arg(short, long)]
    pub(crate) name: Option<Given<ClusterName>>,
    /// The cluster's name, as with --name
    #[arg(value_name = "CLUSTER", conflicts_with = "name")]
    pub(crate) word: Option<ClusterName>,
}

impl NameOrWord {
    /// The name, however it was given.
    pub(crate) fn given(self) -> Option<ClusterName> {
        self.word.or(given(self.name))
    }
}

#[derive(Debug, Args)]
pub(crate) struct Kubeconfig {
    /// The kubeconfig file to change; else the first of `KUBECONFIG` that exists, else `~/.kube/config`
    #[arg(long, value_name = "FILE", value_parser = path(), value_hint = ValueHint::FilePath)]
    pub(crate) kubeconfig: Option<Given<PathBuf>>,
}
