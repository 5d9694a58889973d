//! Fetching an archive, and knowing what it has to be before it is used.

use std::path::{Path, PathBuf};

use super::{Checksum, SourceError, checksum::Algorithm};
use crate::{BuildError, Step, command::HostCommand, error::InStep as _, tools, workshop::Workshop};

const STEP: Step = Step::Kubernetes;
/// How curl ends where the server answers, and has nothing of that name.
const NO_SUCH_FILE: &str = "exit status: 22";

/// What the archive at an address has to be: as published beside it.
pub(super) async fn published_checksum(workshop: &Workshop<'_>, url: &str) -> Result<Checksum, BuildError> {
    let folder = ready(workshop, url).await?;
    for algorithm in Algorithm::ALL {
        let path = folder.join(algorithm.name());
        match download(workshop, &format!("{url}.{}", algorithm.name()), &path).await {
            Err(BuildError::Command { outcome, .. }) if outcome == NO_SUCH_FILE => continue,
            other => other?,
        }
        let text = std::fs::read_to_string(&path).map_err(crate::cache::file(STEP, "read", &path))?;
        return Checksum::of_text(algorithm, &text).during(STEP);
    }
    Err(SourceError::NoChecksum { url: url.to_owned() }).during(STEP)
}

/// Fetches the archive, and fails unless it is what it has to be.
pub(super) async fn fetch(workshop: &Workshop<'_>, url: &str, checksum: &Checksum) -> Result<PathBuf, BuildError> {
    let path = ready(workshop, url).await?.join("archive.tar.gz");
    download(workshop, url, &path).await?;
    Ok(path).and_then(|path| checksum.verify(&path).map(|()| path)).during(STEP)
}

/// The folder that things are fetched to, once it is clear that they may be.
async fn ready(workshop: &Workshop<'_>, url: &str) -> Result<PathBuf, BuildError> {
    if has_credentials(url) {
        return Err(SourceError::Credentials).during(STEP);
    }
    workshop.may_fetch(STEP)?;
    tools::curl(workshop, STEP).await?;
    workshop.cache.work("download", STEP)
}

async fn download(workshop: &Workshop<'_>, url: &str, path: &Path) -> Result<(), BuildError> {
    let command = HostCommand::new("curl", workshop.cache.root())
        .args(["--fail", "--silent", "--show-error", "--location", "--netrc-optional", "--proto", "=http,https"])
        .args(["--retry", "3", "--connect-timeout", "30", "--output"])
        .args([path.display().to_string(), url.to_owned()]);
    workshop.run(STEP, &command).await.map(drop)
}

/// Whether there is a name or a password before the host.
fn has_credentials(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    host.split(['/', '?', '#']).next().is_some_and(|host| host.contains('@'))
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;
    use crate::{BuildOptions, Silent, cache::Cache, command::Host, digest::sha256};

    /// Answers every request with the file of that name in the folder, until the test ends.
    async fn serve(folder: PathBuf) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 4096];
                let read = stream.read(&mut request).await.unwrap_or_default();
                let request = String::from_utf8_lossy(&request[..read]).into_owned();
                let name = request.split_whitespace().nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
                let (status, content) = match std::fs::read(folder.join(&name)) {
                    Ok(content) => ("200 OK", content),
                    Err(_) => ("404 Not Found", b"no such file".to_vec()),
                };
                let head =
                    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", content.len());
                let _ = stream.write_all(&[head.as_bytes(), &content].concat()).await;
            }
        });
        format!("http://{address}/a.tar.gz")
    }

    #[tokio::test]
    async fn an_archive_is_only_used_where_it_is_what_is_published_beside_it() {
        let published = tempfile::tempdir().unwrap();
        let url = serve(published.path().to_owned()).await;
        let put = |name: &str, content: &str| std::fs::write(published.path().join(name), content).unwrap();
        let (cache, options) = (tempfile::tempdir().unwrap(), BuildOptions::new("/nonexistent"));
        let cache = Cache::open(cache.path(), STEP).await.unwrap();
        let workshop = Workshop { options: &options, cache, runner: &Host, progress: &Silent };

        put("a.tar.gz", "whole");
        let error = published_checksum(&workshop, &url).await.unwrap_err();
        assert!(source(&error).contains("a.tar.gz.sha512 nor"), "{error}");

        put("a.tar.gz.sha256", &format!("{}  a.tar.gz\n", sha256(b"whole")));
        let checksum = published_checksum(&workshop, &url).await.unwrap();
        let path = fetch(&workshop, &url, &checksum).await.unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "whole");

        for (content, what) in [("whole, and more", "tampered with"), ("who", "cut off")] {
            put("a.tar.gz", content);
            let error = fetch(&workshop, &url, &checksum).await.unwrap_err();
            assert!(source(&error).contains("fetch it again, from a place that can be trusted"), "{what}: {error}");
        }
        let nobody = "http://127.0.0.1:1/a.tar.gz";
        let error = published_checksum(&workshop, nobody).await.unwrap_err();
        assert!(matches!(error, BuildError::Command { .. }), "nobody answers, which is another matter: {error}");
        let offline = BuildOptions { offline: true, ..options.clone() };
        let workshop = Workshop { options: &offline, ..workshop };
        assert!(matches!(fetch(&workshop, &url, &checksum).await, Err(BuildError::Offline { .. })));
    }

    fn source(error: &BuildError) -> String {
        std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()
    }

    #[test]
    fn credentials_are_found_where_they_are() {
        assert!(has_credentials("https://me:secret@example.com/a"));
        assert!(!has_credentials("https://example.com/a@b"));
        assert!(!has_credentials("https://example.com?a=b@c"));
    }
}
