//! Several runs of the same thing as median, least and most. Pure.

use std::time::Duration;

use serde::Serialize;

/// What several runs took, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Figures {
    /// The middle one, or the mean of the middle two.
    pub(crate) median: f64,
    /// The shortest.
    pub(crate) min: f64,
    /// The longest.
    pub(crate) max: f64,
}

impl Figures {
    /// The figures of these runs; `None` where there are none.
    pub(crate) fn of(runs: &[Duration]) -> Option<Self> {
        let mut seconds: Vec<f64> = runs.iter().map(Duration::as_secs_f64).collect();
        seconds.sort_by(f64::total_cmp);
        let (min, max) = (*seconds.first()?, *seconds.last()?);
        let middle = seconds.len() / 2;
        let median =
            if seconds.len() % 2 == 1 { seconds[middle] } else { f64::midpoint(seconds[middle - 1], seconds[middle]) };
        Some(Self { median, min, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(seconds: &[u64]) -> Option<(f64, f64, f64)> {
        let runs: Vec<Duration> = seconds.iter().copied().map(Duration::from_secs).collect();
        Figures::of(&runs).map(|figures| (figures.median, figures.min, figures.max))
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(figures(&[]), None);
        assert_eq!(figures(&[3]), Some((3.0, 3.0, 3.0)));
        assert_eq!(figures(&[9, 1, 2]), Some((2.0, 1.0, 9.0)));
        assert_eq!(figures(&[4, 1, 2, 9]), Some((3.0, 1.0, 9.0)));
    }
}
