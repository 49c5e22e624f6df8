//! Splits the JSON body of a response into its records while it arrives: feed a [`Splitter`] the chunks in order, and it
//! emits each [`Record`] as the bytes that came. Knows nothing about HTTP or any API.
//!
//! One pass over the bytes, which may be cut anywhere. Every byte is checked to be JSON (RFC 8259) and UTF-8; of a record
//! only the key and the cursor are looked at. What surrounds the records, the frame, is kept and returned at the end.
//!
//! # The fast path
//!
//! The state machine in `machine` alone decides what is JSON. `shape` caches what stood between the values of earlier
//! records, and `scan` steps over one value; both only ever *skip* work. A step is taken only where the machine would have
//! reached the same state, so removing the cache changes no result, only the speed. Whatever is broken, unusual, or continues
//! in the next chunk is left to the machine. The tests compare both ways for random bodies and chunks.

mod buffer;
mod field_rules;
mod fields;
mod grammar;
mod machine;
mod members;
mod record;
mod repair;
mod scan;
mod shape;
mod split_error;

pub use buffer::{MAX_ENVELOPE, MAX_RECORD};
pub use field_rules::{FieldRule, FieldRules};
pub use fields::Fields;
pub use machine::{MAX_DEPTH, RecordPath, Splitter};
pub use members::{IdCollector, mask_fields, without_field};
pub use record::Record;
pub use repair::{Repaired, repair};
pub use split_error::SplitError;
