//! Programs that run once, in a pod of the test's namespace. What a program is made of is in `image`.

mod error;
mod progress;
mod run;

#[cfg(test)]
mod tests;

pub use error::RunError;
pub use run::Output;
