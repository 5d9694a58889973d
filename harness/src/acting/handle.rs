//! A service account's client.

use std::{fmt, sync::Arc};

use kind_core::activity::{Activity, Recorder};
use kube::{Client, Config, client::ClientBuilder};

use super::{RulesUsed, layer::Notes};

/// Who asks as a service account: [`TestContext::acting_as`](crate::TestContext::acting_as).
#[derive(Clone)]
pub struct Acting {
    user: String,
    config: Config,
    client: Client,
    notes: Notes,
}

impl Acting {
    pub(crate) fn new(
        mut config: Config,
        namespace: &str,
        account: &str,
        activity: &Arc<Activity>,
    ) -> kube::Result<Self> {
        let user = format!("system:serviceaccount:{namespace}:{account}");
        config.auth_info.impersonate = Some(user.clone());
        // Those of every service account; the API server adds none where some are named.
        let groups = ["system:serviceaccounts", &format!("system:serviceaccounts:{namespace}"), "system:authenticated"];
        config.auth_info.impersonate_groups = Some(groups.map(ToOwned::to_owned).to_vec());
        let notes = Notes::default();
        let client = ClientBuilder::try_from(config.clone())?
            .with_layer(&Recorder(Arc::clone(activity)))
            .with_layer(&notes)
            .build();
        Ok(Self { user, config, client, notes })
    }

    /// The client, whose default namespace is the test's.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The configuration of such a client. What clients that are made of it ask for is not in [`rules_used`](Self::rules_used).
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The user's name for the API server, as `system:serviceaccount:a:robot`.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The rules that what [`client`](Self::client) and its clones have asked for until now needs, whether it was allowed or not.
    pub fn rules_used(&self) -> RulesUsed {
        RulesUsed::of(&self.notes.all())
    }
}

impl fmt::Debug for Acting {
    // A configuration holds keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acting").field("user", &self.user).finish_non_exhaustive()
    }
}
