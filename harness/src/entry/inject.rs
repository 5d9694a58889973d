//! What a test can ask for by the type of a parameter.

use crate::cluster::Cluster;

use super::{
    context::{Arranged, TestContext},
    error::EntryError,
    namespace::TestNamespace,
};

/// A type that a parameter of a `#[kind_test]` can have.
#[diagnostic::on_unimplemented(
    message = "a `#[kind_test]` has no `{Self}` to give",
    label = "not one of the types that are injected",
    note = "injected are `Cluster`, `kube::Client`, `kube::Config`, `TestNamespace` and `TestContext`, by value or by reference",
    note = "`kube` has to be the version that kind-harness uses, which `kind_harness::kube` is",
    note = "a parameter that rstest provides carries one of its attributes, such as `#[case]` or `#[from(fixture)]`"
)]
pub trait Inject: Sized {
    /// Takes it from what was arranged for the test.
    ///
    /// # Errors
    /// When the test's access does not provide it.
    fn inject(arranged: &Arranged) -> Result<Self, EntryError>;
}

impl Inject for Cluster {
    fn inject(arranged: &Arranged) -> Result<Self, EntryError> {
        if arranged.cluster.is_ours() {
            Ok(arranged.cluster.clone())
        } else {
            Err(EntryError::NodesOutOfReach { cluster: arranged.cluster.name().to_owned() })
        }
    }
}

impl Inject for kube::Client {
    fn inject(arranged: &Arranged) -> Result<Self, EntryError> {
        Ok(arranged.client.clone())
    }
}

impl Inject for kube::Config {
    fn inject(arranged: &Arranged) -> Result<Self, EntryError> {
        Ok(arranged.config.clone())
    }
}

impl Inject for TestNamespace {
    fn inject(arranged: &Arranged) -> Result<Self, EntryError> {
        arranged.namespace.clone().ok_or(EntryError::NoNamespace)
    }
}

impl Inject for TestContext {
    fn inject(arranged: &Arranged) -> Result<Self, EntryError> {
        Ok(TestContext::new(arranged))
    }
}

/// Takes one parameter; the expansion calls this once for each, with the parameter's type at its place in the source.
///
/// # Errors
/// When the test's access does not provide it.
pub fn inject<T: Inject>(arranged: &Arranged) -> Result<T, EntryError> {
    T::inject(arranged)
}
