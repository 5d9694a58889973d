//! Connections through a machine's ssh, as Docker's own client makes them: `ssh HOST docker system dial-stdio` passes its
//! streams to the engine there. Keys, names and jumps are the user's ssh's business.

use std::{
    io,
    pin::Pin,
    process::Stdio,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
};

use crate::FoundBy;

/// How many connections may be in the making: an ssh server refuses from the eleventh on (`MaxStartups`).
const AT_ONCE: usize = 6;
/// How much of what ssh says is kept for an error.
const SAID: u64 = 4096;

/// A machine whose engine is used.
pub(super) struct Ssh {
    arguments: Vec<String>,
    starts: Arc<Semaphore>,
}

impl Ssh {
    pub(super) fn new(
        found_by: &FoundBy,
        user: Option<String>,
        host: String,
        port: Option<u16>,
        socket: Option<String>,
    ) -> Self {
        // No terminal, and nobody to answer a question: a keeper has neither.
        let mut arguments = ["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20"].map(str::to_owned).to_vec();
        arguments.extend(user.into_iter().flat_map(|user| ["-l".to_owned(), user]));
        arguments.extend(port.into_iter().flat_map(|port| ["-p".to_owned(), port.to_string()]));
        arguments.extend(["--".to_owned(), host]);
        let (program, at) = match found_by {
            FoundBy::ContainerHost => ("podman", "--url"),
            _ => ("docker", "--host"),
        };
        arguments.push(program.to_owned());
        arguments.extend(socket.into_iter().flat_map(|path| [at.to_owned(), format!("unix://{path}")]));
        arguments.extend(["system", "dial-stdio"].map(str::to_owned));
        Self { arguments, starts: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    pub(super) async fn connect(&self) -> io::Result<SshStream> {
        let permit = Arc::clone(&self.starts).acquire_owned().await.map_err(io::Error::other)?;
        let mut child = Command::new("ssh")
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A Ctrl-C at the terminal is for the program, which still has to clean up through this.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("start `ssh`: {error}")))?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other("start `ssh`: it has no streams"));
        };
        let said = tokio::spawn(said(stderr));
        Ok(SshStream { _child: child, stdin: Some(stdin), stdout, state: State::Starting { said, _permit: permit } })
    }
}

async fn said(mut stderr: ChildStderr) -> String {
    let mut text = Vec::new();
    // What cannot be read is not told.
    let _ = (&mut stderr).take(SAID).read_to_end(&mut text).await;
    // The rest is read, so that ssh does not wait for it.
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&text).trim().to_owned()
}

/// The streams of one `ssh`, which ends with them.
pub(super) struct SshStream {
    _child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    state: State,
}

enum State {
    /// Nothing came yet. What ssh says on its standard error explains an end at this point.
    Starting { said: JoinHandle<String>, _permit: OwnedSemaphorePermit },
    /// The engine answered.
    Open,
}

impl AsyncRead for SshStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stdout).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.state = State::Open;
        } else if let State::Starting { said, .. } = &mut self.state {
            let text = ready!(Pin::new(said).poll(cx)).unwrap_or_default();
            self.state = State::Open;
            let text = if text.is_empty() { "`ssh` ended without a word" } else { &text };
            return Poll::Ready(Err(io::Error::other(text.to_owned())));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for SshStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Some(stdin) = &mut self.stdin else { return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())) };
        match ready!(Pin::new(stdin).poll_write(cx, bytes)) {
            // That it ended is better told by what it said, which reading tells.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe && matches!(self.state, State::Starting { .. }) => {
                Poll::Ready(Ok(bytes.len()))
            }
            written => Poll::Ready(written),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stdin {
            Some(stdin) => Pin::new(stdin).poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        // A pipe's end is its closing.
        self.stdin = None;
        Poll::Ready(Ok(()))
    }
}
