//! A stream's saved position, what it means for the next read, and how it moves, which is only forward. Arithmetic; no clock.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::airbyte::catalog::SyncMode;
use crate::dixa::timestamp::TimeFormat;
use crate::epoch::EpochMs;
use crate::window::Window;

pub mod positions;

/// The year 2010. No valid position is earlier, since Dixa did not exist.
pub const EARLIEST: EpochMs = EpochMs(1_262_304_000_000);

/// The key in a state for the start of the time that it covers.
const COVERED_FROM: &str = "covered_from";
/// The key in a state of a full refresh that was not complete.
const UNFINISHED: &str = "unfinished";
/// The key in a state for the config's `typed_values`, if that is on.
const TYPED_VALUES: &str = "typed_values";

/// A saved state: everything up to its position has been read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavedPosition {
    /// Not before [`EARLIEST`], unless `covered_from` is known.
    pub position: EpochMs,
    /// The start of the covered time; `None` if the state does not contain it.
    pub covered_from: Option<EpochMs>,
    /// Saved during a full refresh that was not complete.
    pub unfinished: bool,
    /// The records were written with the config's `typed_values`.
    pub typed_values: bool,
}

impl SavedPosition {
    /// Parses a state blob whose position is under `key`: an integer, an integer as text
    /// (docs/airbyte-protocol.md 7.2: Airbyte's own connector writes milliseconds as text), or the
    /// format of the stream's records. The error is the reason why the state cannot be used.
    pub fn parse(blob: &Value, key: &str, format: TimeFormat) -> Result<Self, String> {
        let is_text = format == TimeFormat::Milliseconds && is_date(&blob[key]);
        let old_key =
            |blob: &Map<String, Value>| blob.keys().any(|key| key.ends_with("_datestring"));
        if is_date(blob) || is_text || blob.as_object().is_some_and(old_key) {
            return Err(
                "it was written by singer-io's tap-dixa, whose positions can be off by a day"
                    .to_owned(),
            );
        }
        if !blob.is_object() {
            return Err("it is not a JSON object".to_owned());
        }
        if blob[key].is_null() {
            return Err(format!("it has no `{key}`"));
        }
        let position = instant(&blob[key], format)
            .ok_or_else(|| format!("its `{key}` is not a {}", format.name()))?;
        let covered_from = instant(&blob[COVERED_FROM], format).filter(|from| *from <= position);
        // A position with `covered_from` is our own, from a read with an early start date.
        if position < EARLIEST && covered_from.is_none() {
            let seconds = EpochMs(position.0.saturating_mul(1000));
            let hint = if seconds >= EARLIEST {
                "; it seems to be in seconds, not milliseconds"
            } else {
                ""
            };
            return Err(format!("its `{key}` is before 2010 ({position}){hint}"));
        }
        Ok(Self {
            position,
            covered_from,
            unfinished: blob[UNFINISHED] == true,
            typed_values: blob[TYPED_VALUES] == true,
        })
    }

    /// The state blob. The position has the key and the format that other connectors use.
    pub fn to_blob(self, key: &str, format: TimeFormat) -> Value {
        let mut blob = Map::new();
        if let Some(covered_from) = self.covered_from {
            blob.insert(COVERED_FROM.to_owned(), format.value(covered_from));
        }
        blob.insert(key.to_owned(), format.value(self.position));
        if self.typed_values {
            blob.insert(TYPED_VALUES.to_owned(), true.into());
        }
        if self.unfinished {
            blob.insert(UNFINISHED.to_owned(), true.into());
        }
        Value::Object(blob)
    }
}

fn is_date(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| EpochMs::parse_any(text.trim()).is_some())
}

/// The instant in a state, in any supported form.
fn instant(value: &Value, format: TimeFormat) -> Option<EpochMs> {
    match value {
        Value::Number(number) => number
            .as_i64()
            .or_else(|| number.as_f64().and_then(saturated))
            .map(EpochMs),
        Value::String(text) => {
            let text = text.trim();
            text.parse()
                .ok()
                .or_else(|| text.parse().ok().and_then(saturated))
                .map(EpochMs)
                .or_else(|| format.parse(text))
        }
        _ => None,
    }
}

/// A fractional or very large number, truncated and saturated to an integer.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, and a position that far away needs no exact value"
)]
fn saturated(number: f64) -> Option<i64> {
    number.is_finite().then_some(number as i64)
}

