//! Fetching an archive, and knowing what it has to be before it is used.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use super::{Checksum, SourceError, checksum::Algorithm};
use crate::{BuildError, Step, cache::file, command::HostCommand, error::InStep as _, tools, workshop::Workshop};

const STEP: Step = Step::Kubernetes;
/// How curl ends where the server answers, and has nothing of that name.
const NO_SUCH_FILE: &str = "exit status: 22";

/// What the archive at an address has to be: as published beside it.
pub(super) async fn published_checksum(workshop: &Workshop<'_>, url: &str) -> Result<Checksum, BuildError> {
    if !is_trusted(url) {
        return Err(SourceError::Insecure { url: shown(url).to_owned() }).during(STEP);
    }
    let folder = ready(workshop, url).await?;
    for algorithm in Algorithm::ALL {
        let path = folder.join(algorithm.name());
        match download(workshop, &beside(url, algorithm), &path).await {
            Err(BuildError::Command { outcome, .. }) if outcome == NO_SUCH_FILE => continue,
            other => other?,
        }
        let text = fs::read_to_string(&path).map_err(file(STEP, "read", &path))?;
        return Checksum::of_text(algorithm, &text).during(STEP);
    }
    Err(SourceError::NoChecksum { url: shown(url).to_owned() }).during(STEP)
}

/// Fetches the archive, unless a killed build has, and fails where it is not what it has to be.
pub(super) async fn fetch(workshop: &Workshop<'_>, url: &str, checksum: &Checksum) -> Result<PathBuf, BuildError> {
    let path = ready(workshop, url).await?.join("archive.tar.gz");
    if path.exists() && checksum.verify(&path).is_ok() {
        return Ok(path);
    }
    download(workshop, url, &path).await?;
    if let Err(error) = checksum.verify(&path) {
        fs::remove_file(&path).map_err(file(STEP, "remove", &path))?;
        return Err(error).during(STEP);
    }
    Ok(path)
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
    // A query may hold a signature: the address stays out of the process list and the log.
    let settings = path.with_extension("curl");
    write_secret(&settings, &format!("url = \"{}\"\n", url.replace('\\', "\\\\").replace('"', "\\\"")))
        .map_err(file(STEP, "write", &settings))?;
    let later = if url.starts_with("https://") { "=https" } else { "=http,https" };
    workshop.progress.line(STEP, shown(url));
    let command = HostCommand::new("curl", workshop.cache.root())
        .args(["--fail", "--silent", "--show-error", "--location", "--netrc-optional", "--proto-redir", later])
        .args(["--retry", "3", "--connect-timeout", "30", "--speed-limit", "1", "--speed-time", "180", "--output"])
        .args([path.display().to_string(), "--config".to_owned(), settings.display().to_string()]);
    let outcome = workshop.run(STEP, &command).await;
    fs::remove_file(&settings).map_err(file(STEP, "remove", &settings))?;
    outcome.map(drop)
}

fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// The address of what is published beside an archive.
fn beside(url: &str, algorithm: Algorithm) -> String {
    let (path, query) = url.split_at(url.find(['?', '#']).unwrap_or(url.len()));
    format!("{path}.{}{query}", algorithm.name())
}

/// An address without what may be a secret.
fn shown(url: &str) -> &str {
    &url[..url.find(['?', '#']).unwrap_or(url.len())]
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

/// Whether there is a name or a password before the host.
fn has_credentials(url: &str) -> bool {
    host(url).contains('@')
}

/// Whether nobody on the way can change what is fetched.
fn is_trusted(url: &str) -> bool {
    let is_own = ["127.0.0.1", "localhost", "[::1]"].iter().any(|own| {
        let rest = host(url).strip_prefix(own);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    });
    url.starts_with("https://") || is_own
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
                let (status, content) = match fs::read(folder.join(&name)) {
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
        let put = |name: &str, content: &str| fs::write(published.path().join(name), content).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let options = BuildOptions::new(folder.path());
        let cache = Cache::open(&options, STEP, &Silent).await.unwrap();
        let host = Host::default();
        let workshop = Workshop::new(&options, cache, &host, &Silent);

        put("a.tar.gz", "whole");
        let error = published_checksum(&workshop, &url).await.unwrap_err();
        assert!(source(&error).contains("a.tar.gz.sha512 nor"), "{error}");

        put("a.tar.gz.sha256", &format!("{}  a.tar.gz\n", sha256(b"whole")));
        let checksum = published_checksum(&workshop, &url).await.unwrap();
        let path = fetch(&workshop, &url, &checksum).await.unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        // What a killed build fetched is not fetched again.
        put("a.tar.gz", "gone");
        fetch(&workshop, &url, &checksum).await.unwrap();
        fs::remove_file(&path).unwrap();

        for (content, what) in [("whole, and more", "tampered with"), ("who", "cut off")] {
            put("a.tar.gz", content);
            let error = fetch(&workshop, &url, &checksum).await.unwrap_err();
            assert!(source(&error).contains("fetch it again, from a place that can be trusted"), "{what}: {error}");
            assert!(!path.exists(), "what was {what} was kept");
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
    fn what_may_be_a_secret_is_not_shown_and_goes_to_the_checksum_too() {
        let url = "https://example.com/a.tar.gz?signature=secret";
        assert_eq!(shown(url), "https://example.com/a.tar.gz");
        assert_eq!(beside(url, Algorithm::Sha512), "https://example.com/a.tar.gz.sha512?signature=secret");
    }

    #[test]
    fn only_this_machine_is_trusted_without_encryption() {
        for url in ["https://example.com/a", "http://127.0.0.1:8080/a", "http://localhost/a", "http://[::1]:1/a"] {
            assert!(is_trusted(url), "{url}");
        }
        for url in ["http://example.com/a", "http://127.0.0.1.example.com/a", "http://localhost.example.com/a"] {
            assert!(!is_trusted(url), "{url}");
        }
    }

    #[test]
    fn credentials_are_found_where_they_are() {
        assert!(has_credentials("https://me:secret@example.com/a"));
        assert!(!has_credentials("https://example.com/a@b"));
        assert!(!has_credentials("https://example.com?a=b@c"));
    }
}
