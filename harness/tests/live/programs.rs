//! This program as an image, in pods of a real cluster, and what the kubelet says of those that do not start.

use std::time::Instant;

use kind_harness::{Cluster, Image, RunError, TestContext, kind_test};

use crate::small;

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
