//! Whether anybody on this machine is connected to a cluster's API, by the kernel's own list of connections.

use std::fs;

use super::{ClusterRecord, endpoint::here};

/// The kernel's lists, of this process' network.
const LISTS: [&str; 2] = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
/// What the lists call a connection that both sides have agreed to.
const ESTABLISHED: &str = "01";

/// Whether somebody is connected to the published port of the cluster: a person with `kubectl`, as well as a test. Nobody is seen who is
/// in another network than this process, or where that port is none of this machine.
pub fn is_connected(record: &ClusterRecord) -> bool {
    if record.reached_from.is_none() || record.reached_from != here() {
        return false;
    }
    let Some(port) = record.server.rsplit_once(':').and_then(|(_, port)| port.parse().ok()) else { return false };
    LISTS.iter().any(|list| fs::read_to_string(list).is_ok_and(|text| has_connection_to(&text, port)))
}

/// Whether a list has a connection whose other end is that port. Whoever serves it has it as its own end.
fn has_connection_to(list: &str, port: u16) -> bool {
    let port = format!("{port:04X}");
    list.lines().skip(1).any(|line| {
        let mut fields = line.split_whitespace().skip(2);
        let (other, state) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        state == ESTABLISHED && other.rsplit_once(':').is_some_and(|(_, at)| at == port)
    })
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;
    use crate::fake_api::record;

    #[test]
    fn who_is_connected_is_seen_until_it_hangs_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let record = ClusterRecord { server: format!("https://127.0.0.1:{port}"), reached_from: here(), ..record() };
        assert!(!is_connected(&record), "somebody only listens");
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        assert!(is_connected(&record));
        assert!(!is_connected(&ClusterRecord { reached_from: None, ..record.clone() }));
        drop(client);
        drop(listener.accept().unwrap());
        assert!(!is_connected(&record));
    }

    #[test]
    fn only_the_other_end_of_an_open_connection_counts() {
        let list = |line: &str| format!("  sl  local_address rem_address   st\n{line}\n");
        let line =
            |own: &str, other: &str, state: &str| list(&format!("   0: 0100007F:{own} 0100007F:{other} {state} 00"));
        assert!(has_connection_to(&line("1F90", "192B", "01"), 6443));
        assert!(!has_connection_to(&line("192B", "1F90", "01"), 6443));
        assert!(!has_connection_to(&line("1F90", "192B", "06"), 6443), "it is over");
        assert!(!has_connection_to("", 6443));
    }
}
