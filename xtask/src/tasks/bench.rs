//! `cargo xtask bench`: has the node image, then hands over to `kind-bench`, which links the harness.

use super::{
    cargo::cargo,
    go_programs::{self, GoProgramError},
    image::{self, ImageChoice, ImageError},
};
use crate::{
    args::{Bench, CreateArgs, ImageArgs},
    context::Context,
    process::{ProcessError, Tool, run_shown},
    settings::TEST_IMAGE,
    setup::{self, SetupError},
};

/// Something could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The machine.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The node image.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A program in Go.
    #[error(transparent)]
    GoProgram(#[from] GoProgramError),
    /// The benchmark could not be built, or failed.
    #[error("run the benchmark")]
    Run(#[from] ProcessError),
}

/// Measures and prints.
///
/// # Errors
/// When the machine cannot be set up, or the benchmark cannot be built or fails.
pub async fn bench(ctx: &Context, bench: Bench) -> Result<(), BenchError> {
    let prepared = setup::prepare(ctx).await?;
    let node_image = async |arguments| {
        image::node_image(ctx, &prepared, ImageChoice::new(arguments, ctx.settings.image.clone())).await
    };
    let (arguments, image) = match bench {
        Bench::Create(arguments) => {
            let (arguments, image) = create(arguments);
            (arguments, node_image(image).await?)
        }
        Bench::Attach(arguments) => {
            let words = vec!["attach".into(), "--runs".into(), arguments.runs.to_string()];
            (words, node_image(arguments.image).await?)
        }
        Bench::Pause(arguments) => {
            ([vec!["pause".to_owned()], arguments.options].concat(), node_image(arguments.image).await?)
        }
        Bench::Share(arguments) => {
            ([vec!["share".to_owned()], arguments.options].concat(), node_image(arguments.image).await?)
        }
        Bench::Conformance(arguments) => {
            let image = image::conformance_image(ctx, &prepared).await?;
            let ginkgo = go_programs::ginkgo(ctx, &prepared).await?.display().to_string();
            ([vec!["conformance".to_owned(), "--ginkgo".to_owned(), ginkgo], arguments.options].concat(), image)
        }
    };
    ctx.ui.heading("Benchmark");
    run_shown(ctx, &cargo(ctx).args(["build", "--workspace", "--quiet"])).await?;
    let program = Tool::new(ctx.workspace.program("kind-bench")).folder(ctx.workspace.root());
    Ok(run_shown(ctx, &program.args(arguments).env(TEST_IMAGE, image)).await?)
}

/// The arguments of `kind-bench create`, and which node image is wanted.
fn create(arguments: CreateArgs) -> (Vec<String>, ImageArgs) {
    let CreateArgs { runs, kind_baseline, only_ours, json, image } = arguments;
    let mut words = vec!["create".to_owned(), "--runs".to_owned(), runs.to_string()];
    let baseline = kind_baseline.filter(|_| !only_ours);
    for (name, file) in [("--kind-baseline", baseline), ("--json", json)] {
        if let Some(file) = file {
            words.extend([name.to_owned(), file.display().to_string()]);
        }
    }
    (words, image)
}
