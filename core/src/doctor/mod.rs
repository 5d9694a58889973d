//! Whether this machine is fit for clusters: what is checked, what was found, what to do, and what can be mended at once.
//!
//! `facts` looks and judges nothing; `checks`, `engine`, `room` and `routes` judge and look at nothing; `fix` changes kernel settings, and nothing
//! else is ever changed.

mod checks;
mod engine;
mod facts;
mod fix;
mod room;
mod routes;

pub use checks::{Finding, Fix, Verdict, findings};
pub use facts::Facts;
pub use fix::apply;
