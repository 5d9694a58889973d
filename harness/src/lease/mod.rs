//! Who uses which cluster: tests of any process share one, somebody makes it once, and it goes when nobody needs it.
//!
//! The protocol is in `docs/design/sharing.md`. Making and removing clusters is `provision`'s work; this module only
//! decides when. Reading order:

mod acquire;
mod collect;
mod detached;
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
mod process;
mod provisioner;
mod real;
mod runs;
mod scope;
mod starter;
mod state;
mod step;
mod template;
#[cfg(test)]
mod tests;
mod visit;

pub use collect::{collect, give_up};
pub(crate) use detached::{Detached, start_detached};
pub use entry::acquire;
pub use error::LeaseError;
pub(crate) use fresh::acquire_fresh;
pub use handle::{Access, Holder, Lease, Outcome};
pub(crate) use keeper::run_keeper;
pub use keeper::{Effect, Extent, SweepOutcome, Swept};
pub use list::{ClusterState, ClusterView, ContainerView, HolderView, Overview, Removal, overview};
pub(crate) use marks::LastWord;
pub(crate) use order::Order;
pub use orphans::collect_orphans;
pub(crate) use process::ProcessId;
pub(crate) use scope::Scope;
pub(crate) use template::Preparation;
pub(crate) use visit::{Visit, visit};
