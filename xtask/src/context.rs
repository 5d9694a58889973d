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
