//! Runs the program from outside, without a container engine.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

/// An engine's socket that is not there: nothing that this test starts can reach an engine by accident.
pub(crate) const NO_ENGINE: &str = "unix:///nonexistent/engine.sock";

/// Runs the program in a folder that is also its home, with an environment of these variables alone.
pub(crate) fn run_in(home: &Path, arguments: &[&str], variables: &[(&str, &str)], stdin: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kind-rs"));
    command.args(arguments).current_dir(home).env_clear().env("HOME", home).env("DOCKER_HOST", NO_ENGINE);
    command.envs(variables.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that does not read its standard input may have ended by now.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
}

pub(crate) fn run(arguments: &[&str]) -> Output {
    run_in(tempfile::tempdir().unwrap().path(), arguments, &[], "")
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Ends with the code, prints no result, and says this.
#[track_caller]
pub(crate) fn assert_fails(output: &Output, code: i32, words: &[&str]) {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert_eq!(stdout(output), "");
    for words in words {
        assert!(text.contains(words), "expected {words:?} in\n{text}");
    }
}
