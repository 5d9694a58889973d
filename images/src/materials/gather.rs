//! Gathering: asks Go what is in each program, takes the licences out of Go's module cache, and asks dpkg for the rest.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use kind_engine::Command;
use serde::Deserialize;

use super::{
    bill::{self, Part, debian_purl, go_purl},
    licences::Licences,
    modules::{self, Contents, Module},
    packages,
};
use crate::{
    BuildError, Release, Step, archive::Layer, cache::file, command::HostCommand, container::BuildContainer,
    error::InStep as _, go, pod_images::Programs, source::PROGRAMS, tools, workshop::Workshop,
};

const STEP: Step = Step::ImageStore;
/// Where the bill of materials lies in an image.
const BILL: &str = "/kind/bill-of-materials.json";
/// How many modules one command is asked for.
const AT_ONCE: usize = 100;
/// Debian packages of the building machine that are linked into programs, and into which.
const LINKED: [(&str, &[&str]); 2] = [("libseccomp-dev", &["runc"]), ("libc6-dev", &["pause", "runc"])];

/// The files that an image has for those who ask what is in it.
pub(crate) struct Materials {
    bill: String,
    licences: Licences,
}

impl Materials {
    /// Writes them.
    pub(crate) fn write<W: std::io::Write>(&self, layer: &mut Layer<W>) -> std::io::Result<()> {
        layer.file(BILL, 0o644, self.bill.as_bytes())?;
        self.licences.0.iter().try_for_each(|(path, text)| layer.file(path, 0o644, text))
    }
}

/// Finds out what is in these programs and in the base image, of which a container runs.
pub(crate) async fn gather(
    workshop: &Workshop<'_>,
    container: &BuildContainer<'_>,
    programs: &Programs,
) -> Result<Materials, BuildError> {
    let release = workshop.release();
    let folder = workshop.cache.work("materials", STEP)?;
    tools::go(workshop, STEP, Release::newest()).await?;
    let folders = programs.values().map(|path| path.display().to_string());
    let command = HostCommand::new("go", &folder).args(["version", "-m"]).args(folders);
    let contents = modules::read(&workshop.run(STEP, &command).await?);
    let mut licences = Licences::default();
    let mut parts = of_go(workshop, &folder, &contents, &mut licences).await?;
    parts.extend(of_modules(workshop, &folder, &contents, &mut licences).await?);
    parts.extend(kubernetes(release, programs, &contents, &mut licences)?);
    parts.extend(linked(workshop, &folder, &mut licences).await?);
    let listed = container.exec(&Command::new(["dpkg-query", "--show", packages::FORMAT])).await?;
    for package in packages::read(&listed.success().during(STEP)?) {
        let licence = format!("/usr/share/doc/{}/copyright", package.name);
        parts.push(debian(&package, vec![licence], Vec::new()));
    }
    Ok(Materials { bill: bill::write("kind-rs/node", release.kubernetes, &parts), licences })
}

/// The standard library.
async fn of_go(
    workshop: &Workshop<'_>,
    folder: &Path,
    contents: &BTreeMap<String, Contents>,
    licences: &mut Licences,
) -> Result<Vec<Part>, BuildError> {
    let root = workshop.run(STEP, &HostCommand::new("go", folder).args(["env", "GOROOT"])).await?;
    let root = PathBuf::from(root.trim());
    let texts = licences.take(&root).map_err(file(STEP, "look for licences in", &root))?;
    let versions: BTreeSet<&String> = contents.values().map(|contents| &contents.go).collect();
    let part = |version: &String| {
        let has = |(_, contents): &(&String, &Contents)| contents.go == *version;
        let programs = contents.iter().filter(has).map(|(name, _)| name.clone()).collect();
        let (name, licences) = ("std".to_owned(), texts.clone());
        Part { name, version: version.clone(), purl: go_purl("std", version), licences, programs }
    };
    Ok(versions.into_iter().map(part).collect())
}

/// What Go says of a module.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Downloaded {
    path: String,
    version: String,
    sum: String,
    dir: PathBuf,
}

