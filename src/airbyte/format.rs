//! In what form records and states are written: the protocol's, Singer's, or plain rows.

use chrono::SecondsFormat;
use clap::ValueEnum;
use serde_json::{Map, Value, json};

use crate::airbyte::catalog::DiscoveredStream;
use crate::epoch::EpochMs;

/// The forms there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Airbyte messages: RECORD, STATE, TRACE, LOG
    #[default]
    Airbyte,
    /// Singer messages, for any target: SCHEMA, RECORD, STATE
    Singer,
    /// The records of one stream and nothing else
    Jsonl,
}

impl Format {
    /// What begins the line of every record of a stream.
    pub fn record_begin(self, stream: &str) -> Vec<u8> {
        let begin = match self {
            Self::Airbyte => format!(r#"{{"type":"RECORD","record":{{"stream":"{stream}","data":"#),
            Self::Singer => format!(r#"{{"type":"RECORD","stream":"{stream}","record":"#),
            Self::Jsonl => String::new(),
        };
        begin.into()
    }

    /// What ends it, if it is written now.
    pub fn record_end(self, now: EpochMs) -> Vec<u8> {
        let end = match self {
            Self::Airbyte => format!(",\"emitted_at\":{}}}}}\n", now.0),
            Self::Singer => {
                let time = now.to_rfc3339(SecondsFormat::Micros);
                format!(",\"time_extracted\":\"{time}\"}}\n")
            }
            Self::Jsonl => "\n".to_owned(),
        };
        end.into()
    }
}

/// Singer's SCHEMA of a stream: it comes before the first record.
pub fn singer_schema(stream: &DiscoveredStream<'_>) -> Value {
    let mut schema = json!({
        "type": "SCHEMA", "stream": stream.name, "schema": stream.json_schema, "key_properties": stream.primary_key,
    });
    if let Some(cursor) = stream.cursor {
        schema["bookmark_properties"] = json!([cursor]);
    }
    schema
}

/// Singer's STATE: all streams at once, under `bookmarks`, as taps do by convention.
pub fn singer_state<'a>(states: impl Iterator<Item = (&'a String, &'a Value)>) -> Value {
    let bookmarks: Map<_, _> = states
        .map(|(name, blob)| (name.clone(), blob.clone()))
        .collect();
    json!({"type": "STATE", "value": {"bookmarks": bookmarks}})
}
