//! How a node of any image has its addresses at every start: what runs in it before its container runtime does.

use std::fmt::Write as _;

use kind_engine::NodeFile;

use crate::spec::Addresses;

/// A part of the container runtime's unit. Whoever starts the container, the addresses are there before anything that needs
/// them. Images of ours have them even earlier, and twice does no harm.
const PATH: &str = "/etc/systemd/system/containerd.service.d/10-kind-rs-addresses.conf";

/// The file that gives a node its addresses.
pub(crate) fn address_file(addresses: Addresses) -> NodeFile {
    let mut text = "# Written by kind-rs: the node's own addresses, the same at every start.\n[Service]\n".to_owned();
    for command in addresses.commands() {
        writeln!(text, "ExecStartPre={command}").expect("a String takes every text");
    }
    NodeFile::public(PATH, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{AddressPlan, IpFamily, Networking};

    #[test]
    fn both_addresses_are_there_before_the_container_runtime() {
        let addresses = AddressPlan::of(&Networking::of_family(IpFamily::Dual)).node(0);
        let file = address_file(addresses);
        let text = String::from_utf8(file.content).unwrap();
        let section = text.split_once("[Service]\n").unwrap().1;
        let expected = "ExecStartPre=ip address replace 100.64.7.11/24 dev eth0\n\
                        ExecStartPre=ip address replace fd6b:696e:6400:7::11/64 dev eth0 nodad\n";
        assert_eq!((file.path.as_str(), section), (PATH, expected));
    }
}
