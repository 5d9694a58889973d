//! The load balancer's files: nginx' configuration, the list of API servers, and the script that keeps nginx' list to
//! those that answer. They need nginx and what every Debian has, so that upstream's image will do.

use std::net::{IpAddr, SocketAddr};

use kind_engine::NodeFile;

use crate::spec::{IpFamily, LOAD_BALANCER_PORT, NodeName};

/// Where the files lie in the load balancer's container.
pub const LOAD_BALANCER_FOLDER: &str = "/kind/load-balancer";

const SCRIPT: &str = include_str!("load_balancer.sh");
const ADDRESS: &str = include_str!("load_balancer.pl");
/// Where nginx tells the script, and nobody else, whether an API server is ready.
const READY_PORT: u16 = 6480;

/// All files for these control planes.
pub fn load_balancer_files(family: IpFamily, control_planes: &[(&NodeName, IpAddr)], authority: &str) -> Vec<NodeFile> {
    let file = |name: &str, content: String| NodeFile::public(format!("{LOAD_BALANCER_FOLDER}/{name}"), content);
    let servers = || control_planes.iter().map(|(name, address)| (name, SocketAddr::new(*address, LOAD_BALANCER_PORT)));
    let by_name: Vec<String> = servers().map(|(name, server)| format!("        {name} {server};")).collect();
    let backends: Vec<String> = servers().map(|(_, server)| server.to_string()).collect();
    let ready: Vec<String> = backends.iter().map(|server| ready(server)).collect();
    vec![
        file("nginx.conf", nginx(family, &by_name.join("\n"), &ready.concat())),
        file("backends", backends.join("\n") + "\n"),
        file("authority.crt", authority.to_owned()),
        NodeFile::executable(format!("{LOAD_BALANCER_FOLDER}/run"), SCRIPT),
        file("address.pl", ADDRESS.to_owned()),
    ]
}

/// Where the script asks nginx whether an API server is ready.
fn ready(server: &str) -> String {
    format!("        location = /{server} {{\n            proxy_pass https://{server}/readyz;\n        }}\n")
}

/// The proxy passes TCP on untouched, so that client certificates reach the API server.
fn nginx(family: IpFamily, by_name: &str, ready: &str) -> String {
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
# Each time an API server comes or goes, the old worker stays for the connections that it has: not for ever.
worker_shutdown_timeout 10m;
error_log stderr error;

events {{
    worker_connections 8192;
}}

stream {{
    upstream api_servers {{
        # One lost connection attempt sets a server aside for two seconds; another one is asked at once.
        include {LOAD_BALANCER_FOLDER}/servers.conf;
    }}
    # Who asks for a control plane by its name, in TLS' first message, gets that one.
    map_hash_bucket_size 128;
    map $ssl_preread_server_name $server {{
        default api_servers;
{by_name}
    }}
    server {{
        listen {listen} so_keepalive=on backlog=1024;
        ssl_preread on;
        proxy_pass $server;
        proxy_connect_timeout 1s;
        proxy_next_upstream on;
        proxy_next_upstream_timeout 5s;
        # Watches are idle for long; clients ping every 30 s.
        proxy_timeout 10m;
        proxy_socket_keepalive on;
    }}
}}

# Whether an API server is ready, for `run`, which cannot speak TLS.
http {{
    access_log off;
    # That a server is not ready is no news here.
    error_log /dev/null emerg;
    server {{
        listen 127.0.0.1:{READY_PORT};
        proxy_connect_timeout 2s;
        proxy_read_timeout 2s;
        proxy_ssl_trusted_certificate {LOAD_BALANCER_FOLDER}/authority.crt;
        proxy_ssl_verify on;
        proxy_ssl_verify_depth 2;
        # A name that every API server's certificate has.
        proxy_ssl_name kubernetes.default.svc;
{ready}    }}
}}
"
    )
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::spec::{ClusterName, Role};

    #[test]
    fn golden() {
        let name = ClusterName::new("two").unwrap();
        let names = [0, 1].map(|index| name.node(Role::ControlPlane, index));
        let servers = [(&names[0], [100, 64, 7, 11].into()), (&names[1], [100, 64, 7, 12].into())];
        let files = load_balancer_files(IpFamily::Ipv4, &servers, "authority");
        let mut text = String::new();
        for file in &files {
            let content = String::from_utf8_lossy(&file.content);
            write!(text, "=== {} {:o}\n{content}", file.path, file.mode).unwrap();
        }
        kind_testkit::assert_golden("tests/golden/load-balancer.txt", &text);
    }

    #[test]
    fn with_ipv6_it_listens_to_both_families_and_addresses_are_in_brackets() {
        let name = ClusterName::new("six").unwrap().node(Role::ControlPlane, 0);
        let files = load_balancer_files(IpFamily::Ipv6, &[(&name, "fd00::11".parse().unwrap())], "authority");
        let text = |index: usize| String::from_utf8_lossy(&files[index].content).into_owned();
        assert!(text(0).contains("listen [::]:6443 ipv6only=off so_keepalive=on"), "{}", text(0));
        assert!(text(0).contains("        six-control-plane [fd00::11]:6443;\n"), "{}", text(0));
        assert_eq!(text(1), "[fd00::11]:6443\n");
    }
}
