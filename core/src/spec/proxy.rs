//! The proxies between this machine and the world: what nodes are told of them, and which a client goes through. Where
//! the settings come from is `settings`' affair.

use std::collections::BTreeMap;

mod address;
mod exceptions;

use address::Address;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{AddressPlan, Networking};

/// What of a cluster's names is never reached through a proxy.
const SERVICES: [&str; 3] = [".svc", ".svc.cluster", ".svc.cluster.local"];

/// A machine's proxies, as the usual variables have them.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    /// `HTTP_PROXY`: for `http://`.
    pub http: Option<String>,
    /// `HTTPS_PROXY`: for `https://`.
    pub https: Option<String>,
    /// `NO_PROXY`: what is reached without, separated by commas.
    pub exceptions: Option<String>,
}

/// A proxy's address may hold a password.
impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let set = |value: &Option<String>| if value.is_some() { "set" } else { "none" };
        write!(f, "Proxy {{ http: {}, https: {}, .. }}", set(&self.http), set(&self.https))
    }
}

impl Proxy {
    /// Whether there is no proxy.
    pub fn is_none(&self) -> bool {
        self.http.is_none() && self.https.is_none()
    }

    /// The proxy between this machine and a server: its variable, and its address as every reader takes it. `None` where
    /// the server is reached without, as this machine itself always is.
    pub fn between(&self, server: &http::Uri) -> Option<(&'static str, String)> {
        let (name, value, port) = match server.scheme_str() {
            Some("http") => ("HTTP_PROXY", self.http.as_deref()?, 80),
            _ => ("HTTPS_PROXY", self.https.as_deref()?, 443),
        };
        let (host, port) = (server.host()?, server.port_u16().unwrap_or(port));
        let exceptions = self.exceptions.as_deref().unwrap_or_default();
        let is_direct = exceptions::is_loopback(host) || exceptions::names(exceptions, host, port);
        (!is_direct).then(|| (name, Address::read(value).to_string()))
    }

    /// The proxies that only this machine reaches, because they are at its loopback: each variable, and where it leads.
    pub fn at_loopback(&self) -> Vec<(&'static str, String)> {
        let values = [("HTTP_PROXY", &self.http), ("HTTPS_PROXY", &self.https)];
        let addresses = values.into_iter().filter_map(|(name, value)| Some((name, Address::read(value.as_deref()?))));
        let at_loopback = addresses.filter(|(_, address)| exceptions::is_loopback(address.host()));
        at_loopback.map(|(name, address)| (name, address.place().to_owned())).collect()
    }

