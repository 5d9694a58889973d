//! Debian packages, as dpkg lists them. Pure functions.

/// A package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) architecture: String,
}

/// What dpkg-query is asked for.
pub(super) const FORMAT: &str = "--showformat=${Package} ${Version} ${Architecture}\\n";

/// Reads what dpkg-query prints.
pub(super) fn read(printed: &str) -> Vec<Package> {
    let mut packages: Vec<Package> = printed
        .lines()
        .filter_map(|line| match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            [name, version, architecture] => {
                let [name, version, architecture] = [name, version, architecture].map(|text| (*text).to_owned());
                Some(Package { name, version, architecture })
            }
            _ => None,
        })
        .collect();
    packages.sort();
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_sorted_and_other_lines_left_out() {
        let found = read("zlib1g 1:1.2.13.dfsg-1 amd64\n\nbash 5.2.15-2+b7 amd64\nno packages found here\n");
        let names: Vec<_> = found.iter().map(|package| (package.name.as_str(), package.version.as_str())).collect();
        assert_eq!(names, [("bash", "5.2.15-2+b7"), ("zlib1g", "1:1.2.13.dfsg-1")]);
    }
}
