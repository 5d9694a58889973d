//! Archives of every form, what a node lacks of them, and what is sent.

mod archives;
mod nodes;
pub(crate) mod samples;
