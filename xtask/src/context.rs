//! What every task is given.

use crate::{interrupt::Interrupt, settings::Settings, ui::Ui, workspace::Workspace};

/// Settings, folders, and the person in front of the terminal.
#[derive(Debug, Clone)]
pub struct Context {
    /// What the environment says.
    pub settings: Settings,
    /// Where things are.
    pub workspace: Workspace,
    /// Where to write what a person reads.
    pub ui: Ui,
    /// Whether that person wants us to stop.
    pub interrupt: Interrupt,
}

/// A context of tests, whose user never interrupts.
#[cfg(test)]
pub(crate) fn test_context() -> Context {
    Context {
        settings: Settings::from_environment(),
        workspace: Workspace::of_this_program(None),
        ui: Ui::of_this_process(),
        interrupt: Interrupt::never(),
    }
}
