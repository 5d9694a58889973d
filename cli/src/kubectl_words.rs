//! How kubectl reads its words: which of them is its command, which are values of flags, and whether it reads standard
//! input.
//!
//! The rule is that of kubectl's own parser (cobra): before the command, a flag without `=` takes the next word, unless it
//! is known to take none.

/// Flags that may stand before the command and take no value.
const ALONE: [&str; 12] = [
    "--help",
    "-h",
    "--insecure-skip-tls-verify",
    "--match-server-version",
    "--warnings-as-errors",
    "--disable-compression",
    "--alsologtostderr",
    "--logtostderr",
    "--skip-headers",
    "--skip-log-headers",
    "--one-output",
    "--add-dir-header",
];

/// The place of kubectl's command, such as `apply`.
pub(crate) fn command(words: &[String]) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if word == "--" {
            return None;
        }
        if !word.starts_with('-') || word == "-" {
            return Some(at);
        }
        let has_value = word.contains('=') || ALONE.contains(&word.as_str()) || is_joined(word);
        at += if has_value { 1 } else { 2 };
    }
    None
}

/// Whether a short flag has its value in the same word, as `-nlogs`.
fn is_joined(word: &str) -> bool {
    !word.starts_with("--") && word.len() > 2
}

/// Whether the arguments say that standard input is read. What comes after `--` is another command's.
pub(crate) fn reads_stdin(words: &[String]) -> bool {
    let says = |word: &String| {
        let word = word.as_str();
        let short = word.strip_prefix('-').filter(|rest| !rest.is_empty() && !rest.starts_with('-'));
        // Flags of one letter without a value, as in `exec -it`.
        let is_interactive =
            short.is_some_and(|rest| rest.contains('i') && rest.chars().all(|flag| "itqRwA".contains(flag)));
        let is_dash = word == "-" || short.is_some_and(|rest| rest.ends_with("f-") && rest.len() <= 3);
        is_dash
            || word.ends_with("=-")
            || is_interactive
            || matches!(word, "--stdin" | "--stdin=true" | "--interactive" | "--interactive=true")
    };
    words.iter().take_while(|word| *word != "--").any(says)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[rstest]
    #[case("apply -f x", Some("apply"))]
    #[case("-n logs apply -f x", Some("apply"))]
    #[case("-nlogs apply -f x", Some("apply"))]
    #[case("-n=logs apply", Some("apply"))]
    #[case("--namespace logs apply", Some("apply"))]
    #[case("--namespace=logs logs -f x", Some("logs"))]
    #[case("--insecure-skip-tls-verify logs x", Some("logs"))]
    #[case("-v 6 --context logs get pods", Some("get"))]
    #[case("--request-timeout 5s -s logs -n logs delete -f x", Some("delete"))]
    #[case("-h logs", Some("logs"))]
    #[case("--some-new-flag logs apply", Some("apply"))]
    #[case("-n", None)]
    #[case("-- logs", None)]
    fn the_command_is_the_first_word_that_no_flag_takes(#[case] text: &str, #[case] expected: Option<&str>) {
        let words = words(text);
        assert_eq!(command(&words).map(|at| words[at].as_str()), expected);
    }

    #[rstest]
    #[case("apply -f -", true)]
    #[case("apply -f-", true)]
    #[case("apply -Rf-", true)]
    #[case("apply --filename=-", true)]
    #[case("create secret generic x --from-file=-", true)]
    #[case("exec -it a -- sh", true)]
    #[case("exec -ti a -- sh", true)]
    #[case("exec -i a -- cat", true)]
    #[case("exec --stdin a -- cat", true)]
    #[case("exec --stdin=true a -- cat", true)]
    #[case("delete --interactive pod a", true)]
    #[case("get pods -w", false)]
    #[case("apply -f x.yaml", false)]
    #[case("-n x-i get pods", false)]
    #[case("exec a -- sh -i", false)]
    #[case("exec a -- cat -", false)]
    #[case("exec -t a -- ls", false)]
    #[case("get -A pods", false)]
    #[case("-nkube-i get pods", false)]
    fn commands_that_read(#[case] text: &str, #[case] reads: bool) {
        assert_eq!(reads_stdin(&words(text)), reads);
    }
}
