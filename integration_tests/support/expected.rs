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

/// A read wrote the expected records of a stream, in any order.
pub fn check_records(ran: &Ran, simulator: &Simulator, stream: &str) {
    let mut records = ran.records(stream);
    records.sort_unstable();
    assert_eq!(records, expected_records(simulator, stream), "{stream}");
}
