//! `kind-rs version`.

use crate::{failure::Failure, session::Session};

pub(crate) fn run(session: &Session<'_>) -> Result<(), Failure> {
    let version = env!("CARGO_PKG_VERSION");
    if session.console.is_quiet() {
        return session.print(version);
    }
    session.print(&format!("kind-rs v{version} {}/{}", std::env::consts::OS, std::env::consts::ARCH))
}
