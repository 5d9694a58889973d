//! Looking for what a run left behind: on the engine, among mounts and processes, and in its folders.

mod auditor;
mod host;

pub use auditor::Auditor;
