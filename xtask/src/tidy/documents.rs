//! The rule for Markdown files: a link to a file of this workspace leads to one.

use std::path::Path;

use super::Violation;

/// Every link of the document at `path` (relative to `root`) that leads nowhere.
pub(super) fn check(root: &Path, path: &Path, text: &str) -> Vec<Violation> {
    let folder = root.join(path.parent().unwrap_or(Path::new("")));
    let mut in_code = false;
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for target in targets(line) {
            let file = target.split('#').next().unwrap_or_default();
            let is_elsewhere = target.contains("://") || target.starts_with("mailto:");
            if !is_elsewhere && !file.is_empty() && !folder.join(file).exists() {
                found.push(Violation::new(path, index + 1, &format!("the link to {target} leads nowhere")));
            }
        }
    }
    found
}

/// The targets of `[text](target)` in a line.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_a_missing_file_is_found_and_others_are_not() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("docs")).unwrap();
        std::fs::write(root.path().join("README.md"), "").unwrap();
        let text = "[up](../README.md#top) and [gone](gone.md)\n[web](https://a.example/b.md) [here](#x)\n```\n[code](x.md)\n```\n";
        let found = check(root.path(), Path::new("docs/a.md"), text);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].line, found[0].rule.as_str()), (1, "the link to gone.md leads nowhere"));
    }
}
