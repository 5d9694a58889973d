//! The forms in which an engine's address is written.

use std::path::PathBuf;

/// Docker's ports, without and with TLS.
const PORT: u16 = 2375;
const TLS_PORT: u16 = 2376;

/// What is connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A socket of this machine.
    Unix(PathBuf),
    /// A port of a machine.
    Tcp { host: String, port: u16 },
    /// The engine that a machine's own client finds, or the one at that socket of it.
    Ssh { user: Option<String>, host: String, port: Option<u16>, socket: Option<String> },
}

/// Whether it is reached over TCP.
pub(super) fn is_tcp(text: &str) -> bool {
    match text.split_once("://") {
        Some((scheme, _)) => matches!(scheme, "tcp" | "http" | "https"),
        None => !text.starts_with('/'),
    }
}

/// Whether the address itself asks for TLS.
pub(super) fn is_https(text: &str) -> bool {
    text.starts_with("https://")
}

/// The address in parts; without a scheme, a path is a socket and anything else a host with its port, as `docker -H`
/// takes it.
pub(super) fn target(text: &str, tls: bool) -> Result<Target, String> {
    let (scheme, rest) = match text.split_once("://") {
        Some(parts) => parts,
        None if text.starts_with('/') => ("unix", text),
        None => ("tcp", text),
    };
    match scheme {
        "unix" if rest.starts_with('/') => Ok(Target::Unix(PathBuf::from(rest))),
        "unix" => Err("a socket has an absolute path, as in unix:///var/run/docker.sock".to_owned()),
        "tcp" | "http" | "https" => {
            let (host, port) = host_and_port(rest.trim_end_matches('/'))?;
            let host = if host.is_empty() { "127.0.0.1".to_owned() } else { host };
            Ok(Target::Tcp { host, port: port.unwrap_or(if tls { TLS_PORT } else { PORT }) })
        }
        "ssh" => ssh(rest),
        "npipe" => {
            Err("named pipes (npipe://) are Windows', where this program does not run; inside WSL the engine is at \
                        unix:///var/run/docker.sock"
                .to_owned())
        }
        "fd" => Err("fd:// is how an engine is told where to listen; clients use unix://, tcp:// or ssh://".to_owned()),
        other => Err(format!("the scheme {other}:// is not known; unix://, tcp:// and ssh:// are")),
    }
}

fn ssh(rest: &str) -> Result<Target, String> {
    let (authority, path) = rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    if user.is_some_and(|user| user.contains(':')) {
        return Err("ssh takes no password in an address; use a key".to_owned());
    }
    let (host, port) = host_and_port(host)?;
    if host.is_empty() {
        return Err("an address for ssh names a host, as in ssh://user@host".to_owned());
    }
    // The other machine's shell reads it.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    let socket = path.filter(|path| !path.is_empty()).map(|path| format!("/{path}"));
    if socket.as_deref().is_some_and(|path| !path.bytes().all(plain)) {
        return Err("the socket's path may have letters, digits and the characters / . _ -".to_owned());
    }
    Ok(Target::Ssh { user: user.filter(|user| !user.is_empty()).map(str::to_owned), host, port, socket })
}

/// A host and its port, both of which may be left out; an IPv6 address is in brackets.
fn host_and_port(text: &str) -> Result<(String, Option<u16>), String> {
    let wrong = || format!("{text:?} is no host with a port, such as builder:{PORT} or [::1]:{PORT}");
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or_else(wrong)?;
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':').ok_or_else(wrong)?) })
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    if host.chars().any(|c| c.is_whitespace() || "/?#@".contains(c)) || (host.contains(':') && !text.starts_with('[')) {
        return Err(wrong());
    }
    let port = port.map(|port| port.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(wrong)).transpose()?;
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Target {
        Target::Tcp { host: host.to_owned(), port }
    }

    #[test]
    fn every_form_that_dockers_client_takes_is_read() {
        let read = |text: &str| target(text, false).unwrap();
        assert_eq!(read("unix:///var/run/docker.sock"), Target::Unix("/var/run/docker.sock".into()));
        assert_eq!(read("/var/run/docker.sock"), Target::Unix("/var/run/docker.sock".into()));
        assert_eq!(read("127.0.0.1:2375"), tcp("127.0.0.1", 2375));
        assert_eq!(read("tcp://docker:2375/"), tcp("docker", 2375));
        assert_eq!(read("tcp://docker"), tcp("docker", 2375));
        assert_eq!(target("tcp://docker", true).unwrap(), tcp("docker", 2376));
        assert_eq!(read("https://[::1]:2376"), tcp("::1", 2376));
        assert_eq!(read("http://:4243"), tcp("127.0.0.1", 4243));
        let ssh = |user: Option<&str>, port, socket: Option<&str>| Target::Ssh {
            user: user.map(str::to_owned),
            host: "builder".to_owned(),
            port,
            socket: socket.map(str::to_owned),
        };
        assert_eq!(read("ssh://builder"), ssh(None, None, None));
        assert_eq!(read("ssh://ci@builder:2222"), ssh(Some("ci"), Some(2222), None));
        assert_eq!(read("ssh://ci@builder/run/x.sock"), ssh(Some("ci"), None, Some("/run/x.sock")));
    }

    #[test]
    fn what_cannot_work_is_refused_with_its_cause() {
        for (text, part) in [
            ("npipe:////./pipe/docker_engine", "Windows"),
            ("fd://", "unix://"),
            ("ftp://a", "ftp:// is not known"),
            ("unix://relative", "absolute path"),
            ("tcp://a:b", "no host with a port"),
            ("tcp://a:0", "no host with a port"),
            ("tcp://a:99999", "no host with a port"),
            ("tcp://::1:2375", "no host with a port"),
            ("tcp://a:1/prefix", "no host with a port"),
            ("ssh://", "names a host"),
            ("ssh://a:secret@b", "no password"),
            ("ssh://a/x;reboot", "letters, digits"),
        ] {
            let reason = target(text, false).unwrap_err();
            assert!(reason.contains(part), "{text}: {reason}");
        }
    }
}
