//! The simulator tested by raw requests: a judge must be judged first.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "tests wait")]

mod analytics;
mod analytics_pages;
mod analytics_rows;
mod answers;
mod client;
mod faults;
mod lists;
mod openapi;
mod pages;
mod responses;
mod rules;
mod stories;
