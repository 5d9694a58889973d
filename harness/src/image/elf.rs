//! What the headers of a program say: what it runs on, its loader, its libraries and where they are, and which part of the
//! file is run at all.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use elf::{
    ElfStream,
    abi::{
        DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_STRSZ, DT_STRTAB, EM_386, EM_AARCH64, EM_ARM, EM_LOONGARCH, EM_PPC64,
        EM_RISCV, EM_S390, EM_X86_64, ET_DYN, ET_EXEC, PT_DYNAMIC, PT_INTERP, PT_LOAD,
    },
    dynamic::DynamicTable,
    endian::{AnyEndian, EndianParse as _},
    file::Class,
    segment::ProgramHeader,
};

use super::ImageError;

/// The longest table of texts that is read.
const LARGEST_TEXT: u64 = 16 << 20;

/// What a program or library says of itself. Only headers are read: debug builds are big.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Headers {
    pub(super) machine: Machine,
    /// The path of the loader; `None` for libraries and static programs.
    pub(super) loader: Option<String>,
    /// File names of libraries, or paths.
    pub(super) libraries: Vec<String>,
    /// Folders to look for them, for this file alone.
    pub(super) run_path: Vec<String>,
    /// The same in the old way, which also counts for libraries of libraries.
    pub(super) inherited_path: Vec<String>,
}

/// What something runs on. A loader passes over libraries for another machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Machine {
    number: u16,
    is_64: bool,
    is_little: bool,
}

impl Machine {
    /// The architecture, as images name it.
    pub(super) fn architecture(self) -> String {
        let name = match (self.number, self.is_little) {
            (EM_X86_64, _) => "amd64",
            (EM_AARCH64, _) => "arm64",
            (EM_386, _) => "386",
            (EM_ARM, _) => "arm",
            (EM_RISCV, _) if self.is_64 => "riscv64",
            (EM_PPC64, true) => "ppc64le",
            (EM_S390, _) => "s390x",
            (EM_LOONGARCH, _) => "loong64",
            _ => return format!("machine {}", self.number),
        };
        name.to_owned()
    }

    /// Debian's folder of libraries.
    pub(super) fn triplet(self) -> Option<&'static str> {
        Some(match self.architecture().as_str() {
            "amd64" => "x86_64-linux-gnu",
            "arm64" => "aarch64-linux-gnu",
            "386" => "i386-linux-gnu",
            "arm" => "arm-linux-gnueabihf",
            "riscv64" => "riscv64-linux-gnu",
            "ppc64le" => "powerpc64le-linux-gnu",
            "s390x" => "s390x-linux-gnu",
            "loong64" => "loongarch64-linux-gnu",
            _ => return None,
        })
    }

    pub(super) fn is_64(self) -> bool {
        self.is_64
    }
}

impl Headers {
    /// Reads them.
    pub(super) fn of(path: &Path) -> Result<Self, ImageError> {
        let read = ImageError::file("read", path);
        let file = File::open(path).map_err(read)?;
        let damaged = |problem: String| ImageError::Damaged { path: path.to_owned(), problem };
        let mut again = file.try_clone().map_err(ImageError::file("read", path))?;
        let mut elf = ElfStream::<AnyEndian, _>::open_stream(file).map_err(|error| damaged(error.to_string()))?;
        let (class, order) = (elf.ehdr.class, elf.ehdr.endianness);
        if ![ET_EXEC, ET_DYN].contains(&elf.ehdr.e_type) {
            return Err(damaged("it is neither a program nor a library".to_owned()));
        }
        let machine =
            Machine { number: elf.ehdr.e_machine, is_64: class == Class::ELF64, is_little: order.is_little() };
        let mut headers =
            Self { machine, loader: None, libraries: Vec::new(), run_path: Vec::new(), inherited_path: Vec::new() };
        let segments = elf.segments().clone();
        let find = |kind: u32| segments.iter().find(|segment| segment.p_type == kind);
        if let Some(segment) = find(PT_INTERP) {
            let text = elf.segment_data(segment).map_err(|error| damaged(error.to_string()))?;
            headers.loader = Some(String::from_utf8_lossy(text).trim_end_matches('\0').to_owned());
        }
        let Some(segment) = find(PT_DYNAMIC) else { return Ok(headers) };
        let data = elf.segment_data(segment).map_err(|error| damaged(error.to_string()))?;
        let entries: Vec<(i64, u64)> =
            DynamicTable::new(order, class, data).iter().map(|entry| (entry.d_tag, entry.d_val())).collect();
        let texts = texts(&mut again, &segments, &entries).map_err(|error| damaged(error.to_string()))?;
        for (tag, value) in entries {
            let text = || text_at(&texts, value).ok_or_else(|| damaged(format!("no text at {value}")));
            let folders = |text: String| text.split(':').map(str::to_owned).collect();
            match tag {
                DT_NEEDED => headers.libraries.push(text()?),
                DT_RUNPATH => headers.run_path = folders(text()?),
                DT_RPATH => headers.inherited_path = folders(text()?),
                _ => {}
            }
        }
        if !headers.run_path.is_empty() {
            headers.inherited_path.clear();
        }
        Ok(headers)
    }
}

