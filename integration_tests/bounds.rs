//! Whatever the bounds of Dixa's exports mean, every record is written, and none twice.

use dixa_simulator::api::switches::{Bound, Order, Switches};
use dixa_simulator::data::account::Account;
use proptest::prelude::*;
use serde_json::json;

use crate::support::read::Read;
use crate::support::sim::Sim;
use crate::support::time::{DAY, START};

fn check(after: Bound, before: Bound, days: i64, offsets: &[i64]) {
    let mut account = Account::empty();
    for edge in (0..6).map(|window| START + window * days * DAY) {
        for offset in offsets {
            account.add_conversation((edge + offset).max(START));
        }
    }
    let end = START + 5 * days * DAY + DAY;
    let expected: Vec<_> = account
        .conversations
        .iter()
        .filter(|row| row.at < end)
        .map(|row| row.key.clone())
        .collect();
    let switches = Switches {
        after,
        before,
        order: Order::Shuffled,
        ..Switches::default()
    };
    let simulator = Sim::new().account(account).switches(switches).start();
    let end_date = chrono::DateTime::from_timestamp_millis(end)
        .unwrap()
        .format("%Y-%m-%d")
        .to_string();
    let dates = json!({"end_date": end_date, "window_days": days});
    for mode in ["full_refresh", "incremental"] {
        let ran = Read::of(&simulator)
            .config(dates.clone())
            .streams(["conversations"])
            .mode(mode)
            .run()
            .succeeded();
        let mut keys = ran.keys("conversations");
        keys.sort_by_key(|key| expected.iter().position(|other| other == key));
        assert_eq!(keys, expected, "{after:?} {before:?} {days} days");
    }
    assert!(
        simulator
            .log()
            .iter()
            .all(|request| request.refused.is_none())
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_record_is_written_once_under_all_four_meanings_of_the_bounds(
        days in 1_i64..=31, others in prop::collection::vec(-DAY..DAY, 0..6),
    ) {
        let edges = [-1001, -1000, -999, -2, -1, 0, 0, 1, 2, 999, 1000, 1001];
        let offsets: Vec<_> = edges.into_iter().chain(others).collect();
        for after in [Bound::Inclusive, Bound::Exclusive] {
            for before in [Bound::Inclusive, Bound::Exclusive] {
                check(after, before, days, &offsets);
            }
        }
    }
}
