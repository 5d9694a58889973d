//! The load balancer's files: nginx' configuration, the list of API servers, and the script that keeps nginx' list to
//! those that answer.

use std::net::{IpAddr, SocketAddr};

use kind_engine::NodeFile;

use crate::spec::{IpFamily, LOAD_BALANCER_PORT};

/// Where the files lie in the load balancer's container.
pub const LOAD_BALANCER_FOLDER: &str = "/kind/load-balancer";

const SCRIPT: &str = include_str!("load_balancer.sh");

/// All files for these control planes.
pub fn load_balancer_files(family: IpFamily, control_planes: &[IpAddr], authority: &str) -> Vec<NodeFile> {
    let file = |name: &str, content: String| NodeFile::public(format!("{LOAD_BALANCER_FOLDER}/{name}"), content);
    let backends = control_planes.iter().map(|address| format!("{}\n", SocketAddr::new(*address, LOAD_BALANCER_PORT)));
    vec![
        file("nginx.conf", nginx(family)),
        file("backends", backends.collect()),
        file("authority.crt", authority.to_owned()),
        NodeFile::executable(format!("{LOAD_BALANCER_FOLDER}/run"), SCRIPT),
    ]
}

/// The proxy passes TCP on untouched, so that client certificates reach the API server.
fn nginx(family: IpFamily) -> String {
    let listen = match family {
        IpFamily::Ipv4 => format!("{LOAD_BALANCER_PORT}"),
        // The engine publishes the port on whichever address it likes.
        IpFamily::Ipv6 | IpFamily::Dual => format!("[::]:{LOAD_BALANCER_PORT} ipv6only=off"),
    };
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
        listen {listen} so_keepalive=on backlog=1024;
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
        let files =
            load_balancer_files(IpFamily::Ipv4, &[[100, 64, 7, 11].into(), [100, 64, 7, 12].into()], "authority");
        let mut text = String::new();
        for file in &files {
            let content = String::from_utf8_lossy(&file.content);
            write!(text, "=== {} {:o}\n{content}", file.path, file.mode).unwrap();
        }
        kind_testkit::assert_golden("tests/golden/load-balancer.txt", &text);
    }

    #[test]
    fn with_ipv6_it_listens_to_both_families_and_addresses_are_in_brackets() {
        let files = load_balancer_files(IpFamily::Ipv6, &["fd00::11".parse().unwrap()], "authority");
        let text = |index: usize| String::from_utf8_lossy(&files[index].content).into_owned();
        assert!(text(0).contains("listen [::]:6443 ipv6only=off so_keepalive=on"), "{}", text(0));
        assert_eq!(text(1), "[fd00::11]:6443\n");
    }
}
