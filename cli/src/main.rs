//! `kind-rs`: Kubernetes clusters in containers, on the command line. Everything is in [`app`].

mod app;
mod args;
mod commands;
mod console;
mod duration;
mod exit;
mod failure;
mod inside;
mod local_files;
mod output;
mod session;
mod signals;
mod sweep;
mod table;
mod terminal;
mod unique;

fn main() -> std::process::ExitCode {
    app::main()
}
