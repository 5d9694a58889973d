//! Images of small programs from small root file systems.

mod built;
mod found;
mod loaded;
mod samples;
