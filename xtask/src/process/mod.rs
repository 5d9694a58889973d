//! Other programs: finding them, running them, and ending them with us. Arguments are vectors; no shell is involved.

mod beside;
mod built;
mod find;
mod run;
mod tool;

pub use beside::Beside;
pub use built::program_of;
pub use find::{find_program, has_program};
pub use run::{ProcessError, detach, log_of, output, output_shown, run_logged, run_shown};
pub use tool::{Tool, WhenInterrupted};