/// What to read of a windowed stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadPlan {
    /// The saved position is in the future: nothing is read, and the state is passed on unchanged.
    StateInFuture(EpochMs),
    /// The start is not before the horizon: nothing is read, and a saved state is passed on unchanged.
    Empty,
    /// `[start, horizon)` is read, and the position never moves back behind `reached`.
    Read {
        start: EpochMs,
        horizon: EpochMs,
        reached: Option<EpochMs>,
        /// The start of the time that the positions of this read cover.
        covered_from: Option<EpochMs>,
        /// The time after the saved position that is not read because the start date is later.
        skipped: Option<Window>,
    },
}

/// What a plan depends on, apart from the saved state.
#[derive(Clone, Copy, Debug)]
pub struct ReadBounds {
    pub start_date: EpochMs,
    pub end_date: Option<EpochMs>,
    pub lookback: Duration,
    /// The time at which this run started, a whole second.
    pub now: EpochMs,
}

impl ReadBounds {
    /// The configured start date, but not before 1970.
    fn start_date(&self) -> EpochMs {
        self.start_date.max(EpochMs(0))
    }

    fn horizon(&self) -> EpochMs {
        self.end_date
            .map_or(self.now, |end_date| end_date.min(self.now))
    }
}

/// The saved state that a read resumes from. A full refresh resumes only from an unfinished one, an incremental read from any.
pub fn resumed(mode: SyncMode, saved: Option<SavedPosition>) -> Option<SavedPosition> {
    saved.filter(|saved| mode == SyncMode::Incremental || saved.unfinished)
}

/// The time between the start date and the start of the covered time, if the start date is earlier. Reading it requires a reset.
pub fn uncovered(resumed: Option<SavedPosition>, bounds: &ReadBounds) -> Option<Window> {
    let end = resumed?.covered_from?;
    let start = bounds.start_date();
    (start < end).then_some(Window { start, end })
}

/// Plans a read. An incremental read starts at the saved position minus the lookback.
pub fn plan(mode: SyncMode, saved: Option<SavedPosition>, bounds: &ReadBounds) -> ReadPlan {
    let resumed = resumed(mode, saved);
    let position = resumed.map(|saved| saved.position);
    if let Some(position) = position.filter(|position| *position > bounds.now) {
        return ReadPlan::StateInFuture(position);
    }
    let (start_date, horizon) = (bounds.start_date(), bounds.horizon());
    let from = position.map(|position| match mode {
        SyncMode::FullRefresh => position,
        SyncMode::Incremental => position.minus(bounds.lookback),
    });
    let start = from.map_or(start_date, |from| from.max(start_date));
    if start >= horizon {
        return ReadPlan::Empty;
    }
    let skipped = position
        .filter(|position| *position < start_date)
        .map(|position| Window {
            start: position,
            end: start_date,
        });
    ReadPlan::Read {
        start,
        horizon,
        reached: position.filter(|_| skipped.is_none()),
        covered_from: match resumed {
            Some(saved) if skipped.is_none() => saved.covered_from,
            _ => Some(start_date),
        },
        skipped,
    }
}

/// Tracks the position of a read.
#[derive(Clone, Copy, Debug)]
pub struct PositionTracker {
    reached: Option<EpochMs>,
    /// Nothing before this was requested.
    start: EpochMs,
    /// No position is saved beyond this.
    ceiling: EpochMs,
    is_held: bool,
}

impl PositionTracker {
    /// For a read that resumes from `reached` and covers `[start, horizon)`.
    pub fn new(reached: Option<EpochMs>, start: EpochMs, horizon: EpochMs) -> Self {
        Self {
            reached,
            start,
            ceiling: horizon.floor_to_second(),
            is_held: false,
        }
    }

    /// Records that the window that ends at `end`, and all before it, were read and written. `server_time` is Dixa's time when the
    /// request was sent. Later updates cannot be in the response, however far ahead our own clock is, so the position never
    /// passes that time, even after later windows.
    pub fn advance(&mut self, end: EpochMs, server_time: Option<EpochMs>) {
        if let Some(server_time) = server_time
            .map(EpochMs::floor_to_second)
            .filter(|time| *time < end)
        {
            self.ceiling = self.ceiling.min(server_time);
            self.is_held = true;
        }
        let position = end.min(self.ceiling);
        if position > self.start {
            self.reached = self.reached.max(Some(position));
        }
    }

