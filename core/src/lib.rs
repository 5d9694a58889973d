//! What `kind-harness`, its leases, its command line and its conformance suite are built on: what a cluster is to be, how
//! it comes up and goes, and the handle on it. It knows no tests but for what one of them is doing ([`activity`]).
//!
//! The interface changes without notice; depend on `kind-harness`. The modules in reading order:

pub mod spec;
pub mod config_file;
pub mod settings;
pub mod render;
pub mod wait;
pub mod provision;
pub mod image;
pub mod cluster;
pub mod inventory;
pub mod doctor;
pub mod kubeconfig;
pub mod load;
pub mod tunnel;
pub mod logs;
pub mod power;
pub mod snapshot;
pub mod access;
pub mod process;
pub mod scope;
pub mod detached;
pub mod activity;
pub mod redact;
pub mod private_file;
pub mod causes;
pub mod warnings;
pub mod user_file;
pub mod yaml_text;
#[cfg(any(test, feature = "fake"))]
pub mod fake_api;
