//! `kind-rs version`.

use crate::{console::Console, failure::Failure, output::print};

pub(crate) fn run(console: &Console) -> Result<(), Failure> {
    let version = env!("CARGO_PKG_VERSION");
    if console.is_quiet() {
        return print(version);
    }
    print(&format!("kind-rs v{version} {}/{}", std::env::consts::OS, std::env::consts::ARCH))
}
