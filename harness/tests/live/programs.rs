//! This program as an image, in pods of a real cluster, and what the kubelet says of those that do not start.

use std::time::Instant;

use k8s_openapi::api::core::v1::Pod;
use kind_harness::{Cluster, ExecError, Image, RunError, TestContext, kind_test};
use kube::{Api, Client};

use crate::{
    pods::{pause, ready, run_on},
    small,
};

#[kind_test(cluster = small)]
async fn this_program_runs_in_a_pod(cluster: Cluster, context: TestContext) -> anyhow::Result<()> {
    let program = std::env::current_exe()?;
    let image = Image::from_binary(&program).name("this").path("/usr/bin/this").folder("/tmp", 0o1777);
    let reference = context.load(&image).await?;
    let listed = context.run(&reference, ["this", "--list"]).await?.success()?;
    assert!(listed.contains("programs::this_program_runs_in_a_pod: test"), "{listed}");
    assert_eq!(context.run(&reference, ["this", "--no-such-option"]).await?.exit_code, 101);

    // Found without a look at the nodes.
    let begun = Instant::now();
    assert_eq!(image.load_into(&cluster).await?, reference);
    println!("found again after {:?}", begun.elapsed());

    for (image, program, expected) in [
        (reference.as_str(), "none", "StartError: "),
        ("Not A Name", "this", "InvalidImageName: "),
        ("localhost:1/none:1", "this", "ImagePullBackOff: "),
    ] {
        let error = context.run(image, [program]).await.unwrap_err();
        assert!(matches!(error, RunError::NotRun { .. }) && error.to_string().contains(expected), "{error}");
    }
    Ok(())
}

#[kind_test(cluster = small)]
async fn commands_run_in_a_pod(context: TestContext, client: Client) -> anyhow::Result<()> {
    let node = context.cluster().nodes().into_iter().next().expect("it has a node");
    let pods: Api<Pod> = Api::default_namespaced(client);
    run_on(&pods, "still", &pause(&node).await?, &node).await?;
    ready(&pods, "still", 0).await?;
    let said = context.exec("still", ["/pause", "-v"]).await?.success()?;
    assert!(said.contains("pause"), "{said}");
    let error = context.exec("still", ["/none"]).await.unwrap_err();
    assert!(matches!(error, ExecError::NotStarted { .. }) && error.to_string().contains("/none"), "{error}");
    Ok(())
}
