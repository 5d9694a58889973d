//! Programs and libraries that are all headers, and roots with them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use elf::abi::{DT_NEEDED, DT_NULL, DT_STRSZ, DT_STRTAB, EM_X86_64, ET_DYN, PT_DYNAMIC, PT_INTERP, PT_LOAD};

/// What a program or library says.
pub(super) struct Sample<'a> {
    pub(super) machine: u16,
    pub(super) loader: Option<&'a str>,
    pub(super) libraries: &'a [&'a str],
    /// `DT_RUNPATH` or `DT_RPATH`, and the folders.
    pub(super) folders: Option<(i64, &'a str)>,
}

/// The usual loader.
pub(super) const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

/// A library.
pub(super) const PLAIN: Sample<'_> = Sample { machine: EM_X86_64, loader: None, libraries: &[], folders: None };
/// A program without libraries.
pub(super) const PROGRAM: Sample<'_> = Sample { loader: Some(LOADER), ..PLAIN };

impl Sample<'_> {
    pub(super) fn bytes(&self) -> Vec<u8> {
        const HEADERS: usize = 64 + 3 * 56;
        let mut texts = vec![0];
        let mut text = |text: &str| {
            let at = texts.len() as u64;
            texts.extend(text.bytes().chain([0]));
            at
        };
        let mut entries: Vec<(i64, u64)> = self.libraries.iter().map(|name| (DT_NEEDED, text(name))).collect();
        entries.extend(self.folders.map(|(tag, folders)| (tag, text(folders))));
        entries.extend([(DT_STRTAB, HEADERS as u64), (DT_STRSZ, texts.len() as u64), (DT_NULL, 0)]);
        let loader: Vec<u8> = self.loader.iter().flat_map(|loader| loader.bytes().chain([0])).collect();
        let dynamic: Vec<u8> =
            entries.iter().flat_map(|(tag, value)| [tag.to_le_bytes(), value.to_le_bytes()].concat()).collect();
        let (at_loader, at_dynamic) = (HEADERS + texts.len(), HEADERS + texts.len() + loader.len());
        let end = at_dynamic + dynamic.len();
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(16, 0);
        bytes.extend(ET_DYN.to_le_bytes());
        bytes.extend(self.machine.to_le_bytes());
        bytes.extend(1_u32.to_le_bytes());
        // Entry, where the segments' headers are, and the sections'.
        bytes.extend([0_u64, 64, 0].map(u64::to_le_bytes).concat());
        bytes.extend(0_u32.to_le_bytes());
        bytes.extend([64_u16, 56, 3, 64, 0, 0].map(u16::to_le_bytes).concat());
        let kind_of_loader = if self.loader.is_some() { PT_INTERP } else { 0 };
        for (kind, at, size) in
            [(PT_LOAD, 0, end), (kind_of_loader, at_loader, loader.len()), (PT_DYNAMIC, at_dynamic, dynamic.len())]
        {
            bytes.extend([kind, 4].map(u32::to_le_bytes).concat());
            let (at, size) = (at as u64, size as u64);
            bytes.extend([at, at, at, size, size, 1].map(u64::to_le_bytes).concat());
        }
        [bytes, texts, loader, dynamic].concat()
    }
}

/// A folder with these files in it.
pub(super) struct Files(tempfile::TempDir);

impl Files {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// The usual loader and C library of Debian.
    pub(super) fn of_debian() -> Self {
        let files = Self::new();
        files.add(LOADER, &PLAIN).add("/lib/x86_64-linux-gnu/libc.so.6", &PLAIN);
        files
    }

    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.path().join(path.trim_start_matches('/'))
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn add(&self, path: &str, sample: &Sample<'_>) -> &Self {
        self.write(path, sample.bytes())
    }

    pub(super) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }
}
