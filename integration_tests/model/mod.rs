//! What a read must hold over thousands of random histories in paused time: kills and resumes, faults, data that changes,
//! wrong clocks, bounds of either meaning, streams that share a rate limit, child streams.
//!
//! ```text
//! read ──killed at any byte──► read from the last state ──…──► a last read without faults
//!   └─ what all of them wrote, put together, must contain every record in its last version
//! ```

mod analytics;
mod dixa;
mod history;
mod lasting;
mod rates;
mod read;
mod rows;
mod scripted;
mod waits;
