//! From the command line to a task, and from its error to an exit code.

use std::{error::Error, process::ExitCode};

use clap::Parser;

use crate::{
    args::{Cli, Command},
    context::Context,
    interrupt::{self, Interrupt},
    settings::Settings,
    tasks::{self, ImageChoice},
    tidy,
    ui::Ui,
    workspace::Workspace,
};

/// Any task's error.
type TaskError = Box<dyn Error + Send + Sync>;

/// Reads the command line, does what it says, and reports how it ended.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    runtime.block_on(async {
        let settings = Settings::from_environment();
        let interrupt = match Interrupt::listen() {
            Ok(interrupt) => interrupt,
            Err(error) => return failed(&error),
        };
        let workspace = Workspace::of_this_program(settings.target_dir.clone());
        let ctx = Context { settings, workspace, ui: Ui::of_this_process(), interrupt };
        match run(&ctx, cli.command).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let code = failed(&*error);
                if ctx.interrupt.check().is_err() { ExitCode::from(interrupt::EXIT_CODE) } else { code }
            }
        }
    })
}

async fn run(ctx: &Context, command: Command) -> Result<(), TaskError> {
    let choice = |arguments| ImageChoice::new(arguments, ctx.settings.image.clone());
    match command {
        Command::Demo(arguments) => tasks::demo(ctx, choice(arguments)).await?,
        Command::Test(arguments) => tasks::test(ctx, choice(arguments)).await?,
        Command::Setup(arguments) => tasks::setup(ctx, choice(arguments)).await?,
        Command::Conformance(arguments) => tasks::conformance(ctx, arguments).await?,
        Command::Tidy => tidy::check(&ctx.workspace)?,
        Command::Bench(bench) => tasks::bench(ctx, bench).await?,
        Command::Vm(arguments) => tasks::vm(ctx, arguments).await?,
        Command::Engines(arguments) => tasks::engines(ctx, arguments).await?,
        Command::Clean => tasks::clean(ctx).await?,
    }
    Ok(())
}

/// Prints an error with its causes, each on a line of its own.
fn failed(error: &(dyn Error + 'static)) -> ExitCode {
    eprintln!("\nxtask: failed to {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
    ExitCode::FAILURE
}
