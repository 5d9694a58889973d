//! What the headers of a program say: its loader, its libraries, and which part of the file is run at all.

use anyhow::Context as _;
use goblin::elf::Elf;

/// The loader and the libraries that a program or library names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Needs {
    /// The path of the loader; `None` for libraries and static programs.
    pub(super) loader: Option<String>,
    /// File names of libraries.
    pub(super) libraries: Vec<String>,
}

impl Needs {
    pub(super) fn of(file: &[u8]) -> anyhow::Result<Self> {
        let elf = Elf::parse(file).context("not a program or library")?;
        Ok(Self {
            loader: elf.interpreter.map(str::to_owned),
            libraries: elf.libraries.iter().map(|&name| name.to_owned()).collect(),
        })
    }
}

/// The file without what is not loaded when it runs: debug information and section headers, most of a debug build.
/// Programs run the same without; debuggers do not.
pub(super) fn loaded_part(mut file: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    let elf = Elf::parse(&file).context("not a program or library")?;
    if !elf.is_64 {
        return Ok(file);
    }
    let end = elf.program_headers.iter().map(|segment| segment.p_offset + segment.p_filesz).max().unwrap_or(0);
    let end = usize::try_from(end).context("a segment beyond the address space")?;
    // Offsets of e_shoff, and of e_shnum with e_shstrndx after it, in the header of a 64-bit file.
    let zeroed = [0x28..0x30, 0x3c..0x40];
    if end < 0x40 || end > file.len() {
        return Ok(file);
    }
    file.truncate(end);
    for range in zeroed {
        file[range].fill(0);
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn this_program() -> Vec<u8> {
        std::fs::read(std::env::current_exe().unwrap()).unwrap()
    }

    #[test]
    fn a_test_program_needs_a_loader_and_the_c_library() {
        let needs = Needs::of(&this_program()).unwrap();
        assert!(needs.loader.unwrap().contains("ld-linux"));
        assert!(needs.libraries.iter().any(|name| name.starts_with("libc.so")), "{:?}", needs.libraries);
    }

    #[test]
    fn text_is_no_program() {
        assert_eq!(Needs::of(b"#!/bin/sh\n").unwrap_err().to_string(), "not a program or library");
    }

    #[test]
    fn the_loaded_part_is_smaller_and_still_runs() {
        use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};

        let whole = this_program();
        let part = loaded_part(whole.clone()).unwrap();
        assert!(part.len() < whole.len());
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        std::fs::write(&program, part).unwrap();
        std::fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        let output = Command::new(&program).arg("--list").output().unwrap();
        assert!(output.status.success());
        assert!(String::from_utf8(output.stdout).unwrap().contains("the_loaded_part_is_smaller_and_still_runs"));
    }
}
