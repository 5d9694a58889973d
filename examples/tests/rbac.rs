//! What a service account may do: the client speaks as somebody else.

use k8s_openapi::api::core::v1::ConfigMap;
use kind_examples::kubernetes::LIMIT;
use kind_harness::{
    TestContext, TestNamespace, kind_test,
    wait::{self, Check},
};
use kube::{Api, Client, Config, api::ListParams};

#[kind_test]
async fn a_role_gives_what_it_says_and_no_more(
    context: TestContext,
    mut config: Config,
    ns: TestNamespace,
) -> anyhow::Result<()> {
    let account = format!("system:serviceaccount:{ns}:reader");
    config.headers.push((http::HeaderName::from_static("impersonate-user"), account.parse()?));
    let reader = Client::try_from(config)?;
    let ours: Api<ConfigMap> = Api::namespaced(reader.clone(), &ns);
    let everybodys: Api<ConfigMap> = Api::all(reader);

    let refused = ours.list(&ListParams::default()).await;
    assert!(is_forbidden(refused), "the account has no role yet");

    context.apply(ROLE).await?;

    // Each API server learns of the role by itself.
    wait::until("the role to count", LIMIT, async || match ours.list(&ListParams::default()).await {
        Ok(list) => Check::Done(list),
        Err(error) => Check::not_yet(error),
    })
    .await?;
    assert!(is_forbidden(everybodys.list(&ListParams::default()).await), "the role is for one namespace");
    assert!(is_forbidden(ours.delete("any", &kube::api::DeleteParams::default()).await), "and for reading");
    Ok(())
}

fn is_forbidden<T>(outcome: kube::Result<T>) -> bool {
    matches!(outcome, Err(kube::Error::Api(status)) if status.is_forbidden())
}

const ROLE: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: read-config-maps
rules:
  - apiGroups: ['']
    resources: [configmaps]
    verbs: [get, list, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: reader
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: read-config-maps
subjects:
  - kind: ServiceAccount
    name: reader
";
