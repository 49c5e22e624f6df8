//! The order in which rows are sent.

use std::collections::VecDeque;

use super::switches::Order;
use crate::data::row::Row;

/// Puts rows into this order, the same one for each response.
pub fn sort(rows: &mut [&Row], order: Order) {
    match order {
        Order::Runs | Order::Ascending => rows.sort_by_key(|row| row.at),
        Order::Descending => rows.sort_by_key(|row| std::cmp::Reverse(row.at)),
        Order::Shuffled => fastrand::Rng::with_seed(rows.len() as u64).shuffle(rows),
    }
}

/// Puts rows into this order. Runs are interleaved as the seed decides.
pub fn arrange(rows: &mut Vec<&Row>, order: Order, seed: u64) {
    match order {
        Order::Runs => interleave(rows, seed),
        order => sort(rows, order),
    }
}

/// Ascending runs, interleaved as the seed decides.
fn interleave(rows: &mut Vec<&Row>, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    rows.sort_by_key(|row| row.at);
    let count = random.usize(1..=rows.len() / 2 + 1);
    let mut runs = vec![VecDeque::new(); count];
    for row in rows.drain(..) {
        runs[random.usize(..count)].push_back(row);
    }
    while !runs.is_empty() {
        let run = random.usize(..runs.len());
        match runs[run].pop_front() {
            Some(row) => rows.push(row),
            None => drop(runs.swap_remove(run)),
        }
    }
}
