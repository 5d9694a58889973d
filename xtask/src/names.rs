//! Names of the harness that this crate looks for. They are repeated here because `xtask` does not link the harness: a
//! newcomer's first command should say something within a minute. A test of `kind-bench` compares both.

/// The label of everything that is ours to remove.
pub const LABEL_MANAGED: &str = "io.kind-rs.managed";
/// The label with the name of the container that it is on; a copy that inherits it has another name.
pub const LABEL_CONTAINER: &str = "io.kind-rs.container";
/// The label with the cluster's name.
pub const LABEL_CLUSTER: &str = "io.x-k8s.kind.cluster";
/// The label with the node's role.
pub const LABEL_ROLE: &str = "io.x-k8s.kind.role";
/// The role of a control plane.
pub const ROLE_CONTROL_PLANE: &str = "control-plane";
/// The role of a load balancer, which is no node.
pub const ROLE_LOAD_BALANCER: &str = "external-load-balancer";
/// The environment variable by which a keeper process can be told.
pub const KEEPER_VARIABLE: &str = "KIND_HARNESS_KEEPER";
/// The one by which a process can be told that writes a run's report.
pub const REPORTER_VARIABLE: &str = "KIND_HARNESS_REPORTER";
