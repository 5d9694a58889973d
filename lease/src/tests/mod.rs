//! The protocol against a machine without an engine: step by step, at random, and between real processes.

pub(super) mod death;
mod deaths;
mod fairness;
mod faults;
mod fixture;
mod game;
mod keeper_steps;
mod killed;
mod machine;
mod paused;
mod processes;
mod random;
mod schedule;
mod spare;
mod stage;
mod waiting;

pub(super) use fixture::{Fixture, dead, kept, settings};
pub(super) use game::machine_of_game;
pub(super) use machine::record;
