//! Tests of whole test processes on somebody else's cluster, which is a scripted API: what they print, what they leave, how
//! they end when they hang or are ended by a signal. No engine is needed.

mod api;
mod before_main;
mod child;
mod hanging;
mod interrupted;
mod visiting;
