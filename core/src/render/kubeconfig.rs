//! The administrator's kubeconfig.

use serde_json::json;

/// Who a client is, as PEM texts.
#[derive(Clone)]
pub struct Credentials {
    /// The cluster's certificate authority.
    pub authority: String,
    /// The client's certificate.
    pub certificate: String,
    /// The client's private key.
    pub key: String,
}

/// A kubeconfig with one cluster, user and context, all of that name. The server shows a certificate for `server_name`, where
/// that is not the address's.
pub fn kubeconfig(context: &str, server: &str, server_name: Option<&str>, credentials: &Credentials) -> String {
    let mut cluster = json!({"server": server, "certificate-authority-data": encode(&credentials.authority)});
    if let Some(name) = server_name {
        cluster["tls-server-name"] = name.into();
    }
    let document = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": context, "cluster": cluster}],
        "users": [{
            "name": context,
            "user": {
                "client-certificate-data": encode(&credentials.certificate),
                "client-key-data": encode(&credentials.key),
            },
        }],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
        "current-context": context,
    });
    super::kubeadm::to_yaml(&document)
}

pub(super) fn encode(pem: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(pem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden() {
        let credentials =
            Credentials { authority: "authority".into(), certificate: "certificate".into(), key: "key".into() };
        let text = kubeconfig("kind-demo", "https://127.0.0.1:40123", None, &credentials);
        kind_testkit::assert_golden("tests/golden/kubeconfig.yaml", &text);
        assert!(kube::config::Kubeconfig::from_yaml(&text).is_ok());
    }
}
