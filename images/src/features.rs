//! What a node image says that it can do by itself.

use kind_engine::ImageFacts;

use crate::reference::labels;

/// Pods reach each other without a daemon of their own.
pub const POD_NETWORK: &str = "on-link-pods";
/// It can be the load balancer's image as well.
pub const LOAD_BALANCER: &str = "load-balancer";
/// It can be a registry.
pub const REGISTRY: &str = "registry";
/// Its kube-proxy has what the mode `ipvs` calls.
pub const IPVS: &str = "ipvs";

/// Whether an image has a feature. `kindest/node` has none.
pub fn has(image: &ImageFacts, feature: &str) -> bool {
    image.labels.get(labels::FEATURES).is_some_and(|features| features.split(',').any(|one| one == feature))
}

#[cfg(test)]
mod tests {
    use kind_engine::{Engine as _, FakeEngine};

    use super::*;

    #[tokio::test]
    async fn ours_have_all_and_others_none() {
        let engine = FakeEngine::default();
        engine.add_image("ours", &[(labels::FEATURES, labels::NODE_FEATURES)]);
        engine.add_image("other", &[(labels::FEATURES, "no-load-balancer")]);
        for feature in [POD_NETWORK, LOAD_BALANCER, REGISTRY, IPVS] {
            assert!(has(&engine.image("ours").await.unwrap().unwrap(), feature));
            assert!(!has(&engine.image("other").await.unwrap().unwrap(), feature));
        }
    }
}
