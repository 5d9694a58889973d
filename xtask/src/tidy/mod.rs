//! The house rules that a program can check. Looks at text; builds and runs nothing.

mod check;
mod documents;
mod files;
mod manifests;
mod source;
mod tokens;

pub use check::{TidyError, Violation, check, violations};
