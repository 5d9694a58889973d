//! Clients of versions of kube that are not the harness' own, each behind a feature of its name. What they reach, as
//! whom, and what is noted of their requests is what holds for the harness' own client.

use std::{error::Error, sync::Arc};

use kind_core::activity::Recorder;

use super::{context::TestContext, from_test::FromTest};

/// A client of another version of kube could not be made from the configuration of the harness' own.
#[derive(Debug, thiserror::Error)]
#[error("make a client of kube {version} from the test's configuration")]
struct KubeVersionError {
    version: &'static str,
    source: Box<dyn Error + Send + Sync>,
}

/// The two types of one version. They have the same names and fields in each, but are other types.
macro_rules! give {
    ($kube:ident, $version:literal) => {
        impl FromTest for $kube::Config {
            type Error = Box<dyn Error + Send + Sync>;

            async fn from_test(test: &TestContext) -> Result<Self, Self::Error> {
                let failed = |source: serde_json::Error| KubeVersionError { version: $version, source: source.into() };
                let ours = test.config();
                let mut config = Self::new(ours.cluster_url.clone());
                // As a kubeconfig has it; what only lives in memory follows.
                let user = serde_json::to_value(&ours.auth_info).map_err(failed)?;
                config.auth_info = serde_json::from_value(user).map_err(failed)?;
                if let (Some(plugin), Some(of_ours)) = (&mut config.auth_info.exec, &ours.auth_info.exec) {
                    plugin.drop_env.clone_from(&of_ours.drop_env);
                    plugin.cluster = of_ours.cluster.as_ref().map(|cluster| $kube::config::ExecAuthCluster {
                        server: cluster.server.clone(),
                        insecure_skip_tls_verify: cluster.insecure_skip_tls_verify,
                        certificate_authority_data: cluster.certificate_authority_data.clone(),
                        proxy_url: cluster.proxy_url.clone(),
                        tls_server_name: cluster.tls_server_name.clone(),
                        config: cluster.config.clone(),
                    });
                }
                config.default_namespace.clone_from(&ours.default_namespace);
                config.root_cert.clone_from(&ours.root_cert);
                config.connect_timeout = ours.connect_timeout;
                config.read_timeout = ours.read_timeout;
                config.write_timeout = ours.write_timeout;
                config.accept_invalid_certs = ours.accept_invalid_certs;
                config.disable_compression = ours.disable_compression;
                config.proxy_url.clone_from(&ours.proxy_url);
                config.tls_server_name.clone_from(&ours.tls_server_name);
                config.headers.clone_from(&ours.headers);
                Ok(config)
            }
        }

        impl FromTest for $kube::Client {
            type Error = Box<dyn Error + Send + Sync>;

            async fn from_test(test: &TestContext) -> Result<Self, Self::Error> {
                let config: $kube::Config = test.get().await?;
                let failed = |source: $kube::Error| KubeVersionError { version: $version, source: source.into() };
                let builder = $kube::client::ClientBuilder::try_from(config).map_err(failed)?;
                Ok(builder.with_layer(&Recorder(Arc::clone(test.activity()))).build())
            }
        }
    };
}

#[cfg(feature = "kube-3")]
give!(kube_3, "3");
#[cfg(feature = "kube-4")]
give!(kube_4, "4");
