//! Node images of a Kubernetes that is not the published module of a release: a checkout, an archive of programs, another
//! image; and of a base image that somebody else made. What all node images have in common is not here.

mod chosen;
mod checksum;
mod error;
mod tag;
mod version;
mod fetch;
mod archive;
mod checkout;
mod expected;
mod base;
mod given;

pub(crate) use archive::PROGRAMS;
#[cfg(test)]
pub(crate) use archive::tests::whole as test_archive;
pub use checksum::Checksum;
pub use chosen::{Source, SourceKind};
pub use error::SourceError;
pub(crate) use given::{adopt, given};
pub(crate) use tag::tag_of;
