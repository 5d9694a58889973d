//! Building a component: its module file, `go build`, and for Kubernetes the one program that is written in C.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    BuildError, Release, Step, cache, command::HostCommand, components::Component, sums, tools, workshop::Workshop,
};

/// How a component is built, beyond what it says itself.
pub(crate) struct Recipe<'a> {
    /// What is built.
    pub(crate) component: &'a Component,
    /// The name of the result.
    pub(crate) key: String,
    /// The release of Kubernetes whose module it is a part of; `None` for other modules.
    pub(crate) kubernetes: Option<KubernetesModule>,
    /// The words of the command.
    pub(crate) verb: &'static [&'static str],
    /// Files of Kubernetes' module that go beside the programs, under their paths there.
    pub(crate) files: &'static [&'static str],
}

impl<'a> Recipe<'a> {
    /// How a node's component of a release is built.
    pub(crate) fn of(component: &'a Component, release: &Release) -> Self {
        let kubernetes = (component.step == Step::Kubernetes).then(|| KubernetesModule::of(release));
        Self { component, key: component.key(release), kubernetes, verb: &["build"], files: &[] }
    }
}

/// A release of Kubernetes, as its module file needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KubernetesModule {
    pub(crate) version: &'static str,
    pub(crate) staging: &'static str,
    pub(crate) go: &'static str,
}

impl KubernetesModule {
    /// The module of a release.
    pub(crate) fn of(release: &Release) -> Self {
        Self { version: release.kubernetes, staging: release.staging, go: release.go }
    }
}

/// Builds a component, or takes the result of an earlier build. Returns the folder with its programs.
pub(crate) async fn build(workshop: &Workshop<'_>, component: &Component) -> Result<PathBuf, BuildError> {
    build_as(workshop, &Recipe::of(component, workshop.release())).await
}

/// As [`build`], by a recipe.
pub(crate) async fn build_as(workshop: &Workshop<'_>, recipe: &Recipe<'_>) -> Result<PathBuf, BuildError> {
    let step = recipe.component.step;
    if let Some(result) = workshop.cache.result(&recipe.key) {
        workshop.progress.skipped(step);
        return Ok(result);
    }
    workshop.step(step, compile(workshop, recipe)).await
}

async fn compile(workshop: &Workshop<'_>, recipe: &Recipe<'_>) -> Result<PathBuf, BuildError> {
    let Recipe { component, key, verb, files, .. } = recipe;
    let step = component.step;
    if component.cgo {
        tools::c(workshop, step, true).await?;
    }
    let module = workshop.cache.work(key, step)?;
    let upstream = write_module(workshop, recipe, &module).await?;
    let unfinished = workshop.cache.begin(key, step)?;
    let output = match component.rename {
        Some(name) => unfinished.folder.join(name),
        None => unfinished.folder.join(""),
    };
    let jobs = workshop.options.jobs.map(|jobs| format!("-p={jobs}"));
    let build = command(workshop, &module)
        .env("CGO_ENABLED", if component.cgo { "1" } else { "0" })
        .args(verb.iter().copied())
        .args(["-trimpath", "-tags", component.tags, "-ldflags"])
        .args([component.linker_flags(), "-o".to_owned(), output.display().to_string()])
        .args(jobs)
        .args(&component.packages);
    workshop.run(step, &build).await?;
    check_sums(step, &module)?;
    if let Some(upstream) = upstream {
        for name in *files {
            let (source, target) = (upstream.sources.join(name), unfinished.folder.join(name));
            let copy = || {
                fs::create_dir_all(target.parent().unwrap_or(&target))?;
                // The module cache's permissions are no business of ours.
                fs::write(&target, fs::read(&source)?)
            };
            copy().map_err(cache::file(step, "copy", &source))?;
        }
        if step == Step::Kubernetes {
            compile_pause(workshop, &upstream.sources, &unfinished.folder, Some(workshop.release().pause)).await?;
        }
    }
    unfinished.finish()
}

/// Writes what Go needs to build a recipe: the module file, the checksums, and a main package of our own.
pub(crate) async fn write_module(
    workshop: &Workshop<'_>,
    recipe: &Recipe<'_>,
    folder: &Path,
) -> Result<Option<Upstream>, BuildError> {
    let step = recipe.component.step;
    tools::go(workshop, step, Release::newest()).await?;
    let (text, upstream) = match &recipe.kubernetes {
        Some(kubernetes) => {
            let upstream = download(workshop, step, kubernetes.version, folder).await?;
            (kubernetes_module(kubernetes, &upstream, step)?, Some(upstream))
        }
        None => (plain_module(recipe.component), None),
    };
    write(step, &folder.join("go.mod"), &text)?;
    write(step, &folder.join("go.sum"), sums::ALL)?;
    for file in &recipe.component.main {
        write(step, &folder.join(file.name()), file.text)?;
    }
    Ok(upstream)
}