/// The published modules, each once.
async fn of_modules(
    workshop: &Workshop<'_>,
    folder: &Path,
    contents: &BTreeMap<String, Contents>,
    licences: &mut Licences,
) -> Result<Vec<Part>, BuildError> {
    let mut users: BTreeMap<&Module, Vec<String>> = BTreeMap::new();
    for (program, contents) in contents {
        for module in &contents.modules {
            users.entry(module).or_default().push(program.clone());
        }
    }
    let mut parts = Vec::new();
    let all: Vec<(&Module, Vec<String>)> = users.into_iter().collect();
    for some in all.chunks(AT_ONCE) {
        let queries = some.iter().map(|(module, _)| module.query());
        let command = go::command(workshop, folder).args(["mod", "download", "-json"]).args(queries);
        let are_known = some.iter().all(|(module, _)| module.sum.is_some());
        let command = if are_known { command } else { command.env("GONOSUMDB", "") };
        let printed = match workshop.run(STEP, &command).await {
            Err(_) if workshop.options.offline => return workshop.may_fetch(STEP).map(|()| Vec::new()),
            printed => printed?,
        };
        let found: Vec<Downloaded> =
            serde_json::Deserializer::from_str(&printed).into_iter().filter_map(Result::ok).collect();
        for (module, programs) in some {
            let of = found.iter().find(|of| of.path == module.path && of.version == module.version);
            // Where the program does not say what it was built from, Go's own database vouches for the download.
            let is_same = |of: &&Downloaded| module.sum.as_ref().is_none_or(|sum| *sum == of.sum);
            let Some(of) = of.filter(is_same) else {
                let sum = module.sum.clone().unwrap_or_else(|| "of Go's checksum database".to_owned());
                return Err(BuildError::OtherModule { step: STEP, module: module.query(), sum });
            };
            parts.push(Part {
                name: module.path.clone(),
                version: module.version.clone(),
                purl: go_purl(&module.path, &module.version),
                licences: licences.take(&of.dir).map_err(file(STEP, "look for licences in", &of.dir))?,
                programs: programs.clone(),
            });
        }
    }
    Ok(parts)
}

/// Kubernetes itself, where it is not built from its module: a folder has no name that Go could write into programs.
fn kubernetes(
    release: &Release,
    programs: &Programs,
    contents: &BTreeMap<String, Contents>,
    licences: &mut Licences,
) -> Result<Option<Part>, BuildError> {
    let (Some(_), Some(folder)) = (release.programs, programs.get(&Step::Kubernetes)) else { return Ok(None) };
    let is_local = |name: &&str| contents.get(*name).is_some_and(|contents| contents.has_local);
    let of: Vec<String> = PROGRAMS.into_iter().filter(is_local).map(str::to_owned).collect();
    if of.is_empty() {
        return Ok(None);
    }
    let (name, version) = ("k8s.io/kubernetes".to_owned(), release.kubernetes.to_owned());
    let licences = licences.take(folder).map_err(file(STEP, "look for licences in", folder))?;
    let purl = go_purl(&name, &version);
    Ok(Some(Part { name, version, purl, licences, programs: of }))
}

/// What the C compiler put into programs. Of a building machine that is no Debian, nothing is known.
async fn linked(workshop: &Workshop<'_>, folder: &Path, licences: &mut Licences) -> Result<Vec<Part>, BuildError> {
    let names = LINKED.map(|(name, _)| name);
    let command = HostCommand::new("dpkg-query", folder).args(["--show", packages::FORMAT]).args(names);
    let Some(listed) = workshop.ask(STEP, &command).await? else {
        return Ok(Vec::new());
    };
    let mut parts = Vec::new();
    for package in packages::read(&listed) {
        let programs = LINKED.iter().filter(|(name, _)| *name == package.name).flat_map(|(_, programs)| *programs);
        let text = PathBuf::from(format!("/usr/share/doc/{}/copyright", package.name));
        let texts =
            if text.exists() { vec![licences.add(&text).map_err(file(STEP, "read", &text))?] } else { Vec::new() };
        parts.push(debian(&package, texts, programs.map(|name| (*name).to_owned()).collect()));
    }
    Ok(parts)
}

fn debian(package: &packages::Package, licences: Vec<String>, programs: Vec<String>) -> Part {
    Part {
        name: package.name.clone(),
        version: package.version.clone(),
        purl: debian_purl(&package.name, &package.version, &package.architecture),
        licences,
        programs,
    }
}
