//! A backtrace's text as a chain of places in the user's source. Pure text.
//!
//! The text is what `std::backtrace::Backtrace` displays; its frames cannot be had in any other stable way. A frame that
//! does not read as expected is left out.

use std::path::{Path, PathBuf};

/// Where code lies that is not the user's, beside the harness.
const NOT_THEIRS: [&str; 5] = ["/rustc/", "/.cargo/registry/", "/.cargo/git/", "/lib/rustlib/", "/toolchains/"];
/// This crate, as the compiler names its files. A function's name may lack its crate. Its sisters lie beside it.
const HERE: &str = env!("CARGO_MANIFEST_DIR");
/// Those of our crates that a backtrace of a test can have. A packaged one lies in a folder of its name, `kind-` before it.
const OURS: [&str; 4] = ["core", "harness", "lease", "report"];
/// The longest chain.
const MOST: usize = 12;

/// The places of the frames before the one whose function's name contains `boundary`, the innermost first. Places that
/// begin with a dot are in the folder `here`.
pub(super) fn chain(backtrace: &str, boundary: &str, here: &Path) -> Vec<String> {
    let mut chain: Vec<String> = Vec::new();
    let mut function = "";
    for line in backtrace.lines() {
        let line = line.trim();
        if let Some(place) = line.strip_prefix("at ") {
            if is_users(place, here) && chain.len() < MOST {
                let place = place.strip_prefix("./").unwrap_or(place);
                let told = short(function).map_or_else(|| place.to_owned(), |name| format!("{place} ({name})"));
                let is_new = chain.last().is_none_or(|last| last.split(' ').next() != Some(place));
                if is_new {
                    chain.push(told);
                }
            }
            continue;
        }
        function = match line.split_once(": ") {
            Some((number, function)) if number.bytes().all(|byte| byte.is_ascii_digit()) => function,
            // One that was inlined has no number of its own.
            _ => line,
        };
        if function.contains(boundary) {
            break;
        }
    }
    chain
}

fn is_users(place: &str, here: &Path) -> bool {
    let path = place.strip_prefix("./").map_or_else(|| PathBuf::from(place), |place| here.join(place));
    !is_ours(&path) && !NOT_THEIRS.iter().any(|folder| place.contains(folder))
}

fn is_ours(path: &Path) -> bool {
    let beside = Path::new(HERE).parent().and_then(|folder| path.strip_prefix(folder).ok());
    let mut parts = beside.into_iter().flatten().filter_map(|part| part.to_str());
    let name = parts.next().map(|name| name.strip_prefix("kind-").unwrap_or(name));
    let name = name.and_then(|name| name.split('-').next());
    name.is_some_and(|name| OURS.contains(&name)) && parts.next() == Some("src")
}

/// The function's name without the closures that an async function becomes; nothing where that is all there is.
fn short(function: &str) -> Option<&str> {
    let mut short = function;
    while let Some(rest) = short.strip_suffix("::{{closure}}") {
        short = rest;
    }
    (!short.starts_with('{')).then_some(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = concat!(
        "   0: kind_core::activity::awaits::Seen::note
             at ",
        env!("CARGO_MANIFEST_DIR"),
        "/src/activity/awaits.rs:49:23
   1: <kind_core::activity::awaits::Spy as core::clone::Clone>::clone
             at ",
        env!("CARGO_MANIFEST_DIR"),
        "/src/activity/awaits.rs:64:19
   2: core::task::wake::Waker::clone
             at /rustc/0123/library/core/src/task/wake.rs:600:24
   3: tokio::sync::oneshot::Inner<T>::poll_recv
             at /home/a/.cargo/registry/src/index-1/tokio-1.54.0/src/sync/oneshot.rs:1128:47
   4: e2e::orders::placed::{{closure}}
             at ./tests/e2e/orders.rs:41:18
      e2e::orders::inlined::{{closure}}
             at ./tests/e2e/orders.rs:30:9
   5: {async_block#0}
             at ./tests/e2e/orders.rs:28:7
   6: e2e::orders::survives_restart::survives_restart::{{closure}}
             at ./tests/e2e/orders.rs:12:22
   6: e2e::orders::survives_restart::{{closure}}::{{closure}}
             at ./tests/e2e/orders.rs:12:22
   7: kind_core::activity::awaits::poll_spied_on
             at /elsewhere/awaits.rs:99:5
   8: e2e::orders::survives_restart
             at ./tests/e2e/orders.rs:9:1
"
    );

    #[test]
    fn only_the_users_places_are_told_innermost_first() {
        let expected = [
            "tests/e2e/orders.rs:41:18 (e2e::orders::placed)",
            "tests/e2e/orders.rs:30:9 (e2e::orders::inlined)",
            "tests/e2e/orders.rs:28:7",
            "tests/e2e/orders.rs:12:22 (e2e::orders::survives_restart::survives_restart)",
        ];
        assert_eq!(chain(TEXT, "poll_spied_on", Path::new("/src/shop")), expected);
    }

    #[test]
    fn a_text_without_places_gives_none() {
        assert_eq!(chain("   0: <unknown>\n   1: main\n", "x", Path::new("/")), Vec::<String>::new());
        assert_eq!(chain("disabled backtrace", "x", Path::new("/")), Vec::<String>::new());
    }

    #[test]
    fn our_crates_are_ours_in_this_workspace_and_unpacked_from_archives() {
        let beside = Path::new(HERE).parent().unwrap();
        for ours in ["harness/src/entry/run.rs", "kind-lease/src/acquire.rs", "kind-report-0.1.0/src/lib.rs"] {
            assert!(is_ours(&beside.join(ours)), "{ours}");
        }
        for theirs in ["examples/src/lib.rs", "core/tests/mutations.rs", "corelib/src/lib.rs", "src/lib.rs"] {
            assert!(!is_ours(&beside.join(theirs)), "{theirs}");
        }
    }
}
