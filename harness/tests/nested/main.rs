//! Runs within a run: a fixture workspace is copied, real runners are started in it on a real engine, and things are
//! killed. After each case an auditor looks for what is left.

mod auditing;
mod case;
mod creating;
#[path = "../live/foreign_image.rs"]
mod foreign_image;
mod fresh;
mod hub;
mod kube_versions;
mod packages;
mod project;
mod serving;
mod stranger;
mod together;
