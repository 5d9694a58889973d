//! Installing what is missing: first a list of it, then the work, and nothing at all where everything is there.

mod apt;
mod disk;
mod engine;
mod example_packages;
mod go;
mod host;
mod limits;
mod needs;
mod nextest;
mod run;
mod version;
mod wheel;

pub use engine::{EngineStartError, connect};
pub use host::Host;
pub use needs::{Need, NeedFor, Source, missing};
pub use nextest::NextestError;
pub use run::{Prepared, SetupError, install_build_tools, install_engine_tools, install_vm_tools, prepare, prepend};
pub use wheel::WheelError;