/// Fails where a build needed a module whose checksum nobody has looked at: Go then adds it to its list.
fn check_sums(step: Step, module: &Path) -> Result<(), BuildError> {
    let path = module.join("go.sum");
    let used = fs::read_to_string(&path).map_err(cache::file(step, "read", &path))?;
    let unknown = sums::unknown(&used);
    if unknown.is_empty() { Ok(()) } else { Err(BuildError::UnknownModules { step, unknown }) }
}

/// Has Go find every package of a recipe for an architecture, which notes the checksums of what it had to look at.
pub(crate) async fn list(
    workshop: &Workshop<'_>,
    recipe: &Recipe<'_>,
    folder: &Path,
    architecture: &str,
) -> Result<(), BuildError> {
    let component = recipe.component;
    let tests = recipe.verb.contains(&"test").then_some("-test");
    let command = command(workshop, folder)
        .env("GONOSUMDB", "")
        .env("GOARCH", architecture)
        .env("CGO_ENABLED", if component.cgo { "1" } else { "0" })
        .args(["list", "-deps", "-tags", component.tags])
        .args(tests)
        .args(&component.packages);
    workshop.run(component.step, &command).await.map(drop)
}

/// Settings of Go that decide what is built or what is believed; those of the user and of the machine have no say.
const FIXED: [(&str, &str); 4] = [
    // The module file names what is wanted; the versions that this implies are filled in.
    ("GOFLAGS", "-mod=mod -buildvcs=false"),
    ("GOWORK", "off"),
    ("GOTOOLCHAIN", "local"),
    // The list of this crate is what is believed, on machines that cannot reach Go's database as well.
    ("GONOSUMDB", "*"),
];

/// The `go` command as far as it is the same for every source: no setting of the user's but where modules come from.
pub(crate) fn with_places(workshop: &Workshop<'_>, folder: &Path) -> HostCommand {
    let command = HostCommand::new("go", folder).env("GOENV", "off");
    let places = workshop.go_places.get().into_iter().flatten();
    places.fold(command, |command, (name, value)| command.env(name, value))
}

/// Where this user's Go fetches modules from and keeps them: what `GOENV=off` would otherwise hide.
pub(crate) const PLACES: [&str; 5] = ["GOPROXY", "GONOPROXY", "GOINSECURE", "GOMODCACHE", "GOCACHE"];

/// The `go` command, indifferent to settings of this machine that would change what is built.
pub(crate) fn command(workshop: &Workshop<'_>, folder: &Path) -> HostCommand {
    let command = FIXED.iter().fold(with_places(workshop, folder), |command, (name, value)| command.env(name, value));
    if workshop.options.offline { command.env("GOPROXY", "off") } else { command }
}

/// Where Go keeps upstream's module.
pub(crate) struct Upstream {
    module_file: PathBuf,
    sources: PathBuf,
}

async fn download(workshop: &Workshop<'_>, step: Step, version: &str, folder: &Path) -> Result<Upstream, BuildError> {
    let module = format!("k8s.io/kubernetes@{version}");
    let printed = workshop.run(step, &command(workshop, folder).args(["mod", "download", "-json", &module])).await?;
    let facts: serde_json::Value = serde_json::from_str(&printed).unwrap_or_default();
    let path = |name: &str| facts[name].as_str().map(PathBuf::from);
    let (found, wanted) = (facts["Sum"].as_str().unwrap_or_default(), sums::of("k8s.io/kubernetes", version));
    if Some(found) != wanted {
        let wanted = wanted.unwrap_or("none").to_owned();
        return Err(BuildError::OtherSum { step, module, found: found.to_owned(), wanted });
    }
    match (path("GoMod"), path("Dir")) {
        (Some(module_file), Some(sources)) => Ok(Upstream { module_file, sources }),
        _ => Err(BuildError::UpstreamModule { step, path: folder.to_owned() }),
    }
}

/// A module that needs the component's modules and nothing else.
fn plain_module(component: &Component) -> String {
    // Of no release, so that releases with the same component share it.
    let head = format!("module node\n\ngo {}.0\n", Release::newest().go);
    component.modules.iter().fold(head, |text, (module, version)| text + &format!("\nrequire {module} {version}\n"))
}

/// Kubernetes builds from its published modules, once the staging modules, which its own module file looks for in
/// folders beside it, are replaced by their published twins.
fn kubernetes_module(kubernetes: &KubernetesModule, upstream: &Upstream, step: Step) -> Result<String, BuildError> {
    let path = &upstream.module_file;
    let text = fs::read_to_string(path).map_err(cache::file(step, "read", path))?;
    render_kubernetes_module(kubernetes, &text)
        .ok_or_else(|| BuildError::UpstreamModule { step, path: path.to_owned() })
}

