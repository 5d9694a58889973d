//! What the CNCF wants to see of a certified run: four files, and nothing missing in them.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use crate::{
    catalog::Catalog,
    folder::{Folder, FolderError},
    junit::junit,
    results::Recorded,
    run::{LOG, Runner},
    test_images::TestImages,
};

/// The fields of `PRODUCT.yaml` without which a submission is refused.
const REQUIRED: [&str; 8] =
    ["vendor", "name", "version", "type", "description", "website_url", "documentation_url", "contact_email_address"];

/// What a person has to fill in.
const PRODUCT: &str = "\
# What is certified. Fill it in: kind-rs does not change this file once it is there.
# The legal entity with a signed participation form:
vendor:
name:
# The product's own version, not that of Kubernetes:
version:
# distribution, hosted platform or installer:
type:
# One sentence:
description:
website_url:
documentation_url:
contact_email_address:
# Where they apply; the logo as SVG, AI or EPS:
#repo_url:
#product_logo_url:
";

/// What the submission says about the run.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The specs.
    pub catalog: &'static Catalog,
    /// The cluster, in words.
    pub cluster: &'a str,
    /// The program's version.
    pub program: &'a str,
    /// How many specs ran at once.
    pub at_once: usize,
    /// The specs' images; `None` where the cluster is somebody else's.
    pub images: Option<TestImages>,
}

/// Whether the run is worth submitting. Every list names specs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Completeness {
    /// They did not pass.
    pub failed: Vec<&'static str>,
    /// They have no result.
    pub missing: Vec<&'static str>,
    /// They have a result, and their part of the log is gone.
    pub without_log: Vec<&'static str>,
    /// The fields of `PRODUCT.yaml` that a person still has to fill in.
    pub product: Vec<&'static str>,
}

impl Completeness {
    /// Whether every spec passed and can prove it.
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.missing.is_empty() && self.without_log.is_empty()
    }
}

/// Where the four files are: with nothing beside them, as a submission is to be.
pub fn submission_folder(folder: &Folder) -> PathBuf {
    folder.path().join("submission")
}

/// Writes the files from what the run left so far, and says what is missing. `PRODUCT.yaml` is only written where there is
/// none.
///
/// # Errors
/// When a file cannot be read or written.
pub fn submit(folder: &Folder, runner: &Runner, about: About<'_>) -> Result<Completeness, FolderError> {
    let recorded = folder.recorded()?;
    let path = submission_folder(folder);
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |source| FolderError::File { action, path, source }
    };
    fs::create_dir_all(&path).map_err(failed("make the folder", &path))?;
    let mut complete = judge(about.catalog, &recorded);

    let log = path.join("e2e.log");
    let logs = in_order(about.catalog, &recorded, &|test| {
        about.catalog.by_test(test).map(|spec| runner.artifacts(spec).join(LOG))
    });
    complete.without_log = write_log(&log, &logs, &recorded, about).map_err(failed("write", &log))?;

    let specs: Vec<_> = about.catalog.specs().iter().collect();
    let file = path.join("junit_01.xml");
    let text = junit(&specs, &recorded, &folder.failures()?).map_err(|error| io::Error::other(error.to_string()));
    text.and_then(|text| fs::write(&file, text)).map_err(failed("write", &file))?;

    let file = path.join("README.md");
    fs::write(&file, readme(about, folder.pieces(), folder.clusters(), &complete)).map_err(failed("write", &file))?;

    let file = path.join("PRODUCT.yaml");
    if !file.exists() {
        fs::write(&file, PRODUCT).map_err(failed("write", &file))?;
    }
    let text = fs::read_to_string(&file).map_err(failed("read", &file))?;
    complete.product = empty_fields(&text).map_err(|error| failed("read", &file)(io::Error::other(error)))?;
    Ok(complete)
}

fn judge(catalog: &'static Catalog, recorded: &BTreeMap<String, Recorded>) -> Completeness {
    let mut complete = Completeness::default();
    for spec in catalog.specs() {
        match recorded.get(spec.test) {
            None => complete.missing.push(spec.test),
            Some(result) if !result.passed => complete.failed.push(spec.test),
            Some(_) => {}
        }
    }
    complete
}

