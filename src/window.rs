//! How a span of time is divided into windows, and the bounds of the request for each. Arithmetic; knows no clock.
//!
//! ```text
//! covered      [────────────)[────────────)[──────)        half-open, whole seconds, no gap, no overlap
//!              s            e                    horizon
//! requested   (├────────────┤)                             after = s − one step, before = e
//!                          (├────────────┤)                contains [s, e) under either meaning of the bounds
//! ```

use std::time::Duration;

use crate::epoch::EpochMs;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest span that one export request may cover: 31 days (docs/dixa-api.md 1.2).
pub const LONGEST_SPAN: Duration = DAY.saturating_mul(31);
/// The longest window. Its request, including the overlap, stays within [`LONGEST_SPAN`], and its bounds are whole seconds.
const LONGEST_WINDOW: Duration = LONGEST_SPAN.saturating_sub(MAX_OVERLAP);

/// The requests for adjacent windows overlap by at most this, the step of [`Window::request_bounds`]. `dedup` skips the records
/// returned twice because of the overlap.
pub const MAX_OVERLAP: Duration = Duration::from_secs(1);

/// Windows are not halved below this length: if an hour is too much for Dixa, less is unlikely to help.
const SHORTEST_HALF: Duration = Duration::from_secs(60 * 60);

/// A half-open span of time: from `start` up to but not including `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub start: EpochMs,
    pub end: EpochMs,
}

/// The bounds of the request for a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestBounds {
    pub after: EpochMs,
    pub before: EpochMs,
}

impl Window {
    /// Bounds for which Dixa returns all of this window, whether it treats them as inclusive or
    /// exclusive, which is undocumented (docs/dixa-api.md 1.2). `step` is the smallest difference
    /// between two bounds, and at most [`MAX_OVERLAP`].
    pub fn request_bounds(&self, step: Duration) -> RequestBounds {
        debug_assert!(step <= MAX_OVERLAP);
        RequestBounds {
            after: self.start.minus(step).max(EpochMs(0)),
            before: self.end,
        }
    }

    /// The two halves of this window, split at a whole second; `None` if they would be shorter than an hour.
    pub fn halves(&self) -> Option<(Self, Self)> {
        let half = self.end.since(self.start) / 2;
        let middle = self.start.plus(half).floor_to_second();
        let (first, second) = (
            Self {
                end: middle,
                ..*self
            },
            Self {
                start: middle,
                ..*self
            },
        );
        (half >= SHORTEST_HALF).then_some((first, second))
    }
}

impl Window {
    /// The number of days, rounded down.
    pub fn day_count(&self) -> u64 {
        self.end.since(self.start).as_secs() / DAY.as_secs()
    }

    /// The two halves of a window of whole days, split at a whole day; `None` for a single day.
    pub fn halves_of_days(&self) -> Option<(Self, Self)> {
        let days = u32::try_from(self.day_count() / 2).unwrap_or(u32::MAX);
        let middle = self.start.plus(DAY.saturating_mul(days));
        let (first, second) = (
            Self {
                end: middle,
                ..*self
            },
            Self {
                start: middle,
                ..*self
            },
        );
        (days > 0).then_some((first, second))
    }
}

/// How many days the next window has: more while they have few pages, fewer where they have many, since the rows of a window are
/// remembered.
#[derive(Clone, Copy, Debug)]
pub struct DayCount {
    days: u32,
    max: u32,
}

/// The next window is longer after at most this many pages, and shorter after more than four times as many.
const FEW_PAGES: usize = 10;

impl DayCount {
    /// From one day to at most `max`.
    pub fn new(max: u32) -> Self {
        Self { days: 1, max }
    }

    /// The next window: the first days of those that are left.
    pub fn first_days(&self, left: &Window) -> Window {
        Window {
            start: left.start,
            end: left.start.plus(DAY * self.days).min(left.end),
        }
    }

    /// After a window of this length that had that many pages.
    #[must_use]
    pub fn after(self, pages: usize) -> Self {
        let days = if pages <= FEW_PAGES {
            (self.days * 2).min(self.max)
        } else if pages > 4 * FEW_PAGES {
            (self.days / 2).max(1)
        } else {
            self.days
        };
        Self { days, ..self }
    }

    /// Windows longer than this one are too long.
    #[must_use]
    pub fn limited_to(self, window: &Window) -> Self {
        let days = u32::try_from(window.day_count()).unwrap_or(u32::MAX);
        let max = days.clamp(1, self.max);
        Self {
            days: self.days.min(max),
            max,
        }
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} to {}", self.start, self.end)
    }
}

