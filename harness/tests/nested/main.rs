//! Runs within a run: a fixture workspace is copied, real runners are started in it on a real engine, and things are
//! killed. After each case an auditor looks for what is left.

mod auditing;
mod case;
mod creating;
mod project;
mod serving;
mod together;