/// `None` where upstream's file does not look as expected.
fn render_kubernetes_module(kubernetes: &KubernetesModule, upstream: &str) -> Option<String> {
    let (mut required, mut staging, mut inside) = (Vec::new(), Vec::new(), false);
    for line in upstream.lines().map(str::trim) {
        match line {
            "require (" => inside = true,
            ")" => inside = false,
            _ if inside && !line.is_empty() => required.push(line),
            _ => {
                let replaced = line.trim_start_matches("replace").split_once("=> ./staging/");
                staging.extend(replaced.map(|(module, _)| module.trim()));
            }
        }
    }
    if required.is_empty() || staging.is_empty() {
        return None;
    }
    let mut text = format!(
        "module node\n\ngo {go}.0\n\ngodebug default=go{go}\n\nrequire k8s.io/kubernetes {}\n\nrequire (\n",
        kubernetes.version,
        go = kubernetes.go
    );
    for line in required {
        // Upstream's own number for them is v0.0.0, which programs would report as their dependencies' version.
        let module = line.split_whitespace().next().unwrap_or_default();
        let line = if staging.contains(&module) { format!("{module} {}", kubernetes.staging) } else { line.to_owned() };
        text = text + "\t" + &line + "\n";
    }
    text += ")\n\nreplace (\n";
    text = staging
        .iter()
        .fold(text, |text, module| text + "\t" + module + " => " + module + " " + kubernetes.staging + "\n");
    Some(text + ")\n")
}

/// The pause program of a release and Kubernetes' licence, for programs that come without.
pub(crate) async fn pause(workshop: &Workshop<'_>, release: &Release, folder: &Path) -> Result<(), BuildError> {
    let step = Step::Kubernetes;
    tools::go(workshop, step, release).await?;
    let upstream = download(workshop, step, release.kubernetes, &workshop.cache.work("download", step)?).await?;
    compile_pause(workshop, &upstream.sources, folder, Some(release.pause)).await?;
    let licence = upstream.sources.join("LICENSE");
    let copy = || fs::write(folder.join("LICENSE"), fs::read(&licence)?);
    copy().map_err(cache::file(step, "copy", &licence))
}

/// The pause program: C, static, from Kubernetes' own sources.
pub(crate) async fn compile_pause(
    workshop: &Workshop<'_>,
    sources: &Path,
    folder: &Path,
    version: Option<&str>,
) -> Result<(), BuildError> {
    let step = Step::Kubernetes;
    tools::c(workshop, step, false).await?;
    let source = sources.join("build/pause/linux/pause.c").display().to_string();
    let version = version.map(|version| format!("-DVERSION=v{version}"));
    let command =
        HostCommand::new("gcc", folder).args(["-Os", "-s", "-static"]).args(version).args(["-o", "pause", &source]);
    workshop.run(step, &command).await.map(drop)
}

fn write(step: Step, path: &Path, text: &str) -> Result<(), BuildError> {
    fs::write(path, text).map_err(cache::file(step, "write", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::components;

    const UPSTREAM: &str = "module k8s.io/kubernetes\n\ngo 1.26.0\n\nrequire (\n\tgithub.com/a/b v1.0.0\n\tk8s.io/api v0.0.0\n)\n\n\
        require (\n\tgithub.com/c/d v2.0.0 // indirect\n)\n\nreplace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n)\n";

    #[test]
    fn kubernetes_module_repeats_upstream_and_replaces_staging() {
        assert_eq!(
            render_kubernetes_module(&KubernetesModule::of(Release::newest()), UPSTREAM).unwrap(),
            "module node\n\ngo 1.26.0\n\ngodebug default=go1.26\n\nrequire k8s.io/kubernetes v1.37.2\n\nrequire (\n\
             \tgithub.com/a/b v1.0.0\n\tk8s.io/api v0.37.2\n\tgithub.com/c/d v2.0.0 // indirect\n)\n\nreplace (\n\
             \tk8s.io/api => k8s.io/api v0.37.2\n)\n"
        );
    }

    #[test]
    fn a_damaged_upstream_file_is_noticed() {
        assert_eq!(render_kubernetes_module(&KubernetesModule::of(Release::newest()), "<html>"), None);
    }

    #[test]
    fn other_modules_need_one_line() {
        let etcd = &components(Release::newest())[1];
        assert_eq!(plain_module(etcd), "module node\n\ngo 1.26.0\n\nrequire go.etcd.io/etcd/server/v3 v3.7.3\n");
    }
}
