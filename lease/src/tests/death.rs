//! Dying at a step: a process whose environment says so kills itself when it has passed so many steps.

use std::{
    fs::OpenOptions,
    path::PathBuf,
    process::Command,
    sync::LazyLock,
    sync::atomic::{AtomicU32, Ordering},
};

use kind_core::settings::{self, Purpose};
use nix::sys::signal::{Signal, raise};

/// `ROLE STEPS FILE`: a process of that role dies after so many steps and says in the file at which. Only the first does.
const DEATH: &str = "KIND_HARNESS_TEST_DEATH";

/// Who is to die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Player,
    Keeper,
}

struct Death {
    steps: u32,
    note: PathBuf,
}

/// Makes the first process of that role die after so many steps; `note` is there when it did.
pub(in crate::tests) fn after(command: &mut Command, role: Role, steps: u32, note: &std::path::Path) {
    command.env(DEATH, format!("{role:?} {steps} {}", note.display()));
}

static ORDERED: LazyLock<Option<Death>> = LazyLock::new(|| {
    #[expect(clippy::disallowed_methods, reason = "the variable is between the tests of this folder")]
    let text = std::env::var(DEATH).ok()?;
    let [role, steps, note] = text.splitn(3, ' ').collect::<Vec<_>>().try_into().ok()?;
    let own = if matches!(settings::purpose(), Some(Purpose::Keeper(_))) { Role::Keeper } else { Role::Player };
    (role == format!("{own:?}")).then(|| Death { steps: steps.parse().unwrap(), note: note.into() })
});

/// Counts, and dies when it is time.
pub(crate) fn passed(done: &str) {
    static PASSED: AtomicU32 = AtomicU32::new(0);
    let Some(death) = &*ORDERED else { return };
    if PASSED.fetch_add(1, Ordering::Relaxed) + 1 != death.steps {
        return;
    }
    let Ok(mut note) = OpenOptions::new().write(true).create_new(true).open(&death.note) else { return };
    std::io::Write::write_all(&mut note, done.as_bytes()).unwrap();
    raise(Signal::SIGKILL).unwrap();
}
