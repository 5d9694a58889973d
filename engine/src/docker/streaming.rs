//! Commands in running containers whose streams pass through as they come, with a terminal where one is wanted.

use bollard::{
    Docker,
    container::LogOutput,
    exec::{CreateExecOptions, ResizeExecOptions, StartExecOptions, StartExecResults},
};
use futures::{Stream, StreamExt as _};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    sync::watch,
};

use super::{
    exec::{ACTION, exit_code},
    request::{send, translate},
};
use crate::{Command, EngineError, Streams, TerminalSize};

/// How much is read from standard input at once.
const PART: usize = 32 * 1024;

/// Runs the command to its end, which may be never: the caller decides how long.
pub(super) async fn run(
    docker: &Docker,
    container: &str,
    command: &Command,
    streams: Streams<'_>,
) -> Result<i64, EngineError> {
    let Streams { mut stdin, stdout, stderr, mut terminal } = streams;
    let tty = terminal.is_some();
    let options = CreateExecOptions {
        attach_stdin: Some(stdin.is_some()),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(tty),
        env: Some(command.environment.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        cmd: Some(command.argv.clone()),
        ..CreateExecOptions::default()
    };
    let exec = send(ACTION, container, docker.create_exec(container, options)).await?.id;
    let start = StartExecOptions { detach: false, tty, output_capacity: None };
    let StartExecResults::Attached { output, mut input } =
        send(ACTION, container, docker.start_exec(&exec, Some(start))).await?
    else {
        unreachable!("the command was started attached");
    };
    let aside = async {
        let feed = async {
            match stdin.as_deref_mut() {
                Some(stdin) => feed(stdin, &mut input).await,
                None => Ok(()),
            }
        };
        let resize = async {
            if let Some(sizes) = &mut terminal {
                follow(docker, &exec, sizes).await;
            }
        };
        tokio::join!(feed, resize).0
    };
    let pass = pass(container, output, stdout, stderr);
    tokio::pin!(aside, pass);
    // The end of the output is the end of the command; what it has not read by then nobody wants.
    tokio::select! {
        passed = &mut pass => passed?,
        fed = &mut aside => {
            fed?;
            pass.await?;
        }
    }
    exit_code(docker, &exec, container, command).await
}

/// Sends what is read, then the end of it. A command that does not read any more closes the pipe, which is no error.
async fn feed(
    stdin: &mut (dyn AsyncRead + Send + Unpin),
    input: &mut (impl AsyncWrite + Unpin),
) -> Result<(), EngineError> {
    let mut part = vec![0; PART];
    loop {
        let count = stdin.read(&mut part).await.map_err(|source| stream_error("read", "standard input", source))?;
        if count == 0 || input.write_all(&part[..count]).await.is_err() || input.flush().await.is_err() {
            break;
        }
    }
    input.shutdown().await.ok();
    Ok(())
}

/// Gives the terminal its size, now and whenever it changes. A command that ended meanwhile needs none.
async fn follow(docker: &Docker, exec: &str, sizes: &mut watch::Receiver<TerminalSize>) {
    loop {
        let TerminalSize { rows, columns } = *sizes.borrow_and_update();
        let size = ResizeExecOptions { height: rows, width: columns };
        if let Err(error) = docker.resize_exec(exec, size).await {
            tracing::debug!("resize the terminal of a command: {error}");
        }
        if sizes.changed().await.is_err() {
            return;
        }
    }
}

async fn pass<'a>(
    container: &str,
    mut output: impl Stream<Item = Result<LogOutput, bollard::errors::Error>> + Unpin,
    stdout: &'a mut (dyn AsyncWrite + Send + Unpin),
    stderr: &'a mut (dyn AsyncWrite + Send + Unpin),
) -> Result<(), EngineError> {
    while let Some(part) = output.next().await {
        let (name, stream, bytes) = match part.map_err(|error| translate(ACTION, container, error))? {
            LogOutput::StdErr { message } => ("standard error", &mut *stderr, message),
            other => ("standard output", &mut *stdout, other.into_bytes()),
        };
        let written = async {
            stream.write_all(&bytes).await?;
            stream.flush().await
        };
        written.await.map_err(|source| stream_error("write", name, source))?;
    }
    Ok(())
}

fn stream_error(action: &'static str, name: &str, source: std::io::Error) -> EngineError {
    EngineError::File { action, path: name.into(), source }
}
