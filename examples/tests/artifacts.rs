//! What a test leaves behind for whoever looks at it later: files in a folder of its own.

use std::fs;

use anyhow::Context as _;
use k8s_openapi::api::core::v1::Node;
use kind_harness::{TestContext, kind_test};
use kube::{Api, api::ListParams};

#[kind_test(access = "read")]
async fn a_test_leaves_a_report(context: &TestContext) -> anyhow::Result<()> {
    let folder = context.artifacts()?;
    assert_eq!(fs::read_dir(folder)?.count(), 0, "the last run's files are gone from {}", folder.display());

    let nodes: Api<Node> = Api::all(context.client().clone());
    let nodes = nodes.list(&ListParams::default()).await?;
    let report = folder.join("nodes.json");
    fs::write(&report, serde_json::to_vec_pretty(&nodes)?).with_context(|| report.display().to_string())?;
    println!("{} left {}", context.test_name(), report.display());
    Ok(())
}
