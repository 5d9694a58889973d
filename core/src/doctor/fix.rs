//! Raises a kernel setting, for as long as the machine runs. It never lowers one.

use std::{fs, io, path::Path};

use super::{checks::Fix, facts::path_of};

/// Sets the value, unless the setting has it already or more.
///
/// # Errors
/// When this user may not, or the kernel refuses.
pub fn apply(fix: &Fix) -> io::Result<()> {
    raise(Path::new(&path_of(fix.setting)), fix.value)
}

fn raise(path: &Path, value: u64) -> io::Result<()> {
    let present = fs::read_to_string(path)?.trim().parse::<u64>().unwrap_or(0);
    if present >= value { Ok(()) } else { fs::write(path, value.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_up_and_never_down() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let value = || fs::read_to_string(file.path()).unwrap();
        fs::write(file.path(), "128\n").unwrap();
        raise(file.path(), 1024).unwrap();
        assert_eq!(value(), "1024");
        raise(file.path(), 512).unwrap();
        assert_eq!(value(), "1024");
        assert!(raise(Path::new("/nonexistent"), 1).is_err());
    }
}
