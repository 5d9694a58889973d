//! What a service account may do: the client speaks as somebody else.

use k8s_openapi::api::core::v1::ConfigMap;
use kind_examples::kubernetes::LIMIT;
use kind_harness::{
    TestContext, TestNamespace, kind_test,
    wait::{self, Check},
};
use kube::{Api, api::ListParams};

#[kind_test]
async fn a_role_gives_what_it_says_and_no_more(context: TestContext, ns: TestNamespace) -> anyhow::Result<()> {
    let reader = context.acting_as("reader")?;
    let ours: Api<ConfigMap> = Api::default_namespaced(reader.client().clone());
    let everybodys: Api<ConfigMap> = Api::all(reader.client().clone());

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

    // What it would have needed for all of that.
    let used = reader.rules_used();
    assert_eq!(used.roles[ns.name()][0].verbs, ["delete", "list"]);
    assert_eq!(used.cluster_role[0].verbs, ["list"], "{used}");
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
