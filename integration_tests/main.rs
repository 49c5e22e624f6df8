//! What the connector promises, tested from outside: the binary with files and lines, against a simulator that enforces
//! Dixa's rules.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "`json!` reads better than `&json!`"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "tests use the system clock and wait"
)]

/// What more than one of the tests uses.
mod support;

/// One promise each.
mod acceptance;
mod activation;
mod bounds;
mod catalog;
mod check;
mod child_streams;
mod cli;
mod clocks;
mod columns;
mod discover;
mod documents;
mod errors;
mod fault_table;
mod faults;
mod formats;
mod fuzz_corpus;
mod going_on;
mod hostile;
mod input_files;
mod interruptions;
mod kill;
mod lists;
mod memory;
mod model;
mod network;
mod odd_responses;
mod pages;
mod permissions;
mod positions;
mod probe;
mod rate;
mod read;
mod recipes;
mod record_form;
mod resume;
mod row_hashes;
mod secrets;
mod selection;
mod spec;
mod standard_streams;
mod state_files;
mod state_out;
mod states;
mod tap;
mod terminal;
mod tidy;
