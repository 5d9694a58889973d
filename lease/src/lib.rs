//! Who uses which cluster: tests of any process share one, somebody makes it once, and it goes when nobody needs it.
//!
//! The protocol is in `docs/design/sharing.md`. Making and removing clusters is `kind_core::provision`'s work; this crate
//! only decides when. Its interface changes without notice; depend on `kind-harness`. Reading order:

mod before_main;
mod acquire;
mod collect;
mod entry;
mod error;
mod fate;
mod fitness;
mod folder;
mod fresh;
mod gate;
mod handle;
mod keeper;
mod key;
mod list;
mod lock;
mod marks;
mod mend;
mod notice;
mod order;
mod orphans;
mod provisioner;
mod real;
mod runs;
mod starter;
mod state;
mod step;
mod template;
#[cfg(test)]
mod tests;
mod visit;

pub use collect::{collect, give_up};
pub use entry::acquire;
pub use error::LeaseError;
pub use fresh::acquire_fresh;
pub use handle::{Holder, Lease, Outcome};
pub use keeper::{Effect, Extent, SweepOutcome, Swept};
pub use list::{ClusterState, ClusterView, ContainerView, HolderView, Overview, Removal, overview};
pub use marks::LastWord;
pub use orphans::collect_orphans;
pub use template::Preparation;
pub use visit::{Visit, visit};
