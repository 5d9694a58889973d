//! The checksums of all modules that go into images: the list, looking into it, and making it anew.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    BuildError, BuildOptions, Progress, Release,
    cache::{Cache, file},
    command::Host,
    components::components,
    conformance, go,
    go::Recipe,
    workshop::Workshop,
};

/// The list, in the form of Go's own `go.sum`. Every build gets it and may not need more than it has, whatever Go's checksum
/// database says and whether anybody asks it.
pub(crate) const ALL: &str = include_str!("../modules/go.sum");

/// The architectures whose programs are built.
const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];

/// The checksum of a module's files.
pub(crate) fn of(module: &str, version: &str) -> Option<&'static str> {
    let head = format!("{module} {version} ");
    ALL.lines().find_map(|line| line.strip_prefix(&head))
}

/// The lines of another list that are not in ours.
pub(crate) fn unknown(used: &str) -> Vec<String> {
    let known: BTreeSet<&str> = ALL.lines().collect();
    let lines = used.lines().filter(|line| !line.trim().is_empty() && !known.contains(line));
    lines.map(str::to_owned).collect()
}

/// Makes the list anew: of every module that a program of any release needs, on any architecture. It asks Go's checksum
/// database for what is not in the list so far, and needs the network.
///
/// # Errors
/// A [`BuildError`] that names the step.
pub async fn module_sums(options: &BuildOptions, progress: &dyn Progress) -> Result<String, BuildError> {
    let (host, mut lines) = (Host::default(), BTreeSet::new());
    let step = crate::Step::Kubernetes;
    let cache = Cache::open(options, step, progress).await?;
    let workshop = Workshop::new(options, cache, &host, progress);
    for release in Release::all() {
        let of_node = components(release);
        let of_node = of_node.iter().map(|component| Recipe::of(component, release));
        let of_suite = conformance::programs(release);
        let mut recipes: BTreeMap<String, Recipe<'_>> = of_node.map(|recipe| (recipe.key.clone(), recipe)).collect();
        recipes.extend(of_suite.iter().map(|program| (program.key(), program.recipe())));
        for (key, recipe) in &recipes {
            let folder = workshop.cache.empty_work(&format!("sums-{key}"), recipe.component.step)?;
            go::write_module(&workshop, recipe, &folder).await?;
            for architecture in ARCHITECTURES {
                workshop.step(recipe.component.step, go::list(&workshop, recipe, &folder, architecture)).await?;
            }
            let path = folder.join("go.sum");
            let text = std::fs::read_to_string(&path).map_err(file(recipe.component.step, "read", &path))?;
            lines.extend(text.lines().map(str::to_owned));
        }
    }
    Ok(lines.into_iter().fold(String::new(), |text, line| text + &line + "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_that_is_built_has_a_checksum() {
        for release in Release::all() {
            let programs = conformance::programs(release);
            let of_suite = programs.iter().map(|program| program.recipe().component.clone());
            for component in components(release).into_iter().chain(of_suite) {
                for (module, version) in component.modules {
                    assert!(
                        of(module, version).is_some_and(|sum| sum.starts_with("h1:")),
                        "{module} {version} has no checksum: `cargo run -p kind-images --example module-sums` adds it"
                    );
                }
            }
        }
    }

    #[test]
    fn the_list_is_sorted_and_says_one_thing_of_each_module() {
        let lines: Vec<&str> = ALL.lines().collect();
        assert!(lines.is_sorted());
        let names: BTreeSet<&str> = lines.iter().filter_map(|line| Some(line.rsplit_once(' ')?.0)).collect();
        assert_eq!(names.len(), lines.len());
    }

    #[test]
    fn what_is_not_in_the_list_is_told() {
        let first = ALL.lines().next().unwrap();
        assert_eq!(unknown(&format!("{first}\nexample.com/a v1.0.0 h1:x=\n\n")), ["example.com/a v1.0.0 h1:x="]);
        let changed = first.replace("h1:", "h1:x");
        assert_eq!(unknown(&changed), std::slice::from_ref(&changed));
    }
}
