//! From arguments to a command, from its outcome to the exit code.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::{
    args::{Arguments, Command, Conformance, Create, Delete, Export, Get, Load, with_cluster},
    commands,
    console::Console,
    exit,
    failure::Failure,
    session::Session,
    sweep,
};

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    let arguments = match Arguments::try_parse_from(with_cluster(std::env::args_os().collect())) {
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
    let console = Console::new(arguments.quiet, arguments.verbosity, arguments.progress);
    console.install_log();
    let outcome = block_on(run(command, &console));
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            console.failure(&failure);
            ExitCode::from(failure.code())
        }
    }
}

fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::Runtime)?;
    let outcome = runtime.block_on(work);
    // A request to the engine that is still under way must not hold the program up.
    runtime.shutdown_background();
    outcome
}

/// The exit code of a command that did not fail: zero but where it is that of a command in a node.
async fn run(command: Command, console: &Console) -> Result<u8, Failure> {
    let open = || Session::open(console);
    let done = match command {
        Command::Shell(args) => return commands::shell::run(&open()?, args).await,
        Command::Kubectl(args) => return commands::kubectl::run(&open()?, args).await,
        Command::Create(Create::Cluster(args)) if args.dry_run => {
            Box::pin(commands::create_cluster::run(&open()?, args)).await
        }
        Command::Create(Create::Cluster(args)) => {
            let session = open()?;
            sweep::beside(&session, Box::pin(commands::create_cluster::run(&session, args))).await
        }
        Command::Delete(Delete::Cluster(args)) => {
            let session = open()?;
            sweep::beside(&session, commands::delete_cluster::run(&session, args)).await
        }
        Command::Delete(Delete::Clusters(args)) => {
            let session = open()?;
            // With --all it is a sweep itself.
            if args.all {
                commands::delete_clusters::run(&session, args).await
            } else {
                sweep::beside(&session, commands::delete_clusters::run(&session, args)).await
            }
        }
        Command::Start(what) => commands::power::start(&open()?, what).await,
        Command::Stop(what) => commands::power::stop(&open()?, what).await,
        Command::Restart(what) => commands::power::restart(&open()?, what).await,
        Command::Pause(what) => commands::power::pause(&open()?, what).await,
        Command::Unpause(what) => commands::power::unpause(&open()?, what).await,
        Command::Snapshot(what) => commands::snapshot::run(&open()?, what).await,
        Command::Get(Get::Clusters(args)) => commands::get_clusters::run(&open()?, args).await,
        Command::Get(Get::Nodes(args)) => commands::get_nodes::run(&open()?, args).await,
        Command::Get(Get::Kubeconfig(args)) => commands::get_kubeconfig::run(&open()?, args).await,
        Command::Export(Export::Kubeconfig(args)) => commands::export_kubeconfig::run(&open()?, args).await,
        Command::Export(Export::Logs(args)) => commands::export_logs::run(&open()?, args).await,
        Command::Load(Load::DockerImage(args)) => commands::load_docker_image::run(&open()?, args).await,
        Command::Load(Load::ImageArchive(args)) => commands::load_image_archive::run(&open()?, args).await,
        Command::Build(what) => commands::build::run(&open()?, what).await,
        Command::Conformance(Conformance::Run(args)) => commands::conformance::run(&open()?, args).await,
        Command::Conformance(Conformance::List(args)) => commands::conformance::list(args),
        Command::Ps(args) => commands::ps::run(&open()?, args).await,
        Command::Gc(args) => commands::gc::run(&open()?, args).await,
        Command::Tunnel(args) => commands::tunnel::run(&open()?, args).await,
        Command::Doctor(args) => commands::doctor::run(&open()?, args).await,
        Command::Completion(args) => commands::completion::run(&args),
        Command::Manual(args) => commands::manual::run(&args),
        Command::Report(args) => commands::report::run(&open()?, args),
        Command::Version => commands::version::run(console),
    };
    done.map(|()| exit::SUCCESS)
}
