//! `cargo xtask conformance`: the conformance specs, all or some, each as one test.

use std::{collections::BTreeSet, fs, io, path::PathBuf};

use super::{
    cargo::cargo,
    image::{self, ImageError},
    leftovers::{self, LeftoverError},
};
use crate::{
    args::ConformanceArgs,
    context::Context,
    process::{ProcessError, Tool, run_shown},
    settings::{CONFORMANCE_RESULTS, TEST_KEEP, TEST_REQUIRE},
    setup::{self, Prepared, SetupError},
};

/// The filter that chooses the specs among all tests.
pub(super) const SPECS: &str = "binary_id(kind-conformance::conformance)";
/// How many specs run at once for each processor: they wait most of the time.
const PER_PROCESSOR: usize = 3;

/// The conformance specs did not all pass, or could not be run.
#[derive(Debug, thiserror::Error)]
pub enum ConformanceError {
    /// The machine.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The suite or its node image.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The results of earlier runs.
    #[error("read the results of earlier runs, {}", path.display())]
    Results {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The list of selected specs.
    #[error("read the selection of conformance specs, {}", path.display())]
    Selection {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A selected spec.
    #[error("run the selected conformance specs")]
    Selected(#[source] ProcessError),
    /// A spec.
    #[error("run the conformance specs; what passed is not run again by the next `cargo xtask conformance`")]
    Specs(#[source] ProcessError),
    /// What is left behind.
    #[error(transparent)]
    Leftover(#[from] LeftoverError),
}

/// Runs what has not passed yet with the present images, or everything again.
///
/// # Errors
/// When a spec fails; the others all run before.
pub async fn conformance(ctx: &Context, arguments: ConformanceArgs) -> Result<(), ConformanceError> {
    let prepared = setup::prepare(ctx).await?;
    let before = leftovers::look(&*prepared.engine).await.map_err(LeftoverError::Engine)?;
    let reference = image::conformance_image(ctx, &prepared).await?;
    let tag = reference.rsplit(':').next().unwrap_or_default();
    let results = ctx.workspace.made().join("conformance").join(format!("{tag}.tsv"));
    let passed = if arguments.again { BTreeSet::new() } else { passed(&results)? };
    ctx.ui.line(&format!("{} specs passed before; results: {}", passed.len(), results.display()));
    ctx.ui.heading("Conformance");
    let mut filter = arguments.filter.map_or_else(|| "all()".to_owned(), |filter| format!("({filter})"));
    if !passed.is_empty() {
        filter = format!("{filter} and not ({})", either(passed.iter().map(String::as_str)));
    }
    let tests = specs(ctx, &filter).env(CONFORMANCE_RESULTS, results);
    run_shown(ctx, &tests).await.map_err(ConformanceError::Specs)?;
    Ok(leftovers::none_since(ctx, &*prepared.engine, &before).await?)
}

/// Runs the few specs that stand for all of them, every time.
///
/// # Errors
/// When a spec fails; the others all run before.
pub(super) async fn selected(ctx: &Context, prepared: &Prepared) -> Result<(), ConformanceError> {
    image::conformance_image(ctx, prepared).await?;
    let path = ctx.workspace.selection();
    let text =
        fs::read_to_string(&path).map_err(|source| ConformanceError::Selection { path: path.clone(), source })?;
    ctx.ui.heading("Selected conformance specs");
    let filter = either(text.lines().filter(|line| !line.starts_with('#')));
    run_shown(ctx, &specs(ctx, &filter)).await.map_err(ConformanceError::Selected)
}

/// The specs that a filter chooses, as many at once as the machine can take.
fn specs(ctx: &Context, filter: &str) -> Tool {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let tests = cargo(ctx)
        // With the whole workspace's features, as it is built for everything else.
        .args(["nextest", "run", "--workspace", "--profile", "conformance"])
        .args(["--test-threads".to_owned(), (processors * PER_PROCESSOR).to_string()])
        .args(["--filterset".to_owned(), format!("{SPECS} and ({filter})")])
        .env(TEST_REQUIRE, "1");
    if ctx.settings.ci { tests.env(TEST_KEEP, "never") } else { tests }
}

/// A filter that chooses exactly these tests.
fn either<'a>(tests: impl Iterator<Item = &'a str>) -> String {
    tests.map(|test| format!("test(={test})")).collect::<Vec<_>>().join(" or ")
}

/// Which specs passed, in a file of results that need not be there.
fn passed(results: &PathBuf) -> Result<BTreeSet<String>, ConformanceError> {
    let text = match fs::read_to_string(results) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read.map_err(|source| ConformanceError::Results { path: results.clone(), source })?,
    };
    let mut passed = BTreeSet::new();
    for line in text.lines() {
        let mut fields = line.split('\t');
        if let (Some(test), Some(result)) = (fields.next(), fields.next()) {
            // The last result counts.
            if result == "passed" {
                passed.insert(test.to_owned())
            } else {
                passed.remove(test)
            };
        }
    }
    Ok(passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_result_of_a_spec_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.tsv");
        assert_eq!(passed(&path).unwrap(), BTreeSet::new());
        fs::write(&path, "a\tpassed\t1\t2\nb\tfailed\t1\t2\nb\tpassed\t1\t2\na\tfailed\t1\t2\n").unwrap();
        assert_eq!(passed(&path).unwrap(), BTreeSet::from(["b".to_owned()]));
    }

    #[test]
    fn a_filter_names_each_test_whole() {
        assert_eq!(either(["a::b", "c"].into_iter()), "test(=a::b) or test(=c)");
    }
}
