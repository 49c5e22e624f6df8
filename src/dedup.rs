//! Deduplicates records by remembering which were written. Repeats occur because windows overlap, servers may round or ignore
//! bounds, pages shift while they are read, and truncated bodies are read again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::mem;
use std::time::Duration;

use record_splitter::Record;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::epoch::EpochMs;
use crate::window::{MAX_OVERLAP, Window};

const HOUR_MS: i64 = 3_600_000;
/// A server that rounds bounds to whole days, in any time zone, exceeds them by less than this.
const MAX_ROUNDING: Duration = Duration::from_secs(2 * 24 * 60 * 60);
const MAX_ROUNDING_HOURS: i64 = 2 * 24;
/// The maximum number of records outside their windows that a read remembers.
pub const MAX_OUT_OF_WINDOW: usize = 4_000_000;
/// The maximum number of records skipped for their dates that are remembered. Beyond it, repeated ones are counted again.
const MAX_SKIPPED: usize = 1_000_000;

/// A 16-byte hash that identifies a record by its key and cursor, or by its key and all its bytes if it has no cursor, or by its
/// bytes alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// The fingerprint of a record with a key.
    fn of(record: &Record<'_>, key: &[u8], cursor: Option<EpochMs>) -> Self {
        let version = match cursor {
            Some(_) => record.cursor.unwrap_or_default(),
            None => record.bytes,
        };
        Self::new(key, version)
    }

    /// The fingerprint of a key and a version, which is the cursor, or all bytes of the record if there is none.
    pub fn new(key: &[u8], version: &[u8]) -> Self {
        let length = key.len() + 1 + version.len();
        let mut short = [0; 128];
        if length <= short.len() {
            short[..key.len()].copy_from_slice(key);
            short[key.len() + 1..length].copy_from_slice(version);
            return Self(xxh3_128(&short[..length]));
        }
        let mut hash = Xxh3::new();
        hash.update(key);
        hash.update(b"\0");
        hash.update(version);
        Self(hash.digest128())
    }
}

/// A hasher for keys that need no hashing: fingerprints are uniformly distributed, and hours are multiplied.
#[derive(Default)]
struct NoHash(u64);

impl Hasher for NoHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only fingerprints and hours are hashed")
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "any 64 bits of a fingerprint are uniformly distributed"
    )]
    fn write_u128(&mut self, fingerprint: u128) {
        self.0 = fingerprint as u64;
    }

    fn write_i64(&mut self, hour: i64) {
        self.0 = hour.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

type Fingerprints = HashSet<Fingerprint, BuildHasherDefault<NoHash>>;

/// Fingerprints by the hour of their cursors. If a body is in chronological order, the set of the current hour stays in the
/// processor's cache, which one large set would not.
type ByHour = HashMap<i64, Fingerprints, BuildHasherDefault<NoHash>>;

/// Which other bodies may return a record again, judged by its cursor and the window or page that returned it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// Inside the window: no other body, if the server respects the bounds. Holds the hour of the cursor.
    Inside(i64),
    /// Within [`MAX_OVERLAP`] of an edge: the adjacent bodies.
    Edge,
    /// Outside the window by this much: any body. Holds the hour of the cursor.
    Outside(Duration, i64),
    /// Without a cursor, or with one that is not a plausible time: any body.
    Unknown,
}

impl Overlap {
    /// The overlap of a record with this cursor that a window returned.
    pub fn of(window: &Window, cursor: Option<EpochMs>) -> Self {
        let Some(cursor) = cursor else {
            return Self::Unknown;
        };
        let near = |edge: EpochMs| cursor.since(edge).max(edge.since(cursor)) <= MAX_OVERLAP;
        if near(window.start) || near(window.end) {
            return Self::Edge;
        }
        let distance = window.start.since(cursor).max(cursor.since(window.end));
        let hour = hour(cursor);
        if distance.is_zero() {
            Self::Inside(hour)
        } else {
            Self::Outside(distance, hour)
        }
    }
}

fn hour(cursor: EpochMs) -> i64 {
    cursor.0.div_euclid(HOUR_MS)
}

/// How far the server has exceeded the requested bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Overshoot {
    /// Not at all.
    #[default]
    None,
    /// By up to [`MAX_ROUNDING`]: it rounds bounds to days, in some time zone.
    Days,
    /// Further.
    Any,
}

