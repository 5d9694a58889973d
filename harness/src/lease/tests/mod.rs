//! The protocol against a machine without an engine: step by step, at random, and between real processes.

mod keeper_steps;
mod machine;
mod processes;
mod schedule;
mod stage;
mod waiting;
