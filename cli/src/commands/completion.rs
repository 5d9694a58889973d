//! `kind-rs completion`.

use clap::CommandFactory;
use clap_complete::{Shell as Generator, generate};

use crate::{
    args::{Arguments, Completion, ShellKind},
    failure::Failure,
    output::print,
};

pub(crate) fn run(args: &Completion) -> Result<(), Failure> {
    let generator = match args.shell {
        ShellKind::Bash => Generator::Bash,
        ShellKind::Zsh => Generator::Zsh,
        ShellKind::Fish => Generator::Fish,
        ShellKind::Powershell => Generator::PowerShell,
    };
    let mut script = Vec::new();
    generate(generator, &mut Arguments::command(), "kind-rs", &mut script);
    // clap_complete 4.6 writes the hyphen of the program's name in two ways in bash's script, of which one leads nowhere.
    print(&String::from_utf8_lossy(&script).replace("kind__subcmd__rs", "kind__rs"))
}
