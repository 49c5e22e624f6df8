//! Catalogs and states, as clients write them.

use serde_json::{Value, json};

/// A configured catalog of these streams, all in one sync mode.
pub fn catalog<S: AsRef<str>>(streams: impl IntoIterator<Item = S>, sync_mode: &str) -> Value {
    let configured = |name: S| {
        json!({
            "stream": {"name": name.as_ref(), "json_schema": {}, "supported_sync_modes": ["full_refresh"], "namespace": null},
            "sync_mode": sync_mode, "destination_sync_mode": "append", "cursor_field": null, "primary_key": null,
        })
    };
    json!({ "streams": streams.into_iter().map(configured).collect::<Vec<_>>() })
}

/// A state of one stream, as the platform passes it back.
pub fn state_at(stream: &str, state: &Value) -> String {
    json!([{
        "type": "STREAM", "id": 7, "global": null, "data": null,
        "stream": {"stream_descriptor": {"name": stream, "namespace": null}, "stream_state": state},
        "sourceStats": {"recordCount": 3.0}, "destinationStats": {"recordCount": 3.0},
    }])
    .to_string()
}
