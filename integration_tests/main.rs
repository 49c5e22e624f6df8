//! What the connector promises, tried from outside: the binary, files and lines, against a simulator that judges.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "`json!` reads better than `&json!`"
)]
#![expect(clippy::disallowed_methods, reason = "tests have a clock and wait")]

/// Runs the binary and reads its lines; every run is held to the laws of the protocol.
mod connector;
mod protocol;
/// A local Dixa.
mod simulator;
mod waited;

/// One command, or one promise, each.
mod acceptance;
mod bounds;
mod catalog;
mod check;
mod discover;
mod fault_table;
mod faults;
mod fuzzed;
mod hand;
mod hostile;
mod kill;
mod lists;
mod memory;
mod model;
mod network;
mod pages;
mod rate;
mod read;
mod resume;
mod secrets;
mod spec;
mod terminal;
mod tidy;