    /// The position to save; `None` while nothing is covered.
    pub fn position(&self) -> Option<EpochMs> {
        self.reached
    }

    /// Whether Dixa's clock limits the position, so that no later window can move it.
    pub fn is_held(&self) -> bool {
        self.is_held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    use crate::window::windows;

    const HOUR: Duration = Duration::from_secs(3600);
    const NOW: EpochMs = EpochMs(1_700_000_000_000);

    fn bounds(start_date: EpochMs, end_date: Option<EpochMs>) -> ReadBounds {
        ReadBounds {
            start_date,
            end_date,
            lookback: HOUR,
            now: NOW,
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "every caller needs an Option")]
    fn saved(position: EpochMs, unfinished: bool) -> Option<SavedPosition> {
        Some(SavedPosition {
            position,
            covered_from: None,
            unfinished,
            typed_values: false,
        })
    }

    #[test]
    fn a_state_says_that_values_were_typed() {
        let typed = SavedPosition {
            typed_values: true,
            ..saved(NOW, false).unwrap()
        };
        let blob = typed.to_blob("updated_at", TimeFormat::Milliseconds);
        assert_eq!(blob, json!({"updated_at": NOW.0, "typed_values": true}));
        let parsed = SavedPosition::parse(&blob, "updated_at", TimeFormat::Milliseconds);
        assert_eq!(parsed, Ok(typed));
    }

    fn check_blob(blob: &str, expected: Option<SavedPosition>) {
        let blob = serde_json::from_str(blob).unwrap();
        assert_eq!(
            SavedPosition::parse(&blob, "updated_at", TimeFormat::Milliseconds).ok(),
            expected,
            "{blob}"
        );
    }

    #[test]
    fn a_position_is_read_as_integer_and_as_text() {
        check_blob(
            r#"{"updated_at":1795284000000}"#,
            saved(EpochMs(1_795_284_000_000), false),
        );
        check_blob(
            r#"{"updated_at":"1795284000000"}"#,
            saved(EpochMs(1_795_284_000_000), false),
        );
        check_blob(
            r#"{"updated_at":1795284000000.0,"unfinished":true}"#,
            saved(EpochMs(1_795_284_000_000), true),
        );
        check_blob(
            r#"{"updated_at":99999999999999999999999}"#,
            saved(EpochMs(i64::MAX), false),
        );
    }

    #[test]
    fn a_text_position_is_read_in_every_form_and_written_as_text() {
        let position = EpochMs(1_795_286_400_000);
        for value in [
            json!("2026-11-21T18:40:00Z"),
            json!("2026-11-21T18:40:00.000Z[GMT]"),
            json!(1_795_286_400_000_i64),
            json!("1795286400000"),
        ] {
            let blob = json!({"activityTimestamp": value, "unfinished": true});
            let read = SavedPosition::parse(&blob, "activityTimestamp", TimeFormat::Text).unwrap();
            assert_eq!(Some(read), saved(position, true), "{blob}");
        }
        let written = SavedPosition {
            position,
            covered_from: Some(position.minus(HOUR)),
            unfinished: false,
            typed_values: false,
        };
        let blob = written.to_blob("activityTimestamp", TimeFormat::Text);
        assert_eq!(
            blob,
            json!({"covered_from": "2026-11-21T17:40:00Z", "activityTimestamp": "2026-11-21T18:40:00Z"})
        );
        assert_eq!(
            SavedPosition::parse(&blob, "activityTimestamp", TimeFormat::Text),
            Ok(written)
        );
    }

    #[test]
    fn a_state_without_a_usable_position_says_why() {
        let cases = [
            (json!("x"), "not a JSON object"),
            (json!([1]), "not a JSON object"),
            (json!(NOW.0), "not a JSON object"),
            (json!({}), "no `updated_at`"),
            (json!({"updated_at": null}), "no `updated_at`"),
            (json!({"created_at": NOW.0}), "no `updated_at`"),
            (
                json!({"slices": [], "state_type": "date-range"}),
                "no `updated_at`",
            ),
            (
                json!({"updated_at": "last tuesday"}),
                "number of milliseconds",
            ),
            (json!({"updated_at": true}), "number of milliseconds"),
            (json!({"updated_at": {}}), "number of milliseconds"),
            (json!({"updated_at": 0}), "before 2010"),
            (json!({"updated_at": -5}), "before 2010"),
            (json!({"updated_at": NOW.0 / 1000}), "seconds"),
            (json!({"updated_at": (NOW.0 / 1000).to_string()}), "seconds"),
            (json!({"updated_at": 1_700_000_000.5}), "seconds"),
            (json!("2023-11-14T22:13:20Z"), "tap-dixa"),
            (json!("2023-11-14"), "tap-dixa"),
            (json!({"updated_at": "2023-11-14T22:13:20Z"}), "tap-dixa"),
            (
                json!({"updated_at": "2023-11-14T22:13:20.000000+01:00"}),
                "tap-dixa",
            ),
            (
                json!({"updated_at_datestring": "2023-11-14T22:13:20Z"}),
                "tap-dixa",
            ),
        ];
        for (blob, part) in cases {
            let reason =
                SavedPosition::parse(&blob, "updated_at", TimeFormat::Milliseconds).unwrap_err();
            assert!(reason.contains(part), "{blob}: {reason}");
        }
        let parse =
            |value: Value| SavedPosition::parse(&json!({ "at": value }), "at", TimeFormat::Text);
        assert!(
            parse(json!("yesterday"))
                .unwrap_err()
                .contains("2025-01-31T00:00:00Z")
        );
        assert!(
            parse(json!("2009-12-31T23:59:59Z"))
                .unwrap_err()
                .contains("before 2010")
        );
        assert!(parse(json!("2010-01-01T00:00:00Z")).is_ok());
    }

    #[test]
    fn an_early_position_with_covered_from_is_accepted() {
        let blob = json!({"covered_from": 0, "updated_at": 2_592_000_000_i64});
        let read = SavedPosition::parse(&blob, "updated_at", TimeFormat::Milliseconds).unwrap();
        assert_eq!(
            (read.position.0, read.covered_from),
            (2_592_000_000, Some(EpochMs(0)))
        );
        let blob = json!({"covered_from": NOW.0 + 1, "updated_at": NOW.0});
        let read = SavedPosition::parse(&blob, "updated_at", TimeFormat::Milliseconds).unwrap();
        assert_eq!(
            read.covered_from, None,
            "the covered time does not start after its end"
        );
    }

    #[test]
    fn a_first_read_starts_at_the_start_date() {
        let start = NOW.minus(HOUR * 24);
        for mode in [SyncMode::FullRefresh, SyncMode::Incremental] {
            let expected = ReadPlan::Read {
                start,
                horizon: NOW,
                reached: None,
                covered_from: Some(start),
                skipped: None,
            };
            assert_eq!(plan(mode, None, &bounds(start, None)), expected);
        }
    }

    #[test]
    fn an_incremental_read_looks_back_but_not_past_the_start_date() {
        let reached = NOW.minus(HOUR * 5);
        for (start_date, start) in [
            (EpochMs(0), NOW.minus(HOUR * 6)),
            (NOW.minus(HOUR * 5), NOW.minus(HOUR * 5)),
        ] {
            let expected = ReadPlan::Read {
                start,
                horizon: NOW,
                reached: Some(reached),
                covered_from: None,
                skipped: None,
            };
            assert_eq!(
                plan(
                    SyncMode::Incremental,
                    saved(reached, true),
                    &bounds(start_date, None)
                ),
                expected
            );
        }
    }

    #[test]
    fn a_full_refresh_resumes_only_from_an_unfinished_state() {
        let (start_date, reached) = (NOW.minus(HOUR * 9), NOW.minus(HOUR * 5));
        let read = |start, reached, covered_from| ReadPlan::Read {
            start,
            horizon: NOW,
            reached,
            covered_from,
            skipped: None,
        };
        let bounds = bounds(start_date, None);
        assert_eq!(
            plan(SyncMode::FullRefresh, saved(reached, true), &bounds),
            read(reached, Some(reached), None)
        );
        assert_eq!(
            plan(SyncMode::FullRefresh, saved(reached, false), &bounds),
            read(start_date, None, Some(start_date))
        );
        assert_eq!(
            plan(SyncMode::FullRefresh, saved(NOW.plus(HOUR), false), &bounds),
            read(start_date, None, Some(start_date))
        );
    }

    #[test]
    fn a_state_in_the_future_is_passed_on() {
        let position = NOW.plus(Duration::from_millis(1));
        assert_eq!(
            plan(
                SyncMode::Incremental,
                saved(position, false),
                &bounds(EpochMs(0), None)
            ),
            ReadPlan::StateInFuture(position)
        );
        assert_eq!(
            plan(
                SyncMode::FullRefresh,
                saved(position, true),
                &bounds(EpochMs(0), None)
            ),
            ReadPlan::StateInFuture(position)
        );
    }

    #[test]
    fn nothing_is_read_if_the_requested_time_is_empty() {
        let saved_at = |ago: u32| saved(NOW.minus(HOUR * ago), false);
        let bounds = |start_date, end_date| bounds(start_date, end_date);
        let empty = [
            (None, bounds(NOW, None)),
            (None, bounds(NOW.plus(HOUR), None)),
            (saved_at(1), bounds(NOW.plus(HOUR), None)),
            (saved_at(5), bounds(EpochMs(0), Some(NOW.minus(HOUR * 10)))),
            (saved_at(5), bounds(EpochMs(0), Some(NOW.minus(HOUR * 6)))),
        ];
        for (saved, bounds) in empty {
            let plan = plan(SyncMode::Incremental, saved, &bounds);
            assert_eq!(plan, ReadPlan::Empty, "{saved:?} {bounds:?}");
        }
    }

    #[test]
    fn a_start_date_after_the_saved_position_skips_time_and_restarts_the_coverage() {
        let (position, start_date) = (NOW.minus(HOUR * 9), NOW.minus(HOUR * 5));
        let covered = SavedPosition {
            position,
            covered_from: Some(NOW.minus(HOUR * 99)),
            unfinished: true,
            typed_values: false,
        };
        for mode in [SyncMode::FullRefresh, SyncMode::Incremental] {
            let expected = ReadPlan::Read {
                start: start_date,
                horizon: NOW,
                reached: None,
                covered_from: Some(start_date),
                skipped: Some(Window {
                    start: position,
                    end: start_date,
                }),
            };
            let bounds = bounds(start_date, None);
            assert_eq!(plan(mode, Some(covered), &bounds), expected);
        }
    }

    #[test]
    fn an_earlier_start_date_leaves_a_gap_and_a_later_one_does_not() {
        let (position, covered_from) = (NOW.minus(HOUR * 9), Some(NOW.minus(HOUR * 99)));
        let covered = SavedPosition {
            position,
            covered_from,
            unfinished: false,
            typed_values: false,
        };
        let check = |mode, saved, start_date, expected: Option<(EpochMs, EpochMs)>| {
            let bounds = bounds(start_date, None);
            let expected = expected.map(|(start, end)| Window { start, end });
            assert_eq!(uncovered(resumed(mode, saved), &bounds), expected);
            let ReadPlan::Read { covered_from, .. } = plan(mode, saved, &bounds) else {
                panic!("there is something to read");
            };
            covered_from
        };
        let (early, late) = (NOW.minus(HOUR * 200), NOW.minus(HOUR * 50));
        let incremental = SyncMode::Incremental;
        let gap = Some((early, NOW.minus(HOUR * 99)));
        assert_eq!(check(incremental, Some(covered), early, gap), covered_from);
        assert_eq!(check(incremental, Some(covered), late, None), covered_from);
        assert_eq!(
            check(incremental, saved(position, false), early, None),
            None
        );
        assert_eq!(check(incremental, None, early, None), Some(early));
        let full = check(SyncMode::FullRefresh, Some(covered), early, None);
        assert_eq!(full, Some(early), "a full refresh covers all of its time");
    }

    fn check_positions(
        reached: Option<i64>,
        horizon: i64,
        windows: &[(i64, Option<i64>)],
        expected: &[i64],
    ) {
        let mut tracker = PositionTracker::new(reached.map(EpochMs), EpochMs(0), EpochMs(horizon));
        let mut positions = Vec::new();
        for (end, server_time) in windows {
            tracker.advance(EpochMs(*end), server_time.map(EpochMs));
            positions.push(tracker.position().unwrap().0);
        }
        assert_eq!(positions, expected);
    }

    #[test]
    fn the_position_is_the_end_of_the_time_read() {
        check_positions(
            None,
            9_000,
            &[(3_000, Some(20_000)), (9_000, None)],
            &[3_000, 9_000],
        );
        check_positions(
            Some(5_000),
            9_000,
            &[(3_000, None), (9_000, None)],
            &[5_000, 9_000],
        );
    }

    #[test]
    fn a_horizon_within_a_second_is_rounded_down() {
        check_positions(None, 8_500, &[(9_000, None)], &[8_000]);
    }

    #[test]
    fn a_later_window_does_not_move_a_position_that_dixas_clock_limits() {
        check_positions(
            None,
            9_000,
            &[
                (3_000, Some(2_500)),
                (6_000, Some(5_000)),
                (9_000, Some(12_000)),
            ],
            &[2_000, 2_000, 2_000],
        );
    }

    proptest! {
        #[test]
        fn a_position_never_moves_back_and_never_passes_dixas_clock(
            lengths in prop::collection::vec((1_i64..100, prop::option::of(0_i64..3_000)), 1..20),
            first in prop::option::of(0_i64..1_000),
        ) {
            let horizon = lengths.iter().map(|(length, _)| length * 1000).sum();
            let mut tracker = PositionTracker::new(first.map(|first| EpochMs(first * 1000)), EpochMs(-1), EpochMs(horizon));
            let mut end = EpochMs(0);
            let mut lowest_clock = EpochMs(i64::MAX);
            for (length, server_time) in lengths {
                let before = tracker.position();
                end = end.plus(Duration::from_secs(length.unsigned_abs()));
                let server_time = server_time.map(|seconds| EpochMs(seconds * 1000));
                lowest_clock = server_time.filter(|time| *time < end).map_or(lowest_clock, |clock| clock.min(lowest_clock));
                tracker.advance(end, server_time);
                let position = tracker.position().unwrap();
                prop_assert!(before.is_none_or(|before| before <= position));
                prop_assert!(Some(position) == before || (position <= end && position <= lowest_clock));
            }
        }

        #[test]
        fn a_position_never_passes_time_that_was_not_requested(
            is_full in any::<bool>(),
            unfinished in any::<bool>(),
            start_date in -200_000..300_000_i64,
            end_after in prop::option::of(1..300_000_i64),
            saved in prop::option::of((-200_000..300_000_i64, prop::option::of(0..300_000_i64))),
            lookback in prop_oneof![Just(0_u64), 0..100_000_u64],
            clock in prop::collection::vec(prop::option::of(-300_000..300_000_i64), 40),
        ) {
            // Times around now, in units of a little more than a minute.
            let at = |offset: i64| NOW.0 + offset * 61_003;
            let saved = saved.map(|(position, covered)| SavedPosition {
                position: EpochMs(at(position)),
                covered_from: covered.map(|covered| EpochMs(at(position - covered))),
                unfinished,
                typed_values: false,
            });
            let bounds = ReadBounds {
                start_date: EpochMs(at(start_date)),
                end_date: end_after.map(|after| EpochMs(at(start_date + after))),
                lookback: Duration::from_millis(lookback * 61_003),
                now: NOW,
            };
            let mode = if is_full { SyncMode::FullRefresh } else { SyncMode::Incremental };
            let ReadPlan::Read { start, horizon, reached, covered_from, .. } = plan(mode, saved, &bounds) else {
                return Ok(());
            };
            prop_assert!(start >= bounds.start_date && start < horizon && horizon <= NOW);
            prop_assert!(bounds.end_date.is_none_or(|end_date| horizon <= end_date));
            let resumed = resumed(mode, saved);
            let mut tracker = PositionTracker::new(reached, start, horizon);
            let mut requested_to = start;
            for (window, clock) in windows(start, horizon, 31).zip(clock) {
                prop_assert!(window.start <= requested_to, "the windows have no gap");
                requested_to = window.end;
                tracker.advance(window.end, clock.map(|clock| EpochMs(at(clock))));
                let Some(position) = tracker.position() else { continue };
                let has_moved = resumed.is_none_or(|saved| position != saved.position);
                if !has_moved {
                    continue;
                }
                prop_assert!(position <= requested_to && position <= horizon && position > start);
                // Everything declared covered was either requested now or covered before.
                match (covered_from, resumed) {
                    (Some(from), _) if from >= start => {}
                    (from, Some(saved)) => {
                        prop_assert!(saved.position >= start && position > saved.position);
                        prop_assert_eq!(from, saved.covered_from);
                    }
                    (from, None) => prop_assert!(false, "{:?} was never requested", from),
                }
            }
        }
    }
}
