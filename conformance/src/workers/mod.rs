//! Processes of the suite that run one spec after the other, so that many specs do not pay for as many starts.
//!
//! Ginkgo's own way to run specs in parallel is used for it: its processes ask a server which spec is next, and tell it
//! what became of each. Here the server is ours, so that the order is ours, too. Which specs there are is not known here,
//! nor who has which cluster.

mod order;
mod pool;
mod process;
mod protocol;
#[cfg(test)]
mod tests;

pub(crate) use pool::Pool;
