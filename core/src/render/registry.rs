//! The texts of a cluster's registries: their settings, how nodes find them, and the object that says so to people. Pure
//! functions.

use kind_engine::NodeFile;
use serde_json::json;

use crate::spec::{Mirror, NodeName};

/// The port inside the cluster's network.
pub(crate) const REGISTRY_PORT: u16 = 5000;
/// Where a registry's settings lie in its container.
pub(crate) const REGISTRY_SETTINGS: &str = "/etc/kind-rs/registry.json";
/// Where it keeps images: a volume.
pub(crate) const REGISTRY_FOLDER: &str = "/var/lib/registry";
/// Where containerd looks for what is to be known of a host.
const HOSTS_FOLDER: &str = "/etc/containerd/certs.d";

/// A registry's settings, with what it fetches from, where it is a mirror. (JSON is YAML, which the program reads.)
pub(crate) fn registry_settings(mirror: Option<&Mirror>) -> NodeFile {
    let mut settings = json!({
        "version": "0.1",
        "log": { "level": "info", "accesslog": { "disabled": true } },
        "storage": { "filesystem": { "rootdirectory": REGISTRY_FOLDER }, "delete": { "enabled": true } },
        "http": { "addr": format!(":{REGISTRY_PORT}") },
    });
    if let Some(mirror) = mirror {
        settings["proxy"] = json!({ "remoteurl": mirror.url });
    }
    NodeFile::public(REGISTRY_SETTINGS, settings.to_string())
}

/// What makes a node find the registry: by the name that pods' images have, which is the host's, and by its own.
pub(crate) fn registry_hosts(name: &NodeName, port: u16) -> Vec<NodeFile> {
    let server = format!("http://{name}:{REGISTRY_PORT}");
    let text = format!("server = \"{server}\"\n\n[host.\"{server}\"]\ncapabilities = [\"pull\", \"resolve\"]\n");
    let hosts = [format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("{name}:{REGISTRY_PORT}")];
    hosts.iter().map(|host| NodeFile::public(format!("{HOSTS_FOLDER}/{host}/hosts.toml"), text.clone())).collect()
}

/// What makes a node ask a mirror first, and the host itself where the mirror does not answer.
pub(crate) fn mirror_hosts(name: &NodeName, mirror: &Mirror) -> NodeFile {
    let text = format!(
        "server = \"{}\"\n\n[host.\"http://{name}:{REGISTRY_PORT}\"]\ncapabilities = [\"pull\", \"resolve\"]\n",
        mirror.url
    );
    NodeFile::public(format!("{HOSTS_FOLDER}/{}/hosts.toml", mirror.host), text)
}

/// The object by which tools find a cluster's registry
/// ([KEP-1755](https://github.com/kubernetes/enhancements/tree/master/keps/sig-cluster-lifecycle/generic/1755-communicating-a-local-registry)).
pub(crate) fn registry_notice(name: &NodeName, port: u16) -> String {
    let hosting = format!(
        "host: \"localhost:{port}\"\nhostFromContainerRuntime: \"{name}:{REGISTRY_PORT}\"\nhostFromClusterNetwork: \"{name}:{REGISTRY_PORT}\"\n"
    );
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": "local-registry-hosting", "namespace": "kube-public" },
        "data": { "localRegistryHosting.v1": hosting },
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::ClusterName;

    fn mirror() -> Mirror {
        Mirror { host: "docker.io".into(), url: "https://registry.example.com".into() }
    }

    #[test]
    fn a_mirror_has_something_to_fetch_from() {
        let settings =
            |mirror| serde_json::from_slice::<serde_json::Value>(&registry_settings(mirror).content).unwrap();
        let mirror = mirror();
        assert_eq!(settings(Some(&mirror))["proxy"]["remoteurl"], "https://registry.example.com");
        assert!(settings(None).get("proxy").is_none());
        assert_eq!(settings(None)["http"]["addr"], ":5000");
    }

    #[test]
    fn nodes_find_the_registry_by_the_hosts_name_and_its_own() {
        let name = ClusterName::new("demo").unwrap().registry();
        let files = registry_hosts(&name, 5001);
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "/etc/containerd/certs.d/localhost:5001/hosts.toml",
                "/etc/containerd/certs.d/127.0.0.1:5001/hosts.toml",
                "/etc/containerd/certs.d/demo-registry:5000/hosts.toml",
            ]
        );
        let text = |file: &NodeFile| String::from_utf8(file.content.clone()).unwrap();
        assert!(text(&files[0]).contains("[host.\"http://demo-registry:5000\"]"), "{}", text(&files[0]));
        let file = mirror_hosts(&name, &mirror());
        assert_eq!(file.path, "/etc/containerd/certs.d/docker.io/hosts.toml");
        assert!(text(&file).starts_with("server = \"https://registry.example.com\"\n"), "{}", text(&file));
    }

    #[test]
    fn tools_find_the_registry_by_an_object() {
        let name = ClusterName::new("demo").unwrap().registry();
        let object: serde_json::Value = serde_json::from_str(&registry_notice(&name, 5001)).unwrap();
        let text = object["data"]["localRegistryHosting.v1"].as_str().unwrap();
        assert!(text.starts_with("host: \"localhost:5001\"\n"), "{text}");
    }
}
