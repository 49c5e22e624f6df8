//! What a state file of `--state-out` holds.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::protocol::position;

/// The position of a stream in a state file, in milliseconds; `None` without the file or the stream.
pub fn saved_position(file: &Path, stream: &str) -> Option<i64> {
    let states: Value = serde_json::from_str(&fs::read_to_string(file).ok()?).unwrap();
    let is_of_stream = |state: &&Value| state["stream"]["stream_descriptor"]["name"] == stream;
    let state = states.as_array().unwrap().iter().find(is_of_stream)?;
    position(&state["stream"]["stream_state"])
}
