//! Programs that run once, in a pod of the test's namespace, and commands in pods that run. What a program is made of is in `image`.

mod error;
mod exec;
mod progress;
mod run;

#[cfg(test)]
mod tests;

pub use error::{ExecError, RunError};
pub use run::Output;
