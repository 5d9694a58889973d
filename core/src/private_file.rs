//! Files that only the user can read, for what may tell more than everybody should know.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

/// The largest text of one file. What is larger loses its beginning: an end tells more of what went wrong.
pub const LARGEST: usize = 16 * 1024 * 1024;

/// Writes a file for the user only, in a folder for the user only. What is there by that name is replaced, and never
/// followed where it is a link.
///
/// # Errors
/// When it cannot be written.
pub fn save(path: &Path, text: &str) -> io::Result<()> {
    private_folder(path.parent().unwrap_or(Path::new("")))?;
    // A file that is there keeps its mode, so it goes first.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// Makes a folder that only the user can enter, parents included; one that is there stays as it is.
///
/// # Errors
/// When it cannot be made.
pub fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The end of a text that is too large, from a whole line on.
pub fn bounded(text: &str) -> String {
    bounded_to(text, LARGEST)
}

fn bounded_to(text: &str, largest: usize) -> String {
    if text.len() <= largest {
        return text.to_owned();
    }
    let from = (text.len() - largest..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let from = text[from..].find('\n').map_or(from, |line| from + line + 1);
    format!("# the beginning is left out: the file would be too large\n{}", &text[from..])
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn what_is_there_is_replaced_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (other, path) = (folder.path().join("other"), folder.path().join("new/log"));
        fs::write(&other, "stays").unwrap();
        private_folder(path.parent().unwrap()).unwrap();
        symlink(&other, &path).unwrap();
        save(&path, "text").unwrap();
        assert_eq!(fs::read_to_string(&other).unwrap(), "stays");
        let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    }

    #[test]
    fn a_large_text_keeps_its_end() {
        assert_eq!(bounded_to("a\nb\n", 4), "a\nb\n");
        let cut = bounded_to("first\nsecond\nlast\n", 9);
        assert_eq!(cut, "# the beginning is left out: the file would be too large\nlast\n");
    }
}
