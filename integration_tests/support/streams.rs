//! The streams, as `discover` lists them.

use std::sync::LazyLock;

use serde_json::Value;

use super::binary::binary;
use super::config::TOKEN;

/// The streams of the catalog that `discover` prints, in its order.
pub fn discovered() -> &'static [Value] {
    static STREAMS: LazyLock<Vec<Value>> = LazyLock::new(|| {
        let mut command = binary();
        let output = command.arg("discover").env("DIXA_API_TOKEN", TOKEN);
        let message: Value = serde_json::from_slice(&output.output().unwrap().stdout).unwrap();
        let streams = &message["catalog"]["streams"];
        streams.as_array().unwrap().clone()
    });
    &STREAMS
}

pub fn stream_names() -> Vec<&'static str> {
    discovered().iter().map(name).collect()
}

/// The streams that can be read incrementally, each with its cursor field.
pub fn incremental() -> Vec<(&'static str, &'static str)> {
    let streams = discovered().iter();
    streams
        .filter_map(|stream| {
            let cursor = stream.get("default_cursor_field")?[0].as_str().unwrap();
            Some((name(stream), cursor))
        })
        .collect()
}

/// The fields of a stream's primary key.
pub fn key_of(stream: &str) -> Vec<String> {
    let stream = discovered().iter().find(|found| name(found) == stream);
    let key = stream.and_then(|stream| stream.get("source_defined_primary_key"));
    let paths = key.and_then(Value::as_array).into_iter().flatten();
    paths
        .map(|path| path[0].as_str().unwrap().to_owned())
        .collect()
}

fn name(stream: &Value) -> &str {
    stream["name"].as_str().unwrap()
}
