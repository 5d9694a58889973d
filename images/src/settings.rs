//! What programs of a build see of this process' environment. Nothing here is looked at: it is handed on.

use std::{env, ffi::OsString};

/// What programs see of this process' environment: where things lie, and how the network is reached. Everything else of it is
/// kept from them, so that no setting of whoever calls decides what is built.
pub(crate) const INHERITED: [&str; 24] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "GOPATH",
    "GOMODCACHE",
    "GOCACHE",
    "GOPROXY",
    "GONOPROXY",
    "GOAUTH",
    "NETRC",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// Those of them that are set.
#[expect(clippy::disallowed_methods, reason = "this is the settings module")]
pub(crate) fn inherited() -> impl Iterator<Item = (&'static str, OsString)> {
    INHERITED.into_iter().filter_map(|name| Some((name, env::var_os(name)?)))
}
