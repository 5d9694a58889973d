//! What nodes are told about the proxies between them and the world. Where the settings come from is `settings`' affair.

use std::collections::BTreeMap;

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

    /// The variables of a node, in either case of letters: the cluster's own networks, services and nodes are exceptions.
    pub(crate) fn environment(
        &self,
        networking: &Networking,
        nodes: impl Iterator<Item = String>,
    ) -> BTreeMap<String, String> {
        if self.is_none() {
            return BTreeMap::new();
        }
        let networks = AddressPlan::of(networking).networks();
        let given = self.exceptions.iter().map(String::as_str);
        let ours = [networking.service_subnet.as_str(), networking.pod_subnet.as_str(), networks.as_str()];
        let names: Vec<String> = nodes.collect();
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
        proxy
            .environment(&Networking::of_family(family), ["x-control-plane", "x-worker"].map(str::to_owned).into_iter())
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
            "home,10.0.0.1,10.96.0.0/16,10.244.0.0/16,100.64.7.0/24,x-control-plane,x-worker,.svc,.svc.cluster,.svc.cluster.local"
        );
        assert!(!format!("{proxy:?}").contains("secret"), "{proxy:?}");
    }

    #[test]
    fn both_families_have_their_networks() {
        let proxy = Proxy { http: Some("http://proxy".to_owned()), ..Proxy::default() };
        let exceptions = &environment(&proxy, IpFamily::Dual)["NO_PROXY"];
        assert!(exceptions.contains(",100.64.7.0/24,fd6b:696e:6400:7::/64,"), "{exceptions}");
        assert!(exceptions.contains("fd00:10:96::/112"), "{exceptions}");
    }
}
