//! From arguments to a command, from its outcome to the exit code.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::{
    args::{Arguments, Build, Command, Create, Delete, Get},
    commands,
    console::Console,
    exit,
    failure::Failure,
    session::Session,
};

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // Also --help and --version, which go to standard output and are no error.
        Err(error) => {
            let code = if error.use_stderr() { exit::USAGE } else { exit::SUCCESS };
            // Nobody is left to be told when even that cannot be printed.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let Some(command) = arguments.command else {
        let _ = Arguments::command().print_help();
        return ExitCode::from(exit::SUCCESS);
    };
    let console = Console::new(arguments.quiet, arguments.verbosity);
    console.install_log();
    let outcome = block_on(run(command, &console));
    match outcome {
        Ok(()) => ExitCode::from(exit::SUCCESS),
        Err(failure) => {
            console.failure(&failure);
            ExitCode::from(failure.code())
        }
    }
}

fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::Runtime)?;
    let outcome = runtime.block_on(work);
    // A request to the engine that is still under way must not hold the program up.
    runtime.shutdown_background();
    outcome
}

async fn run(command: Command, console: &Console) -> Result<(), Failure> {
    if let Command::Version = command {
        return commands::version::run(console);
    }
    let session = Session::open(console)?;
    match command {
        Command::Create(Create::Cluster(args)) => commands::create_cluster::run(&session, args).await,
        Command::Delete(Delete::Cluster(args)) => commands::delete_cluster::run(&session, args).await,
        Command::Delete(Delete::Clusters(args)) => commands::delete_clusters::run(&session, args).await,
        Command::Get(Get::Clusters) => commands::get_clusters::run(&session).await,
        Command::Get(Get::Nodes(args)) => commands::get_nodes::run(&session, args).await,
        Command::Get(Get::Kubeconfig(args)) => commands::get_kubeconfig::run(&session, args).await,
        Command::Build(Build::NodeImage) => commands::build_node_image::run(&session).await,
        Command::Version => commands::version::run(console),
    }
}
