//! What a node image says that it can do by itself.

use kind_engine::ImageFacts;

/// The label that lists it, separated by commas. `kindest/node` has none.
const LABEL: &str = "io.kind-rs.features";
/// Pods reach each other without a daemon of their own.
pub(super) const POD_NETWORK: &str = "on-link-pods";
/// It can be the load balancer's image as well.
pub(super) const LOAD_BALANCER: &str = "load-balancer";

/// Whether an image has a feature.
pub(super) fn has(image: &ImageFacts, feature: &str) -> bool {
    image.labels.get(LABEL).is_some_and(|features| features.split(',').any(|one| one == feature))
}
