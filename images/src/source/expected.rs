//! Which images beside Kubernetes' own the programs expect: their kubeadm says it.

use super::SourceError;

/// Tags of images.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) etcd: String,
    pub(super) coredns: String,
    pub(super) pause: String,
}

impl Expected {
    /// Reads what `kubeadm config images list` prints.
    pub(super) fn read(printed: &str) -> Result<Self, SourceError> {
        let tag = |name: &'static str| {
            let mut images = printed.lines().filter_map(|line| line.trim().rsplit_once(':'));
            let image = images.find(|(image, _)| image.rsplit('/').next() == Some(name));
            image
                .map(|(_, tag)| tag.to_owned())
                .ok_or_else(|| SourceError::Images { missing: name, printed: printed.to_owned() })
        };
        Ok(Self { etcd: tag("etcd")?, coredns: tag("coredns")?, pause: tag("pause")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_by_the_images_names() {
        let printed = "W1125 a warning: with a colon\nregistry.k8s.io/kube-proxy:v1.36.3\n\
                       registry.k8s.io/coredns/coredns:v1.14.2\nregistry.k8s.io/pause:3.10.2\nregistry.k8s.io/etcd:3.6.8-0\n";
        let expected = Expected { etcd: "3.6.8-0".into(), coredns: "v1.14.2".into(), pause: "3.10.2".into() };
        assert_eq!(Expected::read(printed).unwrap(), expected);
    }

    #[test]
    fn what_is_not_there_is_named() {
        let error = Expected::read("registry.k8s.io/etcd:3.6.8-0").unwrap_err();
        assert!(matches!(error, SourceError::Images { missing: "coredns", .. }), "{error}");
    }
}
