//! The programs of the suite and of its test images, all from their Go modules. Plain data.

use crate::{
    Release, Step,
    components::{Component, reporting},
    digest::Digest,
    go::{KubernetesModule, Recipe},
};

/// Files of Kubernetes' module that lie in test images.
pub(super) const FILES: &[&str] = &[
    "test/images/agnhost/porter/localhost.crt",
    "test/images/agnhost/porter/localhost.key",
    "test/images/kitten/html/data.json",
    "test/images/kitten/html/kitten.jpg",
    "test/images/nautilus/html/data.json",
    "test/images/nautilus/html/nautilus.jpg",
];

/// A component, and how it is built.
pub(crate) struct Program {
    component: Component,
    kubernetes: Option<KubernetesModule>,
    verb: &'static [&'static str],
    files: &'static [&'static str],
}

impl Program {
    /// The name of its result: changes with everything that the result depends on.
    pub(crate) fn key(&self) -> String {
        let digest = Digest::new("conformance program 1")
            .field("architecture", std::env::consts::ARCH)
            .field("component", format!("{:?}", self.component))
            .field("kubernetes", format!("{:?}", self.kubernetes))
            .field("verb", self.verb.join(" "))
            .field("files", self.files.join(" "));
        format!("{}-{}", self.component.step.slug(), digest.short())
    }

    /// How it is built.
    pub(crate) fn recipe(&self) -> Recipe<'_> {
        Recipe {
            component: &self.component,
            key: self.key(),
            kubernetes: self.kubernetes,
            verb: self.verb,
            files: self.files,
        }
    }

    /// The step that builds it.
    pub(super) fn step(&self) -> Step {
        self.component.step
    }
}

/// Every program, the suite first: it takes longest, and the others reuse much of what it compiled. None where the
/// release's suite is not offered.
pub(crate) fn programs(release: &Release) -> Vec<Program> {
    let Some(conformance) = &release.conformance else { return Vec::new() };
    let current = KubernetesModule::of(release);
    let kubernetes = |step, version| Component::new(step, "k8s.io/kubernetes", version);
    let suite = Component {
        rename: Some("e2e.test"),
        ..reporting(kubernetes(Step::ConformanceSuite, release.kubernetes).packages(&["test/e2e"]), release)
    };
    let current_images =
        kubernetes(Step::TestPrograms, release.kubernetes).packages(&["test/images/agnhost", "test/images/nonewprivs"]);
    let previous = conformance.agnhost_previous_module;
    let previous_images = kubernetes(Step::PreviousTestPrograms, previous.version).packages(&["test/images/agnhost"]);
    let api_server =
        Component::new(Step::SampleApiServer, "k8s.io/sample-apiserver", conformance.sample_apiserver_module)
            .packages(&[""]);
    let program = |component, kubernetes, files| Program { component, kubernetes, verb: &["build"], files };
    vec![
        Program { component: suite, kubernetes: Some(current), verb: &["test", "-c", "-vet=off"], files: &[] },
        program(current_images, Some(current), FILES),
        program(previous_images, Some(previous), &[]),
        program(api_server, None, &[]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suite_is_a_test_binary_that_reports_the_release() {
        let programs = programs(Release::newest());
        let recipe = programs[0].recipe();
        assert_eq!(recipe.verb[..2], ["test", "-c"]);
        assert!(recipe.component.linker_flags().contains("version.gitVersion=v1.37.2"));
    }

    #[test]
    fn keys_tell_the_two_generations_apart() {
        let keys: Vec<String> = programs(Release::newest()).iter().map(Program::key).collect();
        let different: std::collections::BTreeSet<_> = keys.iter().map(|key| key.rsplit('-').next()).collect();
        assert_eq!(different.len(), keys.len(), "{keys:?}");
    }
}