/// The table of texts, which is found by the address that it is loaded to.
fn texts(file: &mut File, segments: &[ProgramHeader], entries: &[(i64, u64)]) -> io::Result<Vec<u8>> {
    let find = |wanted: i64| entries.iter().find(|(tag, _)| *tag == wanted).map(|(_, value)| *value);
    let (Some(address), Some(size)) = (find(DT_STRTAB), find(DT_STRSZ)) else { return Ok(Vec::new()) };
    let holds = |segment: &&ProgramHeader| {
        let inside = address.checked_sub(segment.p_vaddr).is_some_and(|offset| offset < segment.p_filesz);
        segment.p_type == PT_LOAD && inside
    };
    let segment = segments.iter().find(holds).ok_or_else(|| io::Error::other("its table of texts is not in it"))?;
    if size > LARGEST_TEXT {
        return Err(io::Error::other("its table of texts is too large"));
    }
    file.seek(SeekFrom::Start(segment.p_offset.saturating_add(address - segment.p_vaddr)))?;
    let mut texts = Vec::new();
    file.take(size).read_to_end(&mut texts)?;
    Ok(texts)
}

fn text_at(texts: &[u8], offset: u64) -> Option<String> {
    let text = texts.get(usize::try_from(offset).ok()?..)?;
    let end = text.iter().position(|byte| *byte == 0)?;
    Some(String::from_utf8_lossy(&text[..end]).into_owned())
}

/// The file without what is not loaded when it runs: debug information and section headers, most of a debug build.
pub(super) fn loaded_part(mut file: Vec<u8>) -> Vec<u8> {
    let Ok(elf) = elf::ElfBytes::<AnyEndian>::minimal_parse(&file) else { return file };
    let segments = elf.segments().into_iter().flatten();
    let end = segments.map(|segment| segment.p_offset.saturating_add(segment.p_filesz)).max().unwrap_or(0);
    let end = usize::try_from(end).unwrap_or(usize::MAX);
    if elf.ehdr.class != Class::ELF64 || end < 0x40 || end > file.len() {
        return file;
    }
    file.truncate(end);
    // Where the header of a 64-bit file says where its sections are, and how many: `e_shoff`, `e_shnum`, `e_shstrndx`.
    for range in [0x28..0x30, 0x3c..0x40] {
        file[range].fill(0);
    }
    file
}

/// What a file is that is no program, and what to do.
pub(super) fn not_a_program(path: &Path) -> Result<Option<ImageError>, ImageError> {
    let mut head = Vec::new();
    let file = File::open(path).map_err(ImageError::file("read", path))?;
    file.take(64).read_to_end(&mut head).map_err(ImageError::file("read", path))?;
    let (found, way) = match head.as_slice() {
        [0x7f, b'E', b'L', b'F', ..] => return Ok(None),
        [] => ("an empty file".to_owned(), "build it first"),
        [b'#', b'!', rest @ ..] => {
            let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let way = "name the program that it starts, or build an image with its interpreter elsewhere and use `from_archive`";
            (format!("a script that begins with `#!{}`", String::from_utf8_lossy(line).trim_end()), way)
        }
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] | [0xfe, 0xed, 0xfa, 0xcf | 0xce, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => (
            "a program for macOS".to_owned(),
            "build it for Linux, as with `cargo build --target x86_64-unknown-linux-musl`, and name that file",
        ),
        [b'M', b'Z', ..] => ("a program for Windows".to_owned(), "build it for Linux and name that file"),
        _ => ("another kind of file".to_owned(), "name the program's own file"),
    };
    Ok(Some(ImageError::NotAProgram { path: path.to_owned(), found, way }))
}

#[cfg(test)]
mod tests {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt as _, path::PathBuf, process::Command};

    use super::*;

    fn this_program() -> PathBuf {
        std::env::current_exe().unwrap()
    }

    #[test]
    fn a_test_program_needs_a_loader_and_the_c_library() {
        let headers = Headers::of(&this_program()).unwrap();
        assert!(headers.loader.unwrap().contains("ld-linux"));
        assert!(headers.libraries.iter().any(|name| name.starts_with("libc.so")), "{:?}", headers.libraries);
        let expected = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
        assert_eq!(headers.machine.architecture(), expected);
    }

    #[test]
    fn what_is_no_program_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (content, found) in [
            (
                &b"#!/usr/bin/env python3\nx"[..],
                "a script that begins with `#!/usr/bin/env python3`, expected a program",
            ),
            (b"\xcf\xfa\xed\xfe....", "a program for macOS"),
            (b"MZ..", "a program for Windows"),
            (b"", "an empty file"),
            (b"text", "another kind of file"),
        ] {
            std::fs::write(&path, content).unwrap();
            let error = not_a_program(&path).unwrap().unwrap().to_string();
            assert!(error.contains(found), "{error}");
        }
        assert!(not_a_program(&this_program()).unwrap().is_none());
    }

    #[test]
    fn what_is_cut_off_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let whole = std::fs::read(this_program()).unwrap();
        for length in [4, 20, 70, 1000] {
            std::fs::write(&path, &whole[..length]).unwrap();
            let error = Headers::of(&path).unwrap_err();
            assert!(matches!(error, ImageError::Damaged { .. }), "{length}: {error}");
        }
    }

    #[test]
    fn the_loaded_part_is_smaller_and_still_runs() {
        let whole = std::fs::read(this_program()).unwrap();
        let part = loaded_part(whole.clone());
        assert!(part.len() < whole.len());
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        std::fs::write(&program, part).unwrap();
        std::fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        assert_eq!(Headers::of(&program).unwrap(), Headers::of(&this_program()).unwrap());
        let output = Command::new(&program).arg("--list").output().unwrap();
        assert!(output.status.success());
        assert!(String::from_utf8(output.stdout).unwrap().contains("the_loaded_part_is_smaller_and_still_runs"));
    }
}
