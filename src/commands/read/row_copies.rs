//! Makes a key for records to which Dixa gives none: the hash of a row's bytes, and a number for each of several equal rows.
//! Arithmetic.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_128;

/// The key of a row within its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowKey {
    pub hash: u128,
    /// 1, or n for the n-th of equal rows.
    pub copy: u32,
}

/// The rows of one window after another, whose pages may be requested several times. Equal rows have the same time, so a window has
/// either all of them or none; those at its edges may be in two.
#[derive(Default)]
pub struct RowCopies {
    rows: HashMap<u128, Copies>,
    /// How many of each the current attempt at a page has returned.
    on_page: HashMap<u128, u32>,
}

/// Equal rows.
#[derive(Default)]
struct Copies {
    /// On the pages before the current one.
    before: u32,
    written: u32,
    /// The next window may return them, too.
    may_return: bool,
}

impl RowCopies {
    /// The key of a row, if it must be written: neither an earlier attempt nor the window before has written this copy. `may_return`
    /// says whether the next window may return the row, too.
    pub fn key(&mut self, row: &[u8], may_return: bool) -> Option<RowKey> {
        let hash = xxh3_128(row);
        let on_page = self.on_page.entry(hash).or_default();
        *on_page += 1;
        let copies = self.rows.entry(hash).or_default();
        copies.may_return = may_return;
        let copy = copies.before + *on_page;
        (copy > copies.written).then(|| {
            copies.written = copy;
            RowKey { hash, copy }
        })
    }

    /// The current page is requested again, or for the first time.
    pub fn begin_page(&mut self) {
        self.on_page.clear();
    }

    /// The current page is complete.
    pub fn end_page(&mut self) {
        for (hash, on_page) in self.on_page.drain() {
            self.rows.entry(hash).or_default().before += on_page;
        }
    }

    /// The window is complete.
    pub fn end_window(&mut self) {
        self.rows.retain(|_, copies| copies.may_return);
        self.rows.shrink_to_fit();
    }

    /// A window, or a part of it, is requested from its first page.
    pub fn begin_pages(&mut self) {
        self.on_page.clear();
        for copies in self.rows.values_mut() {
            copies.before = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever is requested again, and wherever it was cut, each row is written as often as it is in the pages.
        #[test]
        fn every_copy_is_written_once(
            pages in prop::collection::vec(prop::collection::vec(0_u8..4, 0..6), 1..5),
            seed in any::<u64>(),
        ) {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut copies = RowCopies::default();
            let mut written = Vec::new();
            'chain: for attempt in 0.. {
                copies.begin_pages();
                for page in &pages {
                    while attempt < 3 && random.bool() {
                        copies.begin_page();
                        let cut = random.usize(..=page.len());
                        written.extend(page[..cut].iter().filter_map(|row| copies.key(&[*row], false)));
                    }
                    if attempt < 3 && random.u8(..4) == 0 {
                        continue 'chain;
                    }
                    copies.begin_page();
                    written.extend(page.iter().filter_map(|row| copies.key(&[*row], false)));
                    copies.end_page();
                }
                break;
            }
            let mut expected = Vec::new();
            for row in 0..4_u8 {
                let all = u32::try_from(pages.iter().flatten().filter(|other| **other == row).count()).unwrap();
                expected.extend((1..=all).map(|copy| (xxh3_128(&[row]), copy)));
            }
            let mut written: Vec<_> = written.iter().map(|key| (key.hash, key.copy)).collect();
            written.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(written, expected);
        }
    }
    #[test]
    fn a_row_at_the_edge_of_two_windows_is_written_once() {
        let mut copies = RowCopies::default();
        let mut window = |rows: &[(&str, bool)]| {
            copies.begin_pages();
            copies.begin_page();
            let keys = rows
                .iter()
                .filter_map(|(row, may_return)| copies.key(row.as_bytes(), *may_return));
            let written = keys.map(|key| key.copy).collect::<Vec<_>>();
            copies.end_page();
            copies.end_window();
            written
        };
        assert_eq!(window(&[("a", false), ("b", true), ("b", true)]), [1, 1, 2]);
        assert_eq!(window(&[("b", true), ("b", true), ("c", false)]), [1]);
        assert_eq!(window(&[("a", false)]), [1]);
    }
}
