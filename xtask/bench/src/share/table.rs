//! Many runs of the same thing as a line of a table. Pure text.

use std::time::Duration;

/// The first line of a table.
pub(crate) fn head(what: &str) -> String {
    format!("\n{what:<52} {:>8} {:>8} {:>8} {:>8}", "min", "p50", "p99", "max")
}

/// One row, in milliseconds.
pub(crate) fn row(name: &str, times: &[Duration]) -> String {
    let mut sorted = times.to_vec();
    sorted.sort();
    let at = |percent: usize| milliseconds(percentile(&sorted, percent));
    format!("{name:<52} {:>8.1} {:>8.1} {:>8.1} {:>8.1}", at(0), at(50), at(99), at(100))
}

fn milliseconds(time: Option<Duration>) -> f64 {
    time.unwrap_or_default().as_secs_f64() * 1e3
}

/// The smallest time that so many percent do not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        let at = |percent| percentile(&times, percent).unwrap().as_millis();
        assert_eq!([at(0), at(50), at(99), at(100)], [1, 100, 198, 200]);
        assert_eq!(percentile(&[], 50), None);
        assert!(row("x", &times).ends_with("     1.0    100.0    198.0    200.0"), "{}", row("x", &times));
    }
}
