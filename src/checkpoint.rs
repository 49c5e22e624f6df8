//! A stream's saved position, what it means for the next read, and how it moves: forward only. Arithmetic; no clock.

use std::time::Duration;

use serde_json::{Value, json};

use crate::airbyte::catalog::SyncMode;
use crate::dixa::times::Times;
use crate::epoch::EpochMs;
use crate::failure::Failure;

/// What a saved state says: everything up to here was read and written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saved {
    pub position: EpochMs,
    /// It was saved on the way of a full refresh that had not ended.
    pub unfinished: bool,
}

impl Saved {
    /// Reads a state blob whose position is under `key`, as integer or as text (airbyte.md 7.2: Airbyte's own connector
    /// writes milliseconds as text), or as the stream's records have it. `None` if it says nothing.
    pub fn parse(blob: &Value, key: &str, times: Times) -> Result<Option<Self>, Failure> {
        if !blob.is_object() {
            return Err(Failure::config(
                "The saved state is no JSON object. Correct it, or reset the stream (by hand: delete it from the state file) to read it from the start.",
            ));
        }
        let unfinished = blob["unfinished"] == true;
        let position = match &blob[key] {
            Value::Null => return Ok(None),
            Value::Number(number) => number
                .as_i64()
                .or_else(|| number.as_f64().and_then(saturated)),
            Value::String(text) => {
                let text = text.trim();
                text.parse()
                    .ok()
                    .or_else(|| text.parse().ok().and_then(saturated))
                    .or_else(|| times.parse(text).map(|position| position.0))
            }
            _ => None,
        };
        match position {
            Some(position) => Ok(Some(Self {
                position: EpochMs(position),
                unfinished,
            })),
            None => Err(Failure::config(format!(
                "The saved state's `{key}` is no {}. Correct it, or reset the stream (by hand: delete it from the state file) to read it from the start.",
                times.name()
            ))),
        }
    }

    pub fn to_blob(self, key: &str, times: Times) -> Value {
        let position = times.value(self.position);
        if self.unfinished {
            json!({key: position, "unfinished": true})
        } else {
            json!({key: position})
        }
    }
}

/// A number without or beyond an integer's precision, as the integer nearest to it.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, and a state that far away is just far away"
)]
fn saturated(number: f64) -> Option<i64> {
    number.is_finite().then_some(number as i64)
}

/// What a read of a windowed stream has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// The saved state lies in the future: it is handed on unchanged, and nothing is read.
    Future(EpochMs),
    /// Nothing lies between start and horizon; the position to save.
    Empty(EpochMs),
    /// `[start, horizon)` is to be read, and the position never falls behind `reached`.
    Read {
        start: EpochMs,
        horizon: EpochMs,
        reached: Option<EpochMs>,
    },
}

/// What the course depends on beside the saved state.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub start_date: EpochMs,
    pub end_date: Option<EpochMs>,
    pub lookback: Duration,
    /// This run's now, a whole second.
    pub now: EpochMs,
}

/// What to read. A full refresh goes on from an unfinished state only; an incremental read takes either, and begins a
/// little before it.
pub fn course(mode: SyncMode, saved: Option<Saved>, limits: &Limits) -> Course {
    let saved = saved
        .filter(|saved| mode == SyncMode::Incremental || saved.unfinished)
        .map(|saved| saved.position);
    if let Some(position) = saved.filter(|position| *position > limits.now) {
        return Course::Future(position);
    }
    let horizon = limits
        .end_date
        .map_or(limits.now, |end_date| end_date.min(limits.now));
    let resumed = saved.map(|position| match mode {
        SyncMode::FullRefresh => position,
        SyncMode::Incremental => position.minus(limits.lookback),
    });
    let start = resumed
        .map_or(limits.start_date, |resumed| resumed.max(limits.start_date))
        .max(EpochMs(0));
    if limits.start_date >= horizon {
        return Course::Empty(saved.map_or(horizon, |position| position.max(horizon)));
    }
    if start >= horizon {
        return Course::Empty(saved.unwrap_or(horizon));
    }
    Course::Read {
        start,
        horizon,
        reached: saved,
    }
}

/// How far a read has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    reached: Option<EpochMs>,
    /// No position is saved beyond this.
    ceiling: EpochMs,
    is_held: bool,
}

