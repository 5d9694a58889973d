//! A program with its arguments, as data.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

/// What becomes of a program when the user stops us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenInterrupted {
    /// It is interrupted too, and killed if it does not end.
    End,
    /// It is left to finish, because half of its work is worse than none (package managers); then we stop.
    Finish,
}

/// A program with its arguments, environment and folder.
#[derive(Debug, Clone)]
pub struct Tool {
    pub(super) program: OsString,
    pub(super) arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    removed_variables: Vec<OsString>,
    folder: Option<PathBuf>,
    pub(super) when_interrupted: WhenInterrupted,
}

impl Tool {
    /// A program without arguments.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            variables: Vec::new(),
            removed_variables: Vec::new(),
            folder: None,
            when_interrupted: WhenInterrupted::End,
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Takes variables out of its environment.
    #[must_use]
    pub fn without_env(mut self, names: &[OsString]) -> Self {
        self.removed_variables.extend_from_slice(names);
        self
    }

    /// Sets the folder that it runs in.
    #[must_use]
    pub fn folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Sets what becomes of it when the user stops us.
    #[must_use]
    pub fn when_interrupted(mut self, choice: WhenInterrupted) -> Self {
        self.when_interrupted = choice;
        self
    }

    /// The command line, to be read.
    pub fn to_line(&self) -> String {
        let words = std::iter::once(&self.program).chain(&self.arguments);
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    /// The program as tokio runs it: in a process group of its own, so that it and its children can be ended together.
    pub(super) fn command(&self) -> Command {
        let mut command = self.command_in_our_group();
        command.process_group(0);
        command
    }

    /// The program in our own process group; never with our standard input.
    pub(super) fn command_in_our_group(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).envs(self.variables.iter().cloned()).stdin(Stdio::null());
        for name in &self.removed_variables {
            command.env_remove(name);
        }
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_reads_as_its_command_line() {
        let tool = Tool::new("apt-get").arg("install").args(["--yes", "docker.io"]);
        assert_eq!(tool.to_line(), "apt-get install --yes docker.io");
    }
}
