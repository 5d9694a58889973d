//! What is about the program itself: completion and manual pages.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// For which shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: ShellKind,
}

#[derive(Debug, Args)]
pub(crate) struct Manual {
    /// The folder that they are written to, such as `/usr/local/share/man/man1`
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
}

/// The shells that scripts are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShellKind {
    // `source <(kind-rs completion bash)`
    Bash,
    // `source <(kind-rs completion zsh)`
    Zsh,
    // `kind-rs completion fish | source`
    Fish,
    // `kind-rs completion powershell | Out-String | Invoke-Expression`
    Powershell,
}
