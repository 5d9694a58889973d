//! The way from this process to a cluster's API servers: the published address where it leads to them, else a tunnel.

use std::{error::Error, fs, io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use kind_engine::{ContainerFacts, Engine, EngineError};
use kube::Client;

use super::{
    ClusterError, ClusterRecord, NodeRecord,
    client::{client, client_config},
    tunnel::{self, Route},
};
use crate::{
    spec::{LABEL_ROLE, LOAD_BALANCER_PORT, ROLE_LOAD_BALANCER, Role},
    wait::{Check, until_every},
};

/// How long one try of the published address may take.
const TRY: Duration = Duration::from_secs(3);
/// How long an address that takes connections may be without an answer, while the cluster comes up.
const SETTLED: Duration = Duration::from_secs(15);
const EVERY: Duration = Duration::from_millis(250);

/// Where a published address leads.
#[derive(Debug, PartialEq, Eq)]
enum Leads {
    /// To the cluster.
    There,
    /// To nobody, or to somebody else.
    Elsewhere(String),
    /// It takes connections and does not answer: perhaps not yet.
    Unknown(String),
}

/// The place from which addresses are seen: this machine's run, and this process' network. `None` where it has no name.
pub(crate) fn here() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let network = fs::read_link(Path::new("/proc/self/ns/net")).ok()?;
    Some(format!("{}/{}", boot.trim(), network.display()))
}

/// Notes in the record of a cluster that just came up whether its published address is reached from here, so that other
/// processes of this place need not try. Without an answer each finds out for itself.
pub(crate) async fn note_reach(record: &mut ClusterRecord) {
    let kubeconfig = record.kubeconfig.clone();
    let tried =
        until_every(EVERY, "an answer of the published address", SETTLED, async || match leads(&kubeconfig).await {
            Leads::Unknown(why) => Check::not_yet(why),
            known => Check::Done(known),
        });
    match tried.await {
        Ok(Leads::There) => record.reached_from = here(),
        Ok(Leads::Elsewhere(why) | Leads::Unknown(why)) => tracing::debug!("{} is not reached: {why}", record.server),
        Err(error) => tracing::debug!("{} is not reached: {error}", record.server),
    }
}

/// The administrator's kubeconfig as this process can use it.
///
/// # Errors
/// When the published address does not lead to the cluster and a tunnel cannot be had, because the engine does not answer
/// or this machine has no port.
pub(crate) async fn kubeconfig(
    record: &ClusterRecord,
    engine: impl AsyncFnOnce() -> Result<Arc<dyn Engine>, EngineError>,
) -> Result<String, ClusterError> {
    let is_known = record.reached_from.is_some() && record.reached_from == here();
    if is_known || is_reached(&record.kubeconfig).await {
        return Ok(record.kubeconfig.clone());
    }
    let engine = engine().await?;
    let key = format!("{}/{}", record.name, record.created);
    let address = tunnel::address(&key, route(record), engine).map_err(ClusterError::Tunnel)?;
    Ok(record.kubeconfig.replacen(&record.server, &format!("https://{address}"), 1))
}

/// A client that reaches the cluster from this process.
///
/// # Errors
/// When the engine does not answer, no way leads to the API, or the kubeconfig is not usable.
pub async fn client_of(record: &ClusterRecord, engine: &Arc<dyn Engine>) -> Result<Client, ClusterError> {
    let kubeconfig = kubeconfig(record, async || Ok(Arc::clone(engine))).await?;
    client(client_config(&kubeconfig).await?)
}

/// Through the load balancer's own container, which is there as long as the API is; an image without `socat` leaves it to
/// a control plane.
fn route(record: &ClusterRecord) -> Route {
    let control_planes = record.nodes.iter().filter(|node| node.role == Role::ControlPlane).map(NodeRecord::container);
    let containers: Vec<String> = record.load_balancer.iter().chain(control_planes).map(ToString::to_string).collect();
    let front = containers.first().cloned().unwrap_or_default();
    Route { containers, target: format!("{front}:{LOAD_BALANCER_PORT}") }
}

/// The address on this machine of a tunnel to the API of a cluster of which only the containers are known.
///
/// # Errors
/// When this machine has no port.
pub(crate) fn tunnel_to(containers: &[ContainerFacts], engine: Arc<dyn Engine>) -> Result<SocketAddr, ClusterError> {
    let of_role = |role: &str| {
        let role = role.to_owned();
        containers.iter().filter(move |one| one.labels.get(LABEL_ROLE) == Some(&role))
    };
    let through: Vec<&ContainerFacts> =
        of_role(ROLE_LOAD_BALANCER).chain(of_role(&Role::ControlPlane.to_string())).collect();
    let front = through.first().map(|one| one.name.as_str()).unwrap_or_default();
    let route = Route {
        containers: through.iter().map(|one| one.name.clone()).collect(),
        target: format!("{front}:{LOAD_BALANCER_PORT}"),
    };
    let key: Vec<&str> = through.iter().map(|one| one.id.as_str()).collect();
    tunnel::address(&key.join("/"), route, engine).map_err(ClusterError::Tunnel)
}

