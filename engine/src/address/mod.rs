//! Where the engine is: what the environment says of it, and what that comes to. Nothing here talks to an engine.

mod choice;
mod context;
mod engine_address;
mod parse;
mod tls;

pub use choice::EngineChoice;
pub use engine_address::{EngineAddress, FoundBy};
pub(crate) use parse::Target;
pub use tls::TlsFiles;
