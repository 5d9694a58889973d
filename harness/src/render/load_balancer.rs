//! The load balancer's files: nginx' configuration, the list of API servers, and the script that keeps nginx' list to
//! those that answer.

use std::net::Ipv4Addr;

use kind_engine::NodeFile;

use crate::spec::LOAD_BALANCER_PORT;

/// Where the files lie in the load balancer's container.
pub const LOAD_BALANCER_FOLDER: &str = "/kind/load-balancer";

const SCRIPT: &str = include_str!("load_balancer.sh");

/// All files for these control planes.
pub fn load_balancer_files(control_planes: &[Ipv4Addr], authority: &str) -> Vec<NodeFile> {
    let file = |name: &str, content: String| NodeFile::public(format!("{LOAD_BALANCER_FOLDER}/{name}"), content);
    let backends = control_planes.iter().map(|address| format!("{address}:{LOAD_BALANCER_PORT}\n"));
    vec![
        file("nginx.conf", nginx()),
        file("backends", backends.collect()),
        file("authority.crt", authority.to_owned()),
        NodeFile::executable(format!("{LOAD_BALANCER_FOLDER}/run"), SCRIPT),
    ]
}

/// The proxy passes TCP on untouched, so that client certificates reach the API server.
fn nginx() -> String {
    format!(
        "# Written by kind-rs. `servers.conf` is rewritten by `run` whenever an API server comes or goes.
include /etc/nginx/modules-enabled/*.conf;
worker_processes 1;
daemon off;
pid /run/nginx-load-balancer.pid;
error_log stderr error;

events {{
    worker_connections 8192;
}}

stream {{
    upstream api_servers {{
        # One lost connection attempt sets a server aside for two seconds; another one is asked at once.
        include {LOAD_BALANCER_FOLDER}/servers.conf;
    }}
    server {{
        listen {LOAD_BALANCER_PORT} so_keepalive=on backlog=1024;
        proxy_pass api_servers;
        proxy_connect_timeout 1s;
        proxy_next_upstream on;
        proxy_next_upstream_timeout 5s;
        # Watches are idle for long; clients ping every 30 s.
        proxy_timeout 10m;
        proxy_socket_keepalive on;
    }}
}}
"
    )
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn golden() {
        let files = load_balancer_files(&[Ipv4Addr::new(100, 64, 7, 11), Ipv4Addr::new(100, 64, 7, 12)], "authority");
        let mut text = String::new();
        for file in &files {
            let content = String::from_utf8_lossy(&file.content);
            write!(text, "=== {} {:o}\n{content}", file.path, file.mode).unwrap();
        }
        kind_testkit::assert_golden("tests/golden/load-balancer.txt", &text);
    }
}