/// Identical records without a key: how many the current attempt at a body has returned, and how many were written.
#[derive(Default)]
struct Twins {
    returned: u64,
    written: u64,
}

/// The records without a key in one body. Identical ones are written as often as the body contains them.
#[derive(Default)]
pub struct KeylessRecords(HashMap<Fingerprint, Twins>);

impl KeylessRecords {
    /// Starts another attempt at the body.
    pub fn restart(&mut self) {
        for twins in self.0.values_mut() {
            twins.returned = 0;
        }
    }

    /// Ends the body.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// The records written from the bodies in flight and the one before them, and those that any later body may return again. Bodies,
/// the windows or pages of a stream, are numbered in order.
///
/// If the server respects the bounds, a finished body is forgotten once the next one is finished. If it has returned a record
/// outside its window, all records that later bodies may return again are remembered until the read ends.
#[derive(Default)]
pub struct SeenRecords {
    bodies: BTreeMap<usize, Written>,
    /// Records that any body may return.
    anywhere: Fingerprints,
    overshoot: Overshoot,
    /// Records skipped for their dates.
    skipped: Fingerprints,
}

#[derive(Default)]
struct Written {
    inside: ByHour,
    edges: Fingerprints,
}

impl SeenRecords {
    /// Whether a record must be written: it has not been written yet, from any body that could return it or an earlier attempt at
    /// this one. `cursor` is the record's cursor as a time, if it is one.
    pub fn remember(
        &mut self,
        keyless: &mut KeylessRecords,
        body: usize,
        overlap: Overlap,
        record: &Record<'_>,
        cursor: Option<EpochMs>,
    ) -> bool {
        if let Some(key) = record.key {
            return self.insert(body, overlap, Fingerprint::of(record, key, cursor));
        }
        let fingerprint = Fingerprint::new(b"", record.bytes);
        let twins = keyless.0.entry(fingerprint).or_default();
        twins.returned += 1;
        let is_new = twins.returned > twins.written
            && (self.insert(body, overlap, fingerprint) || twins.written > 0);
        twins.written += u64::from(is_new);
        is_new
    }

    /// Remembers a record. Returns whether it is new and must be written.
    pub fn insert(&mut self, body: usize, overlap: Overlap, fingerprint: Fingerprint) -> bool {
        if let Overlap::Outside(distance, _) = overlap {
            let overshoot = if distance <= MAX_ROUNDING {
                Overshoot::Days
            } else {
                Overshoot::Any
            };
            self.overshoot = self.overshoot.max(overshoot);
        }
        let is_from_another_body = self.is_from_another_body(body, overlap, fingerprint);
        let known = match overlap {
            Overlap::Inside(hour) => {
                let written = self.bodies.entry(body).or_default();
                written.inside.entry(hour).or_default()
            }
            Overlap::Edge => &mut self.bodies.entry(body).or_default().edges,
            Overlap::Outside(..) | Overlap::Unknown => &mut self.anywhere,
        };
        // Remembered even if another body wrote it, since the next body may return it once more.
        known.insert(fingerprint) && !is_from_another_body
    }

    /// Whether the record was written from another body.
    fn is_from_another_body(
        &self,
        body: usize,
        overlap: Overlap,
        fingerprint: Fingerprint,
    ) -> bool {
        if !self.anywhere.is_empty() && self.anywhere.contains(&fingerprint) {
            return true;
        }
        match overlap {
            Overlap::Inside(_) | Overlap::Unknown => false,
            Overlap::Edge => [body.wrapping_sub(1), body + 1]
                .iter()
                .filter_map(|body| self.bodies.get(body))
                .any(|written| written.edges.contains(&fingerprint)),
            Overlap::Outside(_, hour) => self.bodies.values().any(|written| {
                let inside = written.inside.get(&hour);
                written.edges.contains(&fingerprint)
                    || inside.is_some_and(|inside| inside.contains(&fingerprint))
            }),
        }
    }

    /// Whether a record skipped for its dates has not been counted yet.
    pub fn remember_skipped(&mut self, record: &Record<'_>) -> bool {
        let key = record.key.unwrap_or(record.bytes);
        let fingerprint = Fingerprint::new(key, record.cursor.unwrap_or_default());
        self.skipped.len() >= MAX_SKIPPED || self.skipped.insert(fingerprint)
    }

