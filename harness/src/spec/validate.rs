//! What a specification must hold before anything is created.

use super::{AddressPlan, ClusterSpec, Role, family::Range};

/// A specification that cannot become a cluster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// There is nothing to initialise the cluster on.
    #[error("a cluster needs at least one control plane, this one has none; add a node with `role: control-plane`")]
    NoControlPlane,
    /// More nodes than addresses.
    #[error("{count} nodes: at most {} fit into one cluster", AddressPlan::MOST_NODES)]
    TooManyNodes {
        /// How many there are.
        count: usize,
    },
    /// A range of addresses is not one.
    #[error("{field} {value:?}: expected {expected}")]
    Subnet {
        /// The field's name in a configuration file.
        field: &'static str,
        /// What was given.
        value: String,
        /// What is allowed, with an example.
        expected: &'static str,
    },
    /// A manifest that is named and not read.
    #[error("manifest {path} is not read: read the configuration with `config_file`, or set its content")]
    Manifest {
        /// Its path.
        path: String,
    },
    /// A name that is not usable.
    #[error(transparent)]
    Name(#[from] super::NameError),
    /// A name that is not usable for this shape.
    #[error(transparent)]
    LongName(#[from] super::NameTooLong),
}

impl ClusterSpec {
    /// Checks the specification as a whole.
    ///
    /// # Errors
    /// Every mistake, not only the first.
    pub fn validate(&self) -> Result<(), Vec<SpecError>> {
        let mut errors = Vec::new();
        let control_planes = self.of_role(Role::ControlPlane).count();
        if control_planes == 0 {
            errors.push(SpecError::NoControlPlane);
        }
        if self.nodes.len() > AddressPlan::MOST_NODES {
            errors.push(SpecError::TooManyNodes { count: self.nodes.len() });
        }
        if let Some(name) = &self.name {
            match super::ClusterName::new(name.clone()) {
                Ok(name) => errors.extend(name.fits(self).err().map(SpecError::LongName)),
                Err(error) => errors.push(error.into()),
            }
        }
        let networking = &self.networking;
        let ranges = [
            ("podSubnet", Range::Pods, &networking.pod_subnet),
            ("serviceSubnet", Range::Services, &networking.service_subnet),
        ];
        for (field, range, value) in ranges {
            if let Some(expected) = networking.ip_family.refuses(range, value) {
                errors.push(SpecError::Subnet { field, value: value.clone(), expected });
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_plane_and_a_bad_range_are_both_named() {
        let mut spec = ClusterSpec::default().control_planes(0);
        spec.networking.pod_subnet = "10.244.0.0".to_owned();
        let text: Vec<String> = spec.validate().unwrap_err().iter().map(ToString::to_string).collect();
        assert!(text[0].contains("at least one control plane"), "{text:?}");
        assert!(text[1].contains("podSubnet"), "{text:?}");
    }
}
