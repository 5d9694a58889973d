//! Starts [`xtask::app`]; nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::app::main()
}
