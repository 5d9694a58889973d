//! A time axis: where a moment is on it, and where its ticks are.

use maud::{Markup, html};

/// The distances that ticks may have, in milliseconds.
const STEPS: [u64; 22] = [
    5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000,
    900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000,
];
/// The most ticks, the first one at nought aside.
const MOST: u64 = 8;
/// A label that would begin further right than this ends at its tick instead, in percent.
const LAST: f64 = 94.0;

/// An axis from one moment to another, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    begin: u64,
    length: u64,
    step: u64,
}

impl Axis {
    pub(super) fn new(begin: u64, end: u64) -> Self {
        // An axis without a length has no places.
        let length = end.saturating_sub(begin).max(1);
        let step = STEPS.into_iter().find(|step| length / step <= MOST).unwrap_or_else(|| {
            let hours = length / MOST / 3_600_000 + 1;
            hours * 3_600_000
        });
        Self { begin, length, step }
    }

    /// Where a moment is, in percent.
    fn place(self, moment: u64) -> f64 {
        self.percent(moment.saturating_sub(self.begin).min(self.length))
    }

    #[expect(clippy::cast_precision_loss, reason = "a thousandth of a percent is less than a pixel")]
    fn percent(self, milliseconds: u64) -> f64 {
        milliseconds as f64 * 100.0 / self.length as f64
    }

    /// The style of a bar between two moments.
    pub(super) fn bar(self, from: u64, to: u64) -> String {
        let (left, right) = (self.place(from), self.place(to.max(from)));
        format!("left:{left:.3}%;width:{:.3}%", right - left)
    }

    /// Whether any of the time between two moments is on it.
    pub(super) fn shows(self, from: u64, to: u64) -> bool {
        to >= self.begin && from <= self.begin + self.length
    }

    /// The style of what holds bars: how far its lines are apart.
    pub(super) fn grid(self) -> String {
        format!("--tick:{:.4}%", self.percent(self.step))
    }

    /// The labels.
    pub(super) fn ticks(self) -> Markup {
        let places = (0..=self.length / self.step).map(|tick| tick * self.step);
        html! {
            div.ticks aria-hidden="true" {
                @for at in places {
                    @let place = self.percent(at);
                    span.last[place > LAST] style={ "left:" (format!("{place:.3}")) "%" } { (self.label(at)) }
                }
            }
        }
    }

    /// Short, and all in one unit.
    fn label(self, at: u64) -> String {
        let seconds = at / 1000;
        if at == 0 {
            "0".to_owned()
        } else if self.length < 2_000 {
            format!("{at} ms")
        } else if self.length < 120_000 {
            let tenths = if self.step < 1_000 { format!(".{}", at % 1000 / 100) } else { String::new() };
            format!("{seconds}{tenths} s")
        } else if self.length < 3_600_000 {
            format!("{}:{:02}", seconds / 60, seconds % 60)
        } else {
            format!("{}:{:02} h", seconds / 3600, seconds / 60 % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, &["0"])]
    #[case(60, &["0", "10 ms", "20 ms", "30 ms", "40 ms", "50 ms", "60 ms"])]
    #[case(2_500, &["0", "0.5 s", "1.0 s", "1.5 s", "2.0 s", "2.5 s"])]
    #[case(24_800, &["0", "5 s", "10 s", "15 s", "20 s"])]
    #[case(148_000, &["0", "0:30", "1:00", "1:30", "2:00"])]
    #[case(9_000_000, &["0", "0:30 h", "1:00 h", "1:30 h", "2:00 h", "2:30 h"])]
    fn ticks_are_round_and_few(#[case] length: u64, #[case] labels: &[&str]) {
        let page = Axis::new(1_000, 1_000 + length).ticks().into_string();
        let found: Vec<&str> =
            page.split("%\">").skip(1).filter_map(|rest| rest.split_once('<')).map(|it| it.0).collect();
        assert_eq!(found, labels);
    }

    #[test]
    fn an_axis_of_days_has_few_ticks_too() {
        for length in [100_000_000_u64, 10_000_000_000, u64::MAX] {
            let axis = Axis::new(0, length);
            assert!(axis.length / axis.step <= MOST, "{axis:?}");
        }
    }

    #[test]
    fn bars_stay_on_the_axis() {
        let axis = Axis::new(1_000, 2_000);
        assert_eq!(axis.bar(1_250, 1_500), "left:25.000%;width:25.000%");
        assert_eq!(axis.bar(0, 9_000), "left:0.000%;width:100.000%");
        assert_eq!(axis.bar(1_500, 1_200), "left:50.000%;width:0.000%");
        assert!(axis.shows(0, 1_000) && !axis.shows(0, 999) && !axis.shows(2_001, 3_000));
        assert_eq!(axis.grid(), "--tick:20.0000%");
    }
}
