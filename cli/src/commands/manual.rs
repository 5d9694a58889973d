//! `kind-rs manual`: pages for `man`, one for each command.

use clap::CommandFactory;

use crate::{
    args::{Arguments, Manual},
    failure::Failure,
};

pub(crate) fn run(args: &Manual) -> Result<(), Failure> {
    let write = || {
        std::fs::create_dir_all(&args.folder)?;
        clap_mangen::generate_to(Arguments::command(), &args.folder)
    };
    write().map_err(|source| Failure::Manual { folder: args.folder.clone(), source })
}
