//! Clients of a cluster, by its kubeconfig's text.
//!
//! kube's own way from a kubeconfig to a configuration reads the variables of proxies, takes the proxy for clusters
//! that no proxy reaches, and refuses values that everybody else takes. So the configuration is put together here, from
//! the text and nothing else.

use kube::{
    Client, Config,
    config::{AuthInfo, ExecAuthCluster, Kubeconfig, KubeconfigError},
};

use super::ClusterError;

/// The client configuration of a kubeconfig's current context. It does not touch the network, and no variable of the
/// environment has a part in it: a proxy is used only where the kubeconfig itself names one (`proxy-url`).
///
/// # Errors
/// When the text is not a kubeconfig, or a file that it names cannot be read.
pub async fn client_config(kubeconfig: &str) -> Result<Config, KubeconfigError> {
    configuration(kubeconfig)
}

fn configuration(kubeconfig: &str) -> Result<Config, KubeconfigError> {
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig)?;
    let name = kubeconfig.current_context.as_deref().ok_or(KubeconfigError::CurrentContextNotSet)?;
    let context = kubeconfig.contexts.iter().find(|it| it.name == name).and_then(|it| it.context.clone());
    let context = context.ok_or_else(|| KubeconfigError::LoadContext(name.to_owned()))?;
    let cluster = kubeconfig.clusters.iter().find(|it| it.name == context.cluster).and_then(|it| it.cluster.clone());
    let cluster = cluster.ok_or_else(|| KubeconfigError::LoadClusterOfContext(context.cluster.clone()))?;
    let server = cluster.server.as_deref().ok_or(KubeconfigError::MissingClusterUrl)?;
    let mut config = Config::new(server.parse().map_err(KubeconfigError::ParseClusterUrl)?);
    // The form for plugins has the authority's certificates, from a file or from the text.
    let of_plugins = ExecAuthCluster::try_from(&cluster)?;
    if let Some(certificates) = &of_plugins.certificate_authority_data {
        let found = pem::parse_many(certificates).map_err(KubeconfigError::ParseCertificates)?;
        let certificates = found.into_iter().filter(|it| it.tag() == "CERTIFICATE").map(pem::Pem::into_contents);
        config.root_cert = Some(certificates.collect());
    }
    if let Some(proxy) = cluster.proxy_url.as_deref().filter(|proxy| !proxy.is_empty()) {
        config.proxy_url = Some(proxy.parse().map_err(KubeconfigError::ParseProxyUrl)?);
    }
    if let Some(namespace) = context.namespace {
        config.default_namespace = namespace;
    }
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or_default();
    config.disable_compression = cluster.disable_compression.unwrap_or_default();
    config.tls_server_name = cluster.tls_server_name;
    // A user that is not there is one without credentials, as it is to kubectl.
    let user = context.user.as_deref().and_then(|user| kubeconfig.auth_infos.iter().find(|it| it.name == user));
    let mut user: AuthInfo = user.and_then(|it| it.auth_info.clone()).unwrap_or_default();
    if let Some(plugin) = user.exec.as_mut().filter(|plugin| plugin.provide_cluster_info) {
        plugin.cluster = Some(of_plugins);
    }
    config.auth_info = user;
    Ok(config)
}

pub(super) fn client(config: Config) -> Result<Client, ClusterError> {
    Client::try_from(config).map_err(|error| ClusterError::Client(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use base64::Engine as _;

    use super::*;

    fn kubeconfig(cluster: &str) -> String {
        format!(
            "{{apiVersion: v1, kind: Config, current-context: c, \
             clusters: [{{name: a, cluster: {{server: 'https://127.0.0.1:6443'{cluster}}}}}], \
             users: [{{name: u, user: {{token: secret, exec: {{command: x, provideClusterInfo: true}}}}}}], \
             contexts: [{{name: c, context: {{cluster: a, user: u, namespace: n}}}}]}}"
        )
    }

    /// Every field that kube's own way fills in.
    #[test]
    fn the_configuration_is_the_one_that_kube_makes_without_variables() {
        let authority = rcgen::generate_simple_self_signed(["x".to_owned()]).unwrap().cert;
        let data = base64::engine::general_purpose::STANDARD.encode(authority.pem());
        let text = kubeconfig(&format!(
            ", certificate-authority-data: {data}, insecure-skip-tls-verify: true, disable-compression: true, \
             tls-server-name: name, proxy-url: 'http://proxy:3128'"
        ));
        let ours = configuration(&text).unwrap();
        let theirs = Config::try_from(Kubeconfig::from_yaml(&text).unwrap()).unwrap();
        assert_eq!(ours.root_cert.as_ref().unwrap()[0], authority.der().to_vec());
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let refused = |text: &str| configuration(text).unwrap_err().to_string();
        assert!(refused("{}").contains("current context"));
        assert!(refused("{current-context: x}").contains('x'));
        assert!(refused("{current-context: x, contexts: [{name: x, context: {cluster: y}}]}").contains('y'));
        assert!(refused(&kubeconfig(", proxy-url: 'http://a b'")).contains("proxy url"));
        assert!(refused(&kubeconfig(", certificate-authority: /nonexistent")).contains("/nonexistent"));
    }

    /// A process of its own, because the variables are the process'.
    #[test]
    fn no_variable_has_a_part_in_it() {
        const CHILD: &str = "cluster::client::tests::with_odd_variables";
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", CHILD, "--ignored"]).env("HTTPS_PROXY", "proxy.example.com:3128/");
        child.env("https_proxy", "http://a b").env("NO_PROXY", "localhost,,169.254/16,a b");
        let output = child.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
    }

    #[test]
    #[ignore = "`no_variable_has_a_part_in_it` runs it"]
    fn with_odd_variables() {
        assert_eq!(configuration(&kubeconfig("")).unwrap().proxy_url, None);
        // So it is without us: where this no longer fails, kube's own way can be taken again.
        assert!(Config::try_from(Kubeconfig::from_yaml(&kubeconfig("")).unwrap()).is_err());
    }
}