/// Each spec's part of the log, in the order in which they ended.
fn in_order(
    catalog: &'static Catalog,
    recorded: &BTreeMap<String, Recorded>,
    path: &dyn Fn(&str) -> Option<PathBuf>,
) -> Vec<(&'static str, PathBuf)> {
    let specs = catalog.specs().iter();
    let mut logs: Vec<_> =
        specs.filter_map(|spec| Some((recorded.get(spec.test)?.line, spec.test, path(spec.test)?))).collect();
    logs.sort();
    logs.into_iter().map(|(_, test, path)| (test, path)).collect()
}

/// Joins the parts, and ends as the suite does when it runs all specs in one process. Returns whose part is gone.
fn write_log(
    path: &Path,
    logs: &[(&'static str, PathBuf)],
    recorded: &BTreeMap<String, Recorded>,
    about: About<'_>,
) -> io::Result<Vec<&'static str>> {
    let mut out = BufWriter::new(File::create(path)?);
    let mut gone = Vec::new();
    for (test, part) in logs {
        match File::open(part) {
            Ok(mut part) => {
                io::copy(&mut part, &mut out)?;
                out.write_all(b"\n")?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => gone.push(*test),
            Err(error) => return Err(error),
        }
    }
    let all = about.catalog.specs().len();
    let results: Vec<&Recorded> = about.catalog.specs().iter().filter_map(|spec| recorded.get(spec.test)).collect();
    let passed = results.iter().filter(|result| result.passed).count();
    let (ran, failed) = (results.len(), results.len() - passed);
    let seconds: f64 = results.iter().map(|result| result.took.as_secs_f64()).sum();
    let (word, last) = if passed == all { ("SUCCESS!", "PASS") } else { ("FAIL!", "FAIL") };
    write!(
        out,
        "Ran {ran} of {all} Specs in {seconds:.3} seconds\n{word} -- {passed} Passed | {failed} Failed | 0 Pending | {} Skipped\n{last}\n",
        all - ran
    )?;
    out.flush()?;
    Ok(gone)
}

fn readme(about: About<'_>, pieces: u32, clusters: Option<usize>, complete: &Completeness) -> String {
    let version = about.catalog.version();
    let all = about.catalog.specs().len();
    let passed = all - complete.failed.len() - complete.missing.len();
    let mut text = format!(
        "\
# Conformance of {cluster}

Of the {all} `[Conformance]` specs of Kubernetes {version}, {passed} passed, {failed} failed, {missing} did not run.

## How to reproduce

`kind-rs` {program} runs upstream's own `e2e.test`, built from the Kubernetes module of {version}:

    kind-rs build conformance --version {version}
    kind-rs conformance run --certified --version {version}{flags}

The cluster: {cluster}. With `--kubeconfig FILE` the same runs on any other cluster.

{images}
## How it was run

- Up to {at_once} specs ran at once, by turns on as many processes of `e2e.test` where there were enough of them; the
  `[Serial]` ones ran last, each in a process of its own, one at a time and without any other. No spec is left out, and
  none that failed was tried a second time.
- `e2e.log` is composed: it has what each spec printed, one after the other in the order in which they ended, and a last
  line that counts them, in ginkgo's form and written by `kind-rs`. `junit_01.xml` has a test case for each spec, with
  upstream's name.
",
        flags = match about.images {
            Some(TestImages::Upstream) => " --images upstream",
            Some(TestImages::Ours) => "",
            None => " --kubeconfig FILE",
        },
        images = TestImages::section(about.images, about.catalog.release()) + "\n",
        cluster = about.cluster,
        failed = complete.failed.len(),
        missing = complete.missing.len(),
        program = about.program,
        at_once = about.at_once,
    );
    if pieces > 1 {
        let on = match clusters {
            None => "nobody noted on how many clusters".to_owned(),
            Some(0 | 1) => "on one cluster".to_owned(),
            Some(count) => format!("on {count} clusters, one after the other"),
        };
        let _ = writeln!(
            text,
            "- The run was interrupted and continued: it has {pieces} pieces, {on}. A spec that was running at an\n  interruption was begun again."
        );
    }
    text
}

/// Which required fields have no value.
fn empty_fields(text: &str) -> Result<Vec<&'static str>, serde_yaml::Error> {
    let fields: BTreeMap<String, serde_yaml::Value> = serde_yaml::from_str(text)?;
    let is_empty = |field: &&str| match fields.get(*field) {
        None | Some(serde_yaml::Value::Null) => true,
        Some(serde_yaml::Value::String(text)) => text.trim().is_empty(),
        Some(_) => false,
    };
    Ok(REQUIRED.into_iter().filter(is_empty).collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn about() -> About<'static> {
        About {
            catalog: Catalog::newest(),
            cluster: "kind-rs/conformance:1",
            program: "0.1.0",
            at_once: 6,
            images: Some(TestImages::Ours),
        }
    }

    fn results(passed: impl Fn(usize) -> Option<bool>) -> BTreeMap<String, Recorded> {
        let took = Duration::from_secs(2);
        let specs = Catalog::newest().specs().iter().enumerate();
        let result = |(line, test, passed)| (test, Recorded { passed, took, process: took, line });
        specs.filter_map(|(at, spec)| Some(result((at, spec.test.to_owned(), passed(at)?)))).collect()
    }

    #[test]
    fn every_failed_or_missing_spec_is_named() {
        let specs = Catalog::newest().specs();
        let complete = judge(Catalog::newest(), &results(|at| if at == 3 { None } else { Some(at != 5) }));
        assert!(!complete.is_complete());
        assert_eq!((complete.missing, complete.failed), (vec![specs[3].test], vec![specs[5].test]));
        assert!(judge(Catalog::newest(), &results(|_| Some(true))).is_complete());
    }

    #[test]
    fn the_log_ends_as_upstreams_does_and_a_missing_part_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let recorded = results(|_| Some(true));
        let part = |test: &str| Some(folder.path().join(test.replace("::", ".")));
        let logs = in_order(Catalog::newest(), &recorded, &part);
        for (test, path) in &logs[1..] {
            fs::write(path, format!("log of {test}")).unwrap();
        }
        let path = folder.path().join("e2e.log");
        let gone = write_log(&path, &logs, &recorded, about()).unwrap();
        assert_eq!(gone, [Catalog::newest().specs()[0].test]);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(&format!("log of {}\n", Catalog::newest().specs()[1].test)), "{text}");
        let last: Vec<&str> = text.lines().rev().take(3).collect();
        let count = Catalog::newest().specs().len();
        let success = format!("SUCCESS! -- {count} Passed | 0 Failed | 0 Pending | 0 Skipped");
        let ran = format!("Ran {count} of {count} Specs in {}.000 seconds", 2 * count);
        assert_eq!(last, ["PASS", &success, &ran]);
    }

    #[test]
    fn one_spec_less_is_no_success() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e2e.log");
        write_log(&path, &[], &results(|at| (at > 0).then_some(at > 1)), about()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("FAIL! -- 460 Passed | 1 Failed | 0 Pending | 1 Skipped\nFAIL\n"), "{text}");
    }

    #[test]
    fn fields_without_a_value_are_named() {
        assert_eq!(empty_fields(PRODUCT).unwrap(), REQUIRED);
        let filled = PRODUCT.replace("vendor:", "vendor: Example").replace("version:", "version: 1.0");
        assert!(!empty_fields(&filled).unwrap().iter().any(|field| ["vendor", "version"].contains(field)));
        assert!(empty_fields("- a list").is_err());
    }

    #[test]
    fn pieces_are_told() {
        let complete = Completeness::default();
        assert!(readme(about(), 3, Some(1), &complete).contains("3 pieces, on one cluster."));
        assert!(readme(about(), 3, Some(2), &complete).contains("3 pieces, on 2 clusters, one after the other."));
        assert!(readme(about(), 3, None, &complete).contains("nobody noted on how many clusters"));
        assert!(!readme(about(), 1, Some(1), &complete).contains("pieces"));
    }

    #[test]
    fn a_submission_says_which_images_it_ran_on_and_that_its_log_is_composed() {
        let of = |images| readme(About { images, ..about() }, 1, Some(1), &Completeness::default());
        let ours = of(Some(TestImages::Ours));
        assert!(ours.contains("## Images: substitutes") && ours.contains("`e2e.log` is composed"), "{ours}");
        assert!(of(Some(TestImages::Upstream)).contains(" --images upstream\n"));
        assert!(of(None).contains(" --kubeconfig FILE\n"));
    }
}