    /// The variables of a node, in either case of letters. Exceptions are the cluster's own networks, services and nodes, and
    /// the engine's network of it, where a node's gateway is and so what a test serves for the cluster.
    pub(crate) fn environment(
        &self,
        networking: &Networking,
        engine_network: &[IpNet],
        nodes: impl Iterator<Item = String>,
    ) -> BTreeMap<String, String> {
        if self.is_none() {
            return BTreeMap::new();
        }
        let networks = AddressPlan::of(networking).networks();
        // Items stay as they are; an empty one is none, and some readers stumble over it.
        let given = self.exceptions.iter().flat_map(|list| list.split(','));
        let given = given.map(|item| if item.trim().is_empty() { "" } else { item });
        let ours = [networking.service_subnet.as_str(), networking.pod_subnet.as_str(), networks.as_str()];
        let names: Vec<String> = engine_network.iter().map(ToString::to_string).chain(nodes).collect();
        let exceptions: Vec<&str> = given
            .chain(ours)
            .chain(names.iter().map(String::as_str))
            .chain(SERVICES)
            .filter(|one| !one.is_empty())
            .collect();
        let exceptions = Some(exceptions.join(","));
        let values = [("HTTP_PROXY", &self.http), ("HTTPS_PROXY", &self.https), ("NO_PROXY", &exceptions)];
        let set = values.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
        set.flat_map(|(name, value)| [(name.to_owned(), value.clone()), (name.to_ascii_lowercase(), value)]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::IpFamily;

    fn environment(proxy: &Proxy, family: IpFamily) -> BTreeMap<String, String> {
        let engine_network = ["198.18.4.0/26".parse().unwrap()];
        let nodes = ["x-control-plane", "x-worker"].map(str::to_owned);
        proxy.environment(&Networking::of_family(family), &engine_network, nodes.into_iter())
    }

    #[test]
    fn without_a_proxy_nothing_is_set() {
        let proxy = Proxy { exceptions: Some("home".to_owned()), ..Proxy::default() };
        assert_eq!(environment(&proxy, IpFamily::Ipv4), BTreeMap::new());
    }

    #[test]
    fn the_clusters_own_is_never_reached_through_a_proxy() {
        let https = "http://u:secret@proxy:3128".to_owned();
        let proxy = Proxy { https: Some(https.clone()), exceptions: Some("home,10.0.0.1".to_owned()), http: None };
        let found = environment(&proxy, IpFamily::Ipv4);
        let names: Vec<&str> = found.keys().map(String::as_str).collect();
        assert_eq!(names, ["HTTPS_PROXY", "NO_PROXY", "https_proxy", "no_proxy"]);
        assert_eq!(found["https_proxy"], https);
        assert_eq!(
            found["NO_PROXY"],
            "home,10.0.0.1,10.96.0.0/16,10.244.0.0/16,100.64.7.0/24,198.18.4.0/26,x-control-plane,x-worker,.svc,.svc.cluster,.svc.cluster.local"
        );
        assert!(!format!("{proxy:?}").contains("secret"), "{proxy:?}");
    }

    #[test]
    fn an_empty_item_is_not_handed_on_and_the_others_are_as_they_were() {
        for (given, expected) in [
            ("localhost,127.0.0.1,", "localhost,127.0.0.1,10.96."),
            (",a,, b , ,c", "a, b ,c,10.96."),
            ("*.local, 169.254/16", "*.local, 169.254/16,10.96."),
            (",", "10.96."),
        ] {
            let proxy =
                Proxy { http: Some("http://proxy".to_owned()), exceptions: Some(given.to_owned()), https: None };
            let found = &environment(&proxy, IpFamily::Ipv4)["no_proxy"];
            assert!(found.starts_with(expected), "{given}: {found}");
        }
    }

    #[test]
    fn a_client_goes_through_the_proxy_of_its_scheme_but_not_to_exceptions() {
        let proxy = Proxy {
            http: Some("plain:1".to_owned()),
            https: Some("http://user:p^ss@secure:2/".to_owned()),
            exceptions: Some("*.local, 10.1/16,".to_owned()),
        };
        let between = |server: &str| proxy.between(&server.parse().unwrap());
        assert_eq!(between("http://example.com").unwrap(), ("HTTP_PROXY", "http://plain:1".to_owned()));
        assert_eq!(between("https://10.2.0.1:6443").unwrap().1, "http://user:p%5Ess@secure:2");
        for direct in
            ["https://127.0.0.1:40000", "https://localhost", "https://[::1]:1", "https://10.1.2.3", "https://a.local"]
        {
            assert_eq!(between(direct), None, "{direct}");
        }
        assert_eq!(Proxy::default().between(&"https://example.com".parse().unwrap()), None);
    }

    #[test]
    fn a_proxy_of_this_machine_alone_is_known() {
        let proxy = |value: &str| Proxy { https: Some(value.to_owned()), ..Proxy::default() };
        for value in ["http://localhost:3128", "127.0.0.1:3128/", "http://u:secret@[::1]:3128"] {
            let found = proxy(value).at_loopback();
            assert!(found[0].0 == "HTTPS_PROXY" && !found[0].1.contains("secret"), "{found:?}");
        }
        assert!(proxy("http://proxy.example.com:3128").at_loopback().is_empty());
    }

    #[test]
    fn both_families_have_their_networks() {
        let proxy = Proxy { http: Some("http://proxy".to_owned()), ..Proxy::default() };
        let exceptions = &environment(&proxy, IpFamily::Dual)["NO_PROXY"];
        assert!(exceptions.contains(",100.64.7.0/24,fd6b:696e:6400:7::/64,"), "{exceptions}");
        assert!(exceptions.contains("fd00:10:96::/112"), "{exceptions}");
    }
}