/// Whether the address in a kubeconfig of ours leads to its cluster from here.
pub(crate) async fn is_reached(kubeconfig: &str) -> bool {
    leads(kubeconfig).await == Leads::There
}

/// Asks the published address. Only the cluster's own authority makes an answer its own.
async fn leads(kubeconfig: &str) -> Leads {
    let asked = async {
        let client = client(client_config(kubeconfig).await?)?;
        Ok::<_, ClusterError>(client.apiserver_version().await)
    };
    match tokio::time::timeout(TRY, asked).await {
        Err(_) => Leads::Unknown(format!("no answer within {} s", TRY.as_secs())),
        Ok(Err(error)) => Leads::Elsewhere(error.to_string()),
        Ok(Ok(Ok(_) | Err(kube::Error::Api(_)))) => Leads::There,
        Ok(Ok(Err(error))) => judge(&error),
    }
}

/// A connection that ends early may be one to a load balancer without servers; anything else is an answer.
fn judge(error: &(dyn Error + 'static)) -> Leads {
    let text = crate::causes::chain(error);
    let kinds = std::iter::successors(Some(error), |&error| {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source())
    });
    let kinds: Vec<io::ErrorKind> =
        kinds.filter_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind).collect();
    let ended = [
        io::ErrorKind::UnexpectedEof,
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::BrokenPipe,
    ];
    if kinds.iter().any(|kind| ended.contains(kind)) { Leads::Unknown(text) } else { Leads::Elsewhere(text) }
}

#[cfg(test)]
mod tests {
    use kind_engine::{FakeEngine, Outcome};
    use tokio::net::TcpListener;

    use super::*;
    use crate::fake_api::record;

    /// A record whose API is published there.
    fn at(port: u16) -> ClusterRecord {
        let plain = record();
        let server = format!("https://127.0.0.1:{port}");
        // Only the server is of interest.
        let kubeconfig = plain.kubeconfig.replace(&plain.server, &server);
        ClusterRecord { server, kubeconfig, reached_from: None, ..plain }
    }

    async fn server_of(record: &ClusterRecord) -> String {
        let engine: Arc<dyn Engine> = Arc::new(FakeEngine::default());
        let text = kubeconfig(record, async || Ok(engine)).await.unwrap();
        client_config(&text).await.unwrap().cluster_url.to_string().trim_end_matches('/').to_owned()
    }

    #[tokio::test]
    async fn an_address_that_leads_nowhere_gives_way_to_a_tunnel() {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let record = at(port);
        let server = server_of(&record).await;
        assert!(server.starts_with("https://127.0.0.1:") && server != record.server, "{server}");
        assert_eq!(server_of(&record).await, server, "the tunnel is there already");
    }

    #[tokio::test]
    async fn an_address_that_was_reached_from_here_is_not_tried_again() {
        let mut record = at(1);
        record.reached_from = here();
        assert_eq!(server_of(&record).await, record.server);
        // Another boot or another network.
        record.reached_from = Some("elsewhere".to_owned());
        assert_ne!(server_of(&record).await, record.server);
    }

    #[tokio::test]
    async fn a_listener_that_is_not_the_clusters_is_somebody_else() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let record = at(listener.local_addr().unwrap().port());
        let answer = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"SSH-2.0-other\r\n").await.unwrap();
            stream
        };
        let (leads, _stream) = tokio::join!(leads(&record.kubeconfig), answer);
        assert!(matches!(leads, Leads::Elsewhere(_)), "{leads:?}");
        let hang_up = async { drop(listener.accept().await.unwrap()) };
        let (leads, ()) = tokio::join!(super::leads(&record.kubeconfig), hang_up);
        assert!(matches!(leads, Leads::Unknown(_)), "{leads:?}");
    }

    #[tokio::test]
    async fn of_containers_alone_the_load_balancer_is_the_way() {
        let engine = Arc::new(FakeEngine::default());
        engine.when("exec a-lb socat - TCP:a-lb:6443", Outcome::Print("hello".to_owned()));
        let container = |name: &str, role: &str| ContainerFacts {
            id: format!("id of {name}"),
            name: name.to_owned(),
            labels: [(LABEL_ROLE.to_owned(), role.to_owned())].into(),
            ..ContainerFacts::default()
        };
        let containers = [
            container("a-worker", "worker"),
            container("a-control-plane", "control-plane"),
            container("a-lb", ROLE_LOAD_BALANCER),
        ];
        let address = tunnel_to(&containers, engine.clone()).unwrap();
        assert_eq!(tunnel_to(&containers, engine).unwrap(), address, "the tunnel is there already");
        let mut answer = String::new();
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        tokio::io::AsyncWriteExt::shutdown(&mut stream).await.unwrap();
        tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut answer).await.unwrap();
        assert_eq!(answer, "hello");
    }

    #[test]
    fn the_way_goes_through_the_load_balancer_first() {
        let mut record = record();
        record.load_balancer = Some(record.name.load_balancer());
        let route = route(&record);
        assert_eq!(route.target, format!("{}:6443", record.name.load_balancer()));
        assert_eq!(route.containers[0], record.name.load_balancer().as_str());
    }
}
