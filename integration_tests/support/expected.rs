//! The records that a read must write, from the simulator's data.

use dixa_simulator::Simulator;

use super::ran::Ran;

/// The records of a stream that a read must write, whatever goes wrong, sorted.
pub fn expected_records(simulator: &Simulator, stream: &str) -> Vec<String> {
    let rows = simulator.account(|account| account.rows());
    let rows = rows[stream].iter();
    let mut records: Vec<_> = rows.map(|row| row.json.to_string()).collect();
    records.sort();
    records
}

/// A record without the hash that the connector adds to rows without a key. `row_hashes.rs` tests it.
pub fn without_row_hash(record: &str) -> String {
    let Some((front, rest)) = record.split_once(r#""row_hash":""#) else {
        return record.to_owned();
    };
    let (hash, rest) = rest.split_at(32);
    assert!(
        hash.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{record}"
    );
    format!("{front}{}", rest.strip_prefix("\",").unwrap())
}

/// A read wrote the expected records of a stream, in any order.
pub fn check_records(ran: &Ran, simulator: &Simulator, stream: &str) {
    let records = ran.records(stream);
    let mut records: Vec<_> = records.into_iter().map(without_row_hash).collect();
    records.sort_unstable();
    assert_eq!(records, expected_records(simulator, stream), "{stream}");
}
