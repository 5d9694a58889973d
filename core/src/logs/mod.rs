//! `export logs`: everything that explains a cluster, as one folder of files. It works on whatever is left of a cluster:
//! what cannot be had is listed in `missing.txt`, and fails nothing.
//!
//! `node` is what every container has, `cluster` what the API and etcd say, `varlog` the logs of pods. The form of the
//! tree is kind's, with more in it.

mod cluster;
mod export;
mod node;
mod older;
mod tree;
mod varlog;

#[cfg(test)]
mod tests;

pub use export::{LogsError, export};
pub use older::move_older;
