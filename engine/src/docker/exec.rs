//! Commands in running containers.

use std::path::Path;

use bollard::{
    Docker,
    container::LogOutput,
    exec::{CreateExecOptions, StartExecOptions, StartExecResults},
};
use futures::StreamExt as _;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    sync::Semaphore,
};

use super::request::{send, translate};
use crate::{Command, EngineError, ExecOutput};

pub(super) const ACTION: &str = "run a command in";

/// What a command reads.
pub(super) enum Input<'a> {
    /// These bytes, or nothing.
    Bytes(Option<&'a [u8]>),
    /// A file of this machine.
    File(&'a Path),
}

/// Runs the command to its end. There is no time limit here: the step that runs it has one.
pub(super) async fn run(
    docker: &Docker,
    starts: &Semaphore,
    container: &str,
    command: &Command,
    input: Input<'_>,
) -> Result<ExecOutput, EngineError> {
    let reads = !matches!(input, Input::Bytes(None));
    let options = CreateExecOptions {
        attach_stdin: Some(reads),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        env: Some(command.environment.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        cmd: Some(command.argv.clone()),
        ..CreateExecOptions::default()
    };
    // Until it runs, and no longer: some commands run for minutes.
    let permit = starts.acquire().await;
    let exec = send(ACTION, container, docker.create_exec(container, options)).await?.id;
    let start = StartExecOptions { detach: false, tty: false, output_capacity: None };
    let StartExecResults::Attached { mut output, input: mut stdin } =
        send(ACTION, container, docker.start_exec(&exec, Some(start))).await?
    else {
        unreachable!("the command was started attached");
    };
    drop(permit);

    let mut result =
        ExecOutput { container: container.to_owned(), argv: command.argv.clone(), ..ExecOutput::default() };
    let feed = async move {
        let fed = feed(&mut stdin, input).await;
        // A reader waits for the end of its input. A command that ends early closes the pipe: its exit code says why.
        stdin.shutdown().await.ok();
        fed
    };
    let drain = async {
        while let Some(part) = output.next().await {
            match part {
                Ok(LogOutput::StdErr { message }) => result.stderr.extend_from_slice(&message),
                Ok(other) => result.stdout.extend_from_slice(&other.into_bytes()),
                Err(error) => return Err(translate(ACTION, container, error)),
            }
        }
        Ok(())
    };
    let (sent, received) = tokio::join!(feed, drain);
    received?;
    result.exit_code = exit_code(docker, &exec, container, command).await?;
    if result.exit_code == 0 {
        sent?;
    }
    Ok(result)
}

/// How a command ended.
pub(super) async fn exit_code(
    docker: &Docker,
    exec: &str,
    container: &str,
    command: &Command,
) -> Result<i64, EngineError> {
    let state = send(ACTION, container, docker.inspect_exec(exec)).await?;
    // A missing code means that the engine lost the command, with its container.
    state.exit_code.ok_or_else(|| EngineError::Refused {
        action: ACTION,
        object: container.to_owned(),
        status: 500,
        message: format!("`{}` ended without an exit code; was the container killed?", command.argv.join(" ")),
    })
}

async fn feed(stdin: &mut (impl AsyncWrite + Unpin), input: Input<'_>) -> Result<(), EngineError> {
    let file_error = |path: &Path, source| EngineError::File { action: "send", path: path.to_owned(), source };
    match input {
        Input::Bytes(None) => Ok(()),
        Input::Bytes(Some(bytes)) => {
            stdin.write_all(bytes).await.map_err(|source| file_error(Path::new("standard input"), source))
        }
        Input::File(path) => {
            let mut file = tokio::fs::File::open(path).await.map_err(|source| file_error(path, source))?;
            tokio::io::copy(&mut file, stdin).await.map_err(|source| file_error(path, source))?;
            Ok(())
        }
    }
}
