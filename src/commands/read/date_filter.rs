//! `start_date` and `end_date`, which exclude records by their cursor. Arithmetic.

use std::time::Duration;

use crate::checkpoint::EARLIEST;
use crate::config::Config;
use crate::epoch::EpochMs;

/// Which records their dates exclude.
pub struct DateFilter {
    start: EpochMs,
    end: Option<EpochMs>,
    step: Duration,
    last_plausible: EpochMs,
}

impl DateFilter {
    /// For a stream whose window bounds are whole numbers of `step`.
    pub fn new(config: &Config, step: Duration, now: EpochMs) -> Self {
        Self {
            start: config.start_date,
            end: config.end_date,
            step,
            last_plausible: now.plus(Duration::from_secs(24 * 60 * 60)),
        }
    }

    /// From 2010 to a day after now. Any other cursor says nothing about the time: seconds or microseconds were taken for
    /// milliseconds, or it is 0.
    pub fn is_plausible(&self, cursor: EpochMs) -> bool {
        (EARLIEST..=self.last_plausible).contains(&cursor)
    }

    /// A plausible cursor is before `start_date`, or at `end_date` or later.
    pub fn excludes(&self, cursor: EpochMs) -> bool {
        cursor < self.start || self.end.is_some_and(|end| cursor >= end)
    }

    /// Our own requests reach this far beyond the dates: bounds are rounded to whole seconds, and windows overlap by a step.
    pub fn is_within_request_margin(&self, cursor: EpochMs) -> bool {
        let first = self.start.floor_to_second().minus(self.step);
        let is_at_end =
            |end: EpochMs| cursor >= end && cursor <= end.ceil_to_second().plus(self.step);
        (first..self.start).contains(&cursor) || self.end.is_some_and(is_at_end)
    }
}
