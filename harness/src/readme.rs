//! The README, whose examples compile as those of the documentation do. Nothing else is here.

#![doc = include_str!("../../README.md")]