    /// Whether more records were outside their windows than can be remembered.
    pub fn is_full(&self) -> bool {
        self.anywhere.len() > MAX_OUT_OF_WINDOW
    }

    /// Marks every body before this one as finished. Only the last of them is adjacent to an unfinished one.
    pub fn finish_before(&mut self, body: usize) {
        let kept = self.bodies.split_off(&body.saturating_sub(1));
        let finished = mem::replace(&mut self.bodies, kept);
        if self.overshoot == Overshoot::None {
            return;
        }
        for written in finished.into_values() {
            let hours = written.inside.keys();
            let (first, last) = (hours.clone().min().copied(), hours.max().copied());
            let is_near = |hour: i64| {
                let distance = first
                    .zip(last)
                    .map_or(0, |(first, last)| (hour - first).min(last - hour));
                self.overshoot == Overshoot::Any || distance < MAX_ROUNDING_HOURS
            };
            let inside = written.inside.into_iter();
            let near = inside.filter(|(hour, _)| is_near(*hour));
            self.anywhere.extend(written.edges);
            for (_, fingerprints) in near {
                self.anywhere.extend(fingerprints);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fingerprint(key: &str, cursor: &str) -> Fingerprint {
        Fingerprint::new(key.as_bytes(), cursor.as_bytes())
    }

    #[test]
    fn the_same_record_is_written_once() {
        for overlap in [Overlap::Inside(0), Overlap::Edge] {
            let mut seen = SeenRecords::default();
            assert!(seen.insert(0, overlap, fingerprint("1", "5")));
            assert!(!seen.insert(0, overlap, fingerprint("1", "5")));
        }
    }

    #[test]
    fn records_with_another_cursor_or_key_are_new() {
        let mut seen = SeenRecords::default();
        for (key, cursor) in [("1", "5"), ("1", "6"), ("2", "5"), ("15", ""), ("", "15")] {
            assert!(
                seen.insert(0, Overlap::Inside(0), fingerprint(key, cursor)),
                "{key} {cursor}"
            );
        }
    }

    #[test]
    fn records_at_an_edge_are_known_to_both_adjacent_bodies() {
        let mut seen = SeenRecords::default();
        assert!(seen.insert(3, Overlap::Edge, fingerprint("3", "")));
        assert!(seen.insert(5, Overlap::Edge, fingerprint("3", "")));
        assert!(!seen.insert(2, Overlap::Edge, fingerprint("3", "")));
        assert!(!seen.insert(4, Overlap::Edge, fingerprint("3", "")));
    }

    #[test]
    fn a_record_without_a_plausible_cursor_is_known_to_every_body() {
        let mut seen = SeenRecords::default();
        for body in [0, 3, 1, 2, 4, 5, 6] {
            let is_new = seen.insert(body, Overlap::Unknown, fingerprint("3", ""));
            assert_eq!(is_new, body == 0);
        }
        seen.finish_before(7);
        assert!(!seen.insert(7, Overlap::Unknown, fingerprint("3", "")));
    }

    fn remembered(seen: &SeenRecords) -> usize {
        let count = |written: &Written| {
            let inside = written.inside.values().map(HashSet::len);
            inside.sum::<usize>() + written.edges.len()
        };
        seen.bodies.values().map(count).sum::<usize>() + seen.anywhere.len()
    }

    #[test]
    fn only_the_last_finished_body_is_remembered_if_the_server_respects_the_bounds() {
        let mut seen = SeenRecords::default();
        for body in 0..100 {
            for number in 0..50 {
                let key = number.to_string();
                seen.insert(body, Overlap::Inside(0), fingerprint(&key, "5"));
                seen.insert(body, Overlap::Edge, fingerprint(&key, "9"));
            }
            seen.finish_before(body + 1);
            assert!(remembered(&seen) <= 100);
        }
    }

    #[test]
    fn two_days_at_each_edge_are_remembered_if_the_server_rounds_to_days() {
        let mut seen = SeenRecords::default();
        let hours = 30 * 24;
        for hour in 0..hours {
            seen.insert(0, Overlap::Inside(hour), fingerprint(&hour.to_string(), ""));
        }
        let distance = Duration::from_secs(20 * 60 * 60);
        seen.insert(
            1,
            Overlap::Outside(distance, hours - 20),
            fingerprint("x", ""),
        );
        seen.finish_before(9);
        let mut known = |hour: i64| {
            let overlap = Overlap::Outside(distance, hour);
            !seen.insert(9, overlap, fingerprint(&hour.to_string(), ""))
        };
        assert!(
            [0, 47, hours - 48, hours - 1]
                .map(&mut known)
                .iter()
                .all(|known| *known)
        );
        assert!(!known(hours / 2));
    }

    proptest! {
        /// Each record is new exactly once, whether the server rounds or ignores either bound, in whatever order ten windows in
        /// flight end, and however often they are restarted.
        #[test]
        fn a_record_is_new_once_however_a_server_treats_its_bounds(
            seed in any::<u64>(),
            cursors in prop::collection::vec(0_i64..60 * 86_400, 1..150),
            (after, before) in (bounds(), bounds()),
            days in 1_i64..8,
        ) {
            let mut random = fastrand::Rng::with_seed(seed);
            let length = days * 86_400;
            let windows: Vec<_> = (0..60 * 86_400 / length).map(|number| number * length).collect();
            let mut seen = SeenRecords::default();
            let mut written = HashMap::<usize, u32>::new();
            let mut finished = vec![false; windows.len()];
            while let Some(oldest) = finished.iter().position(|finished| !finished) {
                let last = windows.len().min(oldest + 10);
                let open: Vec<_> = (oldest..last).filter(|number| !finished[*number]).collect();
                let number = open[random.usize(..open.len())];
                let (begin, end) = (windows[number], windows[number] + length);
                let first = if after == 0 { i64::MIN } else { begin.div_euclid(after) * after };
                let rounded_end = if before == 0 { i64::MAX } else { (end + before - 1).div_euclid(before) * before };
                let mut body: Vec<_> = (0..cursors.len()).filter(|record| (first..rounded_end).contains(&cursors[*record])).collect();
                random.shuffle(&mut body);
                let is_cut = random.u8(..3) == 0;
                body.truncate(if is_cut { random.usize(..=body.len()) } else { body.len() });
                let window = Window { start: EpochMs(begin * 1000), end: EpochMs(end * 1000) };
                for record in body {
                    let overlap = Overlap::of(&window, Some(EpochMs(cursors[record] * 1000)));
                    if seen.insert(number, overlap, fingerprint(&record.to_string(), "")) {
                        *written.entry(record).or_default() += 1;
                    }
                }
                finished[number] = !is_cut;
                let prefix = finished.iter().position(|finished| !finished).unwrap_or(finished.len());
                seen.finish_before(prefix);
            }
            for (record, times) in &written {
                prop_assert_eq!(*times, 1, "record {} at {}", record, cursors[*record]);
            }
            let end = windows[windows.len() - 1] + length;
            let covered = |cursor: &&i64| **cursor < end;
            prop_assert!(written.len() >= cursors.iter().filter(covered).count());
        }
    }

    /// The number of seconds that a bound is rounded to; 0 means that it is ignored.
    fn bounds() -> impl Strategy<Value = i64> {
        prop::sample::select(vec![
            0,
            1,
            60,
            3600,
            86_400,
            2 * 86_400,
            7 * 86_400,
            30 * 86_400,
        ])
    }

    #[test]
    fn an_edge_extends_one_second_to_each_side() {
        let window = Window {
            start: EpochMs(100_000),
            end: EpochMs(200_000),
        };
        for (cursor, expected) in [
            (98_999, Overlap::Outside(Duration::from_millis(1_001), 0)),
            (99_000, Overlap::Edge),
            (101_000, Overlap::Edge),
            (101_001, Overlap::Inside(0)),
            (199_000, Overlap::Edge),
            (201_000, Overlap::Edge),
            (201_001, Overlap::Outside(Duration::from_millis(1_001), 0)),
        ] {
            assert_eq!(
                Overlap::of(&window, Some(EpochMs(cursor))),
                expected,
                "{cursor}"
            );
        }
        assert_eq!(Overlap::of(&window, None), Overlap::Unknown);
    }
}
