//! Which records were written already, so that windows which overlap by a millisecond, pages that shift while they are
//! read, and bodies that are read again after a cut, write nothing twice. Nothing else is ever left out.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::epoch::EpochMs;
use crate::window::Window;

/// Neighbouring windows overlap by less than this.
const EDGE: Duration = Duration::from_secs(1);
const HOUR_MS: i64 = 3_600_000;

/// Sixteen bytes that stand for a record: its key and its cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// Of a record with this key and this version of it: its cursor, or all its bytes where it has none.
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

/// Fingerprints are evenly spread as they are; hours are spread.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only fingerprints and hours are hashed")
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "any 64 bits of a fingerprint are evenly spread"
    )]
    fn write_u128(&mut self, fingerprint: u128) {
        self.0 = fingerprint as u64;
    }

    fn write_i64(&mut self, hour: i64) {
        self.0 = hour.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

type Fingerprints = HashSet<Fingerprint, BuildHasherDefault<Spread>>;

/// Apart by the hours of their cursors. Bodies come more or less in the order of time, and what was written in one hour
/// stays in the processor's cache, as all of it together would not.
type ByHour = HashMap<i64, Fingerprints, BuildHasherDefault<Spread>>;

/// Where in its body a record lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// No other body can bring it; the hour that it lies in.
    Inside(i64),
    /// The bodies beside this one may bring it, too.
    Edge,
    /// Any body may bring it, too.
    Anywhere,
}

impl Place {
    /// Of a record with this cursor in a window.
    pub fn of(window: &Window, cursor: Option<EpochMs>) -> Self {
        let Some(cursor) = cursor else {
            return Self::Anywhere;
        };
        let near = |edge: EpochMs| cursor.since(edge).max(edge.since(cursor)) <= EDGE;
        if near(window.start) || near(window.end) {
            Self::Edge
        } else {
            Self::Inside(cursor.0 / HOUR_MS)
        }
    }
}

/// What was written of the bodies in flight, and at the edges of the one before them. Bodies are numbered in order: the
/// windows or the pages of a stream.
#[derive(Default)]
pub struct Seam(BTreeMap<usize, Written>);

#[derive(Default)]
struct Written {
    inside: ByHour,
    edges: Fingerprints,
    anywhere: Fingerprints,
}

impl Seam {
    /// Whether a record is to be written: it was not yet, by this body, an earlier try of it, or one beside it.
    pub fn is_new(&mut self, body: usize, place: Place, fingerprint: Fingerprint) -> bool {
        let is_elsewhere = match place {
            Place::Inside(_) => false,
            Place::Edge => [body.wrapping_sub(1), body + 1]
                .iter()
                .filter_map(|body| self.0.get(body))
                .any(|written| written.edges.contains(&fingerprint)),
            Place::Anywhere => self
                .0
                .values()
                .any(|written| written.anywhere.contains(&fingerprint)),
        };
        let written = self.0.entry(body).or_default();
        let known = match place {
            Place::Inside(hour) => written.inside.entry(hour).or_default(),
            Place::Edge => &mut written.edges,
            Place::Anywhere => &mut written.anywhere,
        };
        // Remembered even where another body wrote it, for the one after this may bring it once more.
        known.insert(fingerprint) && !is_elsewhere
    }

    /// The body is whole: of what it wrote, only what others may bring is still of use.
    pub fn finish(&mut self, body: usize) {
        if let Some(written) = self.0.get_mut(&body) {
            written.inside = ByHour::default();
        }
    }

    /// Every body before this one is whole: only the last of them still lies beside one that is not.
    pub fn finish_before(&mut self, body: usize) {
        self.0 = self.0.split_off(&body.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(key: &str, cursor: &str) -> Fingerprint {
        Fingerprint::new(key.as_bytes(), cursor.as_bytes())
    }

    #[test]
    fn the_same_record_is_written_once() {
        for place in [Place::Inside(0), Place::Edge] {
            let mut seam = Seam::default();
            assert!(seam.is_new(0, place, fingerprint("1", "5")));
            assert!(!seam.is_new(0, place, fingerprint("1", "5")));
        }
    }

    #[test]
    fn an_updated_record_is_another_and_so_is_a_neighbouring_key() {
        let mut seam = Seam::default();
        for (key, cursor) in [("1", "5"), ("1", "6"), ("2", "5"), ("15", ""), ("", "15")] {
            assert!(
                seam.is_new(0, Place::Inside(0), fingerprint(key, cursor)),
                "{key} {cursor}"
            );
        }
    }

    #[test]
    fn edges_are_known_to_the_bodies_on_both_sides_in_flight_or_finished() {
        let mut seam = Seam::default();
        assert!(seam.is_new(3, Place::Edge, fingerprint("3", "")));
        assert!(seam.is_new(5, Place::Edge, fingerprint("3", "")));
        assert!(!seam.is_new(2, Place::Edge, fingerprint("3", "")));
        seam.finish(3);
        assert!(!seam.is_new(4, Place::Edge, fingerprint("3", "")));
    }

    #[test]
    fn what_every_body_brings_is_written_once() {
        let mut seam = Seam::default();
        for body in [0, 3, 1, 2, 4, 5, 6] {
            assert_eq!(
                seam.is_new(body, Place::Anywhere, fingerprint("3", "")),
                body == 0
            );
            seam.finish(body);
        }
        seam.finish_before(7);
        assert!(!seam.is_new(7, Place::Anywhere, fingerprint("3", "")));
    }

    #[test]
    fn of_finished_bodies_nothing_stays_but_the_last_ones_edges() {
        let mut seam = Seam::default();
        for body in 0..100 {
            for number in 0..50 {
                seam.is_new(
                    body,
                    Place::Inside(0),
                    fingerprint(&number.to_string(), "5"),
                );
                seam.is_new(body, Place::Edge, fingerprint(&number.to_string(), "9"));
            }
            seam.finish(body);
            seam.finish_before(body + 1);
        }
        let left: usize = seam
            .0
            .values()
            .map(|written| {
                let inside = written.inside.values().map(HashSet::len);
                inside.sum::<usize>() + written.edges.len()
            })
            .sum();
        assert!(left <= 50, "{left}");
    }

    #[test]
    fn the_edge_is_a_second_wide() {
        let window = Window {
            start: EpochMs(100_000),
            end: EpochMs(200_000),
        };
        for (cursor, expected) in [
            (98_999, Place::Inside(0)),
            (99_000, Place::Edge),
            (101_000, Place::Edge),
            (101_001, Place::Inside(0)),
            (199_000, Place::Edge),
            (201_000, Place::Edge),
            (201_001, Place::Inside(0)),
        ] {
            assert_eq!(
                Place::of(&window, Some(EpochMs(cursor))),
                expected,
                "{cursor}"
            );
        }
        assert_eq!(Place::of(&window, None), Place::Anywhere);
    }
}
