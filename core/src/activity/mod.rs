//! What a test is doing right now: the API requests under way, the conditions it waits for, the awaits its body hangs at.
//! It is told when a test runs out of time or is ended by a signal.
//!
//! Nothing here changes what a test does, and no request's body or header is kept.

mod awaits;
mod current;
mod frames;
mod record;
mod requests;

pub use awaits::{Looked, look};
pub use current::{belong, enter, wait};
pub use record::{Activity, Doing};
pub use requests::{Recorder, client};
