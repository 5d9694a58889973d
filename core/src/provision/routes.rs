//! Where this machine sends packets: the routes of all its tables and both families, as the kernel tells them.

use std::{fs, io, net::IpAddr, path::Path};

use ipnet::IpNet;
use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::{
    RouteNetlinkMessage,
    route::{RouteAddress, RouteAttribute, RouteMessage},
};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

/// A route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Where it leads.
    pub(crate) to: IpNet,
    /// The interface that it leaves by, where it is by one.
    pub(crate) device: Option<String>,
}

/// Every route with a destination: a default route has none.
///
/// # Errors
/// When the kernel does not say.
pub(crate) fn routes() -> io::Result<Vec<Route>> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    socket.send(&request(), 0)?;
    let devices = devices();
    let mut routes = Vec::new();
    loop {
        let (datagram, _) = socket.recv_from_full()?;
        let mut rest = datagram.as_slice();
        while !rest.is_empty() {
            let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            match message.payload {
                NetlinkPayload::Done(_) => return Ok(routes),
                NetlinkPayload::Error(error) => return Err(error.to_io()),
                NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewRoute(found)) => {
                    routes.extend(route(&found, &devices));
                }
                _ => {}
            }
            // Messages are aligned to four bytes.
            let length = (message.header.length as usize).next_multiple_of(4).max(4);
            rest = rest.get(length..).unwrap_or_default();
        }
    }
}

/// Asks for everything: without a family and a table, those of all are told.
fn request() -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let payload = NetlinkPayload::from(RouteNetlinkMessage::GetRoute(RouteMessage::default()));
    let mut message = NetlinkMessage::new(header, payload);
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

fn route(found: &RouteMessage, devices: &[(u32, String)]) -> Option<Route> {
    let length = found.header.destination_prefix_length;
    let to = found.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Destination(RouteAddress::Inet(address)) => Some(IpAddr::from(*address)),
        RouteAttribute::Destination(RouteAddress::Inet6(address)) => Some(IpAddr::from(*address)),
        _ => None,
    })?;
    let number = found.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Oif(number) => Some(*number),
        _ => None,
    });
    let device = devices.iter().find(|(known, _)| Some(*known) == number).map(|(_, name)| name.clone());
    Some(Route { to: IpNet::new(to, length).ok()?, device })
}

/// The interfaces by number.
fn devices() -> Vec<(u32, String)> {
    let folders = fs::read_dir(Path::new("/sys/class/net")).into_iter().flatten().flatten();
    let number = |folder: &fs::DirEntry| fs::read_to_string(folder.path().join("ifindex")).ok()?.trim().parse().ok();
    folders.filter_map(|folder| Some((number(&folder)?, folder.file_name().into_string().ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machines_own_addresses_are_routes_of_its_second_table() {
        let found = routes().unwrap();
        // The table `local`, which `/proc/net/route` does not show.
        let home: IpNet = "127.0.0.0/8".parse().unwrap();
        let loopback = found.iter().find(|route| home.contains(&route.to)).expect("the loopback interface is up");
        assert_eq!(loopback.device.as_deref(), Some("lo"), "{found:?}");
    }
}
