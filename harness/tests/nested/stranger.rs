//! Somebody comes with a crate of their own, and everything that a cluster needs comes from a registry.

use std::{process::Command, time::Duration};

use kind_engine::Engine as _;
use kind_harness::{
    Settings,
    wait::{Check, until},
};
use kind_images::{Release, base_image_reference};

use crate::{case::play_alone, foreign_image, hub::Hub, project::Project};

/// The README's first test on nodes laid out as kind's with upstream's kind of nginx before them.
/// The node image itself is not pulled here, which would take as long as all the rest.
#[test]
fn the_first_test_of_the_readme() {
    play_alone(async |case| {
        let settings = Settings::from_environment().expect("settings");
        let image = foreign_image::make(&settings, &case.engine).await.expect("the foreign image is made");
        let Some(image) = image else {
            eprintln!(
                "SKIPPED: this run's node image is not one of ours, or there is no base image to be served as nginx"
            );
            return;
        };
        let project = Project::of_the_readme();
        let base = base_image_reference(Release::newest());
        let name = ("library/nginx", "1.27.5");
        let hub = Hub::open(&case.engine, &base, name, &["nginx", "-g", "daemon off;"], case.folder()).await;
        let balancer = format!("{}/{}:{}", hub.address(), name.0, name.1);
        let equip = |command: &mut Command| {
            command.env("KIND_TEST_IMAGE", &image).env("KIND_TEST_LOAD_BALANCER_IMAGE", &balancer);
        };

        let run = case.start(&project, &["nextest", "run", "--offline"], equip);
        let printed = run.pass(case).await;
        assert!(printed.contains("1 test run: 1 passed"), "{printed}");
        let served = hub.served();
        // Of an image that it has under another name, an engine asks for no more than the manifest.
        assert!(served.iter().any(|wanted| wanted.contains("library/nginx/manifests/")), "{served:?}");
        // Three control planes, a worker and the load balancer.
        assert_eq!(case.auditor.containers_seen(), 5);
        // The cluster goes after the run, and its load balancer uses the image until then.
        let engine = &case.engine;
        let removed = until("the end of the load balancer", Duration::from_secs(120), async || {
            match engine.remove_image(&balancer).await {
                Ok(()) => Check::Done(()),
                Err(error) => Check::not_yet(error),
            }
        });
        removed.await.expect("remove what was pulled");
    });
}