/// Divides `[start, horizon)` into windows of this many days, the last one possibly shorter. All bounds are whole seconds.
pub fn windows(start: EpochMs, horizon: EpochMs, days: u32) -> impl Iterator<Item = Window> {
    let length = (DAY * days).min(LONGEST_WINDOW);
    let horizon = horizon.ceil_to_second();
    let mut next = start.floor_to_second();
    std::iter::from_fn(move || {
        let window = Window {
            start: next,
            end: next.plus(length).min(horizon),
        };
        next = window.end;
        (window.start < window.end).then_some(window)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOON: i64 = 1_700_000_000_000;
    const STEP: Duration = Duration::from_millis(1);

    fn check_cover(start: i64, horizon: i64, windows: &[Window]) {
        if start.div_euclid(1000) * 1000 >= EpochMs(horizon).ceil_to_second().0 {
            assert_eq!(windows, []);
            return;
        }
        assert_eq!(windows[0].start, EpochMs(start).floor_to_second());
        assert_eq!(
            windows[windows.len() - 1].end,
            EpochMs(horizon).ceil_to_second()
        );
        for pair in windows.windows(2) {
            assert_eq!(
                pair[0].end, pair[1].start,
                "adjacent windows have neither gap nor overlap"
            );
        }
        for window in windows {
            assert!(window.start < window.end);
            assert_eq!((window.start.0 % 1000, window.end.0 % 1000), (0, 0));
            let bounds = window.request_bounds(STEP);
            assert!(bounds.before.since(bounds.after) <= LONGEST_SPAN);
        }
    }

    proptest! {
        #[test]
        fn windows_cover_the_time_exactly_once(start in 0..NOON, length in 0..200 * 86_400_000_i64, days in 1_u32..=31) {
            let all: Vec<_> = windows(EpochMs(start), EpochMs(start + length), days).collect();
            check_cover(start, start + length, &all);
        }

        #[test]
        fn a_resumed_read_covers_the_same_time(
            start in 0..NOON, length in 1..200 * 86_400_000_i64, days in 1_u32..=31, stopped in 0_usize..10, other in 1_u32..=31,
        ) {
            let horizon = EpochMs(start + length);
            let all: Vec<_> = windows(EpochMs(start), horizon, days).collect();
            let done = &all[..stopped.min(all.len())];
            let position = done.last().map_or(EpochMs(start), |window| window.end);
            let rest: Vec<_> = windows(position, horizon, other).collect();
            check_cover(start, start + length, &[done, &rest].concat());
        }

        #[test]
        fn every_instant_is_requested_whatever_the_bounds_mean(
            start in 1_000..NOON, length in 1..100 * 86_400_000_i64, days in 1_u32..=31, at in 0.0..1.0,
        ) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "the instant need not be exact")]
            let instant = EpochMs(start + (length as f64 * at) as i64);
            let mut requests = windows(EpochMs(start), EpochMs(start + length), days).map(|window| window.request_bounds(STEP));
            let is_requested = requests.any(|bounds| bounds.after < instant && instant < bounds.before);
            prop_assert!(is_requested || instant.0 >= start + length);
        }
    }

    #[test]
    fn the_request_for_a_window_of_31_days_stays_within_dixas_limit() {
        let window = windows(EpochMs(NOON), EpochMs(NOON).plus(DAY * 62), 31)
            .next()
            .unwrap();
        let bounds = window.request_bounds(STEP);
        assert_eq!(
            bounds.before.since(bounds.after),
            LONGEST_WINDOW + Duration::from_millis(1)
        );
    }

    #[test]
    fn halves_cover_their_window_down_to_an_hour() {
        let mut parts: Vec<_> = windows(EpochMs(NOON), EpochMs(NOON).plus(DAY * 30), 30).collect();
        let mut shortest = Vec::new();
        while let Some(part) = parts.pop() {
            match part.halves() {
                Some((first, second)) => parts.extend([second, first]),
                None => shortest.push(part),
            }
        }
        check_cover(NOON, EpochMs(NOON).plus(DAY * 30).0, &shortest);
        let hour = Duration::from_secs(3600);
        assert!(shortest.iter().all(
            |part| part.end.since(part.start) >= hour && part.end.since(part.start) < 2 * hour
        ));
    }

    #[test]
    fn a_window_has_the_configured_length_except_the_last() {
        let all: Vec<_> = windows(EpochMs(NOON), EpochMs(NOON).plus(DAY * 61), 30).collect();
        assert_eq!(all.len(), 3);
        assert_eq!(all[0].end.since(all[0].start), DAY * 30);
        assert_eq!(all[2].end.since(all[2].start), DAY);
    }

    #[test]
    fn the_number_of_days_follows_the_number_of_pages() {
        let left = Window {
            start: EpochMs(0),
            end: EpochMs(0).plus(DAY * 100),
        };
        let days = |count: DayCount| count.first_days(&left).day_count();
        let mut count = DayCount::new(30);
        for (pages, expected) in [
            (1, 2),
            (10, 4),
            (1, 8),
            (11, 8),
            (41, 4),
            (0, 8),
            (0, 16),
            (0, 30),
        ] {
            count = count.after(pages);
            assert_eq!(days(count), expected);
        }
        let (first, second) = count.first_days(&left).halves_of_days().unwrap();
        assert_eq!((first.day_count(), second.day_count()), (15, 15));
        count = count.limited_to(&first).after(0);
        assert_eq!(days(count), 15);
        let day = DayCount::new(1).first_days(&left);
        assert_eq!((day.day_count(), day.halves_of_days()), (1, None));
        let three = DayCount::new(3).after(0).after(0).first_days(&left);
        let (first, second) = three.halves_of_days().unwrap();
        assert_eq!((first.day_count(), second.day_count()), (1, 2));
    }
}
