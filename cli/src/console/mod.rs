//! Standard error: status lines, steps under way, errors. Results go to standard output and do not pass through here.

mod board;
mod json;
mod report;
mod status;
mod steps;
mod tree;

pub(crate) use board::Board;
pub(crate) use status::Console;
pub(crate) use steps::Steps;