impl Progress {
    /// A read that goes on from `reached` and ends before `horizon`.
    pub fn new(reached: Option<EpochMs>, horizon: EpochMs) -> Self {
        Self {
            reached,
            ceiling: horizon.floor_to_second(),
            is_held: false,
        }
    }

    /// The window that ends at `end`, and all before it, were read and written out. `asked_at` is Dixa's time when it was
    /// asked for: what was updated later cannot be in it, however far ahead our own clock is, and no later window makes
    /// up for that.
    pub fn advance(&mut self, end: EpochMs, asked_at: Option<EpochMs>) {
        if let Some(asked_at) = asked_at
            .map(EpochMs::floor_to_second)
            .filter(|asked_at| *asked_at < end)
        {
            self.ceiling = self.ceiling.min(asked_at);
            self.is_held = true;
        }
        let position = end.min(self.ceiling);
        self.reached = Some(
            self.reached
                .map_or(position, |reached| reached.max(position)),
        );
    }

    /// The position to save.
    pub fn position(&self) -> Option<EpochMs> {
        self.reached
    }

    /// Dixa's clock holds the position: no later window will move it.
    pub fn is_held(&self) -> bool {
        self.is_held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const NOW: EpochMs = EpochMs(1_700_000_000_000);

    fn limits(start_date: EpochMs, end_date: Option<EpochMs>) -> Limits {
        Limits {
            start_date,
            end_date,
            lookback: HOUR,
            now: NOW,
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "it is wanted so everywhere")]
    fn saved(position: EpochMs, unfinished: bool) -> Option<Saved> {
        Some(Saved {
            position,
            unfinished,
        })
    }

    fn check_blob(blob: &str, expected: Option<Saved>) {
        let blob = serde_json::from_str(blob).unwrap();
        assert_eq!(
            Saved::parse(&blob, "updated_at", Times::Milliseconds).unwrap(),
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
        check_blob(r#"{"updated_at":null}"#, None);
        check_blob("{}", None);
    }

    #[test]
    fn a_position_of_text_is_read_in_every_form_and_written_as_it_is_read() {
        let position = EpochMs(1_795_286_400_000);
        for value in [
            json!("2026-11-21T18:40:00Z"),
            json!("2026-11-21T18:40:00.000Z[GMT]"),
            json!(1_795_286_400_000_i64),
            json!("1795286400000"),
        ] {
            let blob = json!({"activityTimestamp": value, "unfinished": true});
            let read = Saved::parse(&blob, "activityTimestamp", Times::Text).unwrap();
            assert_eq!(read, saved(position, true), "{blob}");
        }
        let written = Saved {
            position,
            unfinished: false,
        };
        assert_eq!(
            written.to_blob("activityTimestamp", Times::Text),
            json!({"activityTimestamp": "2026-11-21T18:40:00Z"})
        );
        let blob = json!({"activityTimestamp": "yesterday"});
        let told = Saved::parse(&blob, "activityTimestamp", Times::Text).unwrap_err();
        assert!(told.message.contains("2025-01-31T00:00:00Z"));
    }

    #[test]
    fn a_position_that_is_no_number_is_told() {
        for blob in [
            json!("x"),
            json!([1]),
            json!({"updated_at": "2024-01-01"}),
            json!({"updated_at": true}),
            json!({"updated_at": {}}),
        ] {
            assert!(
                Saved::parse(&blob, "updated_at", Times::Milliseconds).is_err(),
                "{blob}"
            );
        }
    }

    #[test]
    fn a_first_read_begins_at_the_start_date() {
        let start = NOW.minus(HOUR * 24);
        for mode in [SyncMode::FullRefresh, SyncMode::Incremental] {
            let expected = Course::Read {
                start,
                horizon: NOW,
                reached: None,
            };
            assert_eq!(course(mode, None, &limits(start, None)), expected);
        }
    }

    #[test]
    fn an_incremental_read_looks_back_but_not_behind_the_start_date() {
        let reached = NOW.minus(HOUR * 5);
        for (start_date, start) in [
            (EpochMs(0), NOW.minus(HOUR * 6)),
            (NOW.minus(HOUR * 5), NOW.minus(HOUR * 5)),
        ] {
            let expected = Course::Read {
                start,
                horizon: NOW,
                reached: Some(reached),
            };
            assert_eq!(
                course(
                    SyncMode::Incremental,
                    saved(reached, true),
                    &limits(start_date, None)
                ),
                expected
            );
        }
    }

    #[test]
    fn a_full_refresh_goes_on_from_an_unfinished_state_only() {
        let (start_date, reached) = (NOW.minus(HOUR * 9), NOW.minus(HOUR * 5));
        let read = |start, reached| Course::Read {
            start,
            horizon: NOW,
            reached,
        };
        let limits = limits(start_date, None);
        assert_eq!(
            course(SyncMode::FullRefresh, saved(reached, true), &limits),
            read(reached, Some(reached))
        );
        assert_eq!(
            course(SyncMode::FullRefresh, saved(reached, false), &limits),
            read(start_date, None)
        );
        assert_eq!(
            course(SyncMode::FullRefresh, saved(NOW.plus(HOUR), false), &limits),
            read(start_date, None)
        );
    }

    #[test]
    fn a_state_in_the_future_is_handed_on() {
        let position = NOW.plus(Duration::from_millis(1));
        assert_eq!(
            course(
                SyncMode::Incremental,
                saved(position, false),
                &limits(EpochMs(0), None)
            ),
            Course::Future(position)
        );
        assert_eq!(
            course(
                SyncMode::FullRefresh,
                saved(position, true),
                &limits(EpochMs(0), None)
            ),
            Course::Future(position)
        );
    }

    #[test]
    fn a_start_date_in_the_future_saves_now() {
        assert_eq!(
            course(SyncMode::Incremental, None, &limits(NOW.plus(HOUR), None)),
            Course::Empty(NOW)
        );
        let older = saved(NOW.minus(HOUR), false);
        assert_eq!(
            course(SyncMode::Incremental, older, &limits(NOW.plus(HOUR), None)),
            Course::Empty(NOW)
        );
    }

    #[test]
    fn a_read_that_has_passed_its_end_date_stays_where_it_is() {
        let limits = limits(EpochMs(0), Some(NOW.minus(HOUR * 10)));
        let reached = NOW.minus(HOUR * 5);
        assert_eq!(
            course(SyncMode::Incremental, saved(reached, false), &limits),
            Course::Empty(reached)
        );
    }

    fn check_progress(
        reached: Option<i64>,
        horizon: i64,
        windows: &[(i64, Option<i64>)],
        expected: &[i64],
    ) {
        let mut progress = Progress::new(reached.map(EpochMs), EpochMs(horizon));
        let mut positions = Vec::new();
        for (end, asked_at) in windows {
            progress.advance(EpochMs(*end), asked_at.map(EpochMs));
            positions.push(progress.position().unwrap().0);
        }
        assert_eq!(positions, expected);
    }

    #[test]
    fn the_position_is_the_end_of_what_was_read() {
        check_progress(
            None,
            9_000,
            &[(3_000, Some(20_000)), (9_000, None)],
            &[3_000, 9_000],
        );
        check_progress(
            Some(5_000),
            9_000,
            &[(3_000, None), (9_000, None)],
            &[5_000, 9_000],
        );
    }

    #[test]
    fn an_end_within_a_second_saves_the_second_before_it() {
        check_progress(None, 8_500, &[(9_000, None)], &[8_000]);
    }

    #[test]
    fn a_position_that_dixas_clock_holds_is_not_freed_by_a_later_window() {
        check_progress(
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
            let mut progress = Progress::new(first.map(|first| EpochMs(first * 1000)), EpochMs(horizon));
            let mut end = EpochMs(0);
            let mut lowest_clock = EpochMs(i64::MAX);
            for (length, asked_at) in lengths {
                let before = progress.position();
                end = end.plus(Duration::from_secs(length.unsigned_abs()));
                let asked_at = asked_at.map(|asked_at| EpochMs(asked_at * 1000));
                lowest_clock = asked_at.filter(|asked_at| *asked_at < end).map_or(lowest_clock, |clock| clock.min(lowest_clock));
                progress.advance(end, asked_at);
                let position = progress.position().unwrap();
                prop_assert!(before.is_none_or(|before| before <= position));
                prop_assert!(Some(position) == before || (position <= end && position <= lowest_clock));
            }
        }
    }
}
