//! `cargo xtask bench`: hands over to `kind-bench`, which links the harness.

use super::cargo::cargo;
use crate::{
    args::{AttachArgs, Bench, CreateArgs},
    context::Context,
    process::{ProcessError, Tool, run_shown},
};

/// Measures and prints.
///
/// # Errors
/// When the benchmark cannot be built or fails.
pub async fn bench(ctx: &Context, bench: Bench) -> Result<(), ProcessError> {
    run_shown(ctx, &cargo(ctx).args(["build", "--workspace", "--quiet"])).await?;
    let program = Tool::new(ctx.workspace.program("kind-bench")).folder(ctx.workspace.root());
    let tool = match bench {
        Bench::Create(arguments) => create(program, arguments),
        Bench::Attach(AttachArgs { runs }) => program.args(["attach", "--runs", &runs.to_string()]),
    };
    run_shown(ctx, &tool).await
}

fn create(program: Tool, arguments: CreateArgs) -> Tool {
    let CreateArgs { runs, kind_baseline, only_ours, json, image } = arguments;
    let mut tool = program.args(["create", "--runs", &runs.to_string()]);
    if let Some(baseline) = kind_baseline.filter(|_| !only_ours) {
        tool = tool.arg("--kind-baseline").arg(baseline);
    }
    if let Some(file) = json {
        tool = tool.arg("--json").arg(file);
    }
    if let Some(image) = image {
        tool = tool.args(["--image", &image]);
    }
    tool
}
