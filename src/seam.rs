//! Which records were written already, so that windows which overlap by a millisecond, and bodies that are read again
//! after a cut, write nothing twice. Nothing else is ever left out.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use xxhash_rust::xxh3::Xxh3;

use crate::epoch::EpochMs;
use crate::window::Window;

/// Neighbouring windows overlap by less than this.
const EDGE: Duration = Duration::from_secs(1);

/// Sixteen bytes that stand for a record: its key and its cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// Of a record with this key and this version of it: its cursor, or all its bytes where it has none.
    pub fn new(key: &[u8], version: &[u8]) -> Self {
        let mut hash = Xxh3::new();
        hash.update(key);
        hash.update(b"\0");
        hash.update(version);
        Self(hash.digest128())
    }
}

/// Fingerprints are evenly spread as they are.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only fingerprints are hashed, by write_u128")
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "any 64 bits of a fingerprint are evenly spread"
    )]
    fn write_u128(&mut self, fingerprint: u128) {
        self.0 = fingerprint as u64;
    }
}

type Fingerprints = HashSet<Fingerprint, BuildHasherDefault<AsItIs>>;

/// What was written of the body in flight, and near the edges of the one before it.
#[derive(Default)]
pub struct Seam {
    written: Fingerprints,
    /// Those of `written` that the next body may bring again.
    edges: Vec<Fingerprint>,
    before: Fingerprints,
}

impl Seam {
    /// Whether a record is to be written: it was not yet, in this body, an earlier try of it, or just before it.
    pub fn is_new(&mut self, fingerprint: Fingerprint) -> bool {
        !self.before.contains(&fingerprint) && self.written.insert(fingerprint)
    }

    /// A new record lies where the next body may bring it again.
    pub fn remember(&mut self, fingerprint: Fingerprint) {
        self.edges.push(fingerprint);
    }

    /// The body is whole: only what was to be remembered of it stays.
    pub fn finish(&mut self) {
        self.written.clear();
        self.before = self.edges.drain(..).collect();
    }
}

/// A record with this cursor may be returned by the window after this one, too; one without a cursor may be anywhere.
pub fn is_near_the_edge(window: &Window, cursor: Option<EpochMs>) -> bool {
    cursor.is_none_or(|cursor| {
        cursor.since(window.end).max(window.end.since(cursor)) <= EDGE
            || cursor.since(window.start).max(window.start.since(cursor)) <= EDGE
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(key: &str, cursor: &str) -> Fingerprint {
        Fingerprint::new(key.as_bytes(), cursor.as_bytes())
    }

    #[test]
    fn the_same_record_is_written_once() {
        let mut seam = Seam::default();
        assert!(seam.is_new(fingerprint("1", "5")));
        assert!(!seam.is_new(fingerprint("1", "5")));
    }

    #[test]
    fn an_updated_record_is_another_and_so_is_a_neighbouring_key() {
        let mut seam = Seam::default();
        for (key, cursor) in [("1", "5"), ("1", "6"), ("2", "5"), ("15", ""), ("", "15")] {
            assert!(seam.is_new(fingerprint(key, cursor)), "{key} {cursor}");
        }
    }

    #[test]
    fn of_a_finished_body_only_the_edges_stay_and_only_for_the_next_one() {
        let mut seam = Seam::default();
        let (inner, edge) = (fingerprint("1", "5"), fingerprint("2", "9"));
        assert!(seam.is_new(inner) && seam.is_new(edge));
        seam.remember(edge);
        seam.finish();
        assert!(seam.is_new(inner) && !seam.is_new(edge));
        seam.finish();
        assert!(seam.is_new(edge));
    }

    #[test]
    fn the_edge_is_a_second_wide() {
        let window = Window {
            start: EpochMs(100_000),
            end: EpochMs(200_000),
        };
        for (cursor, expected) in [
            (98_999, false),
            (99_000, true),
            (101_000, true),
            (101_001, false),
            (199_000, true),
            (201_000, true),
            (201_001, false),
        ] {
            assert_eq!(
                is_near_the_edge(&window, Some(EpochMs(cursor))),
                expected,
                "{cursor}"
            );
        }
        assert!(is_near_the_edge(&window, None));
    }
}
