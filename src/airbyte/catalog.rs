//! The catalogs: the one that `discover` writes, and the configured one that `read` is given.

use serde_json::{Map, Value, json};

use crate::failure::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncMode {
    FullRefresh,
    Incremental,
}

/// A stream that can be read, as `discover` says it (airbyte.md 1.8).
pub struct DiscoveredStream<'a> {
    pub name: &'a str,
    pub json_schema: Value,
    /// The fields of the key; none where the records have none.
    pub primary_key: &'a [&'a str],
    /// A stream with a cursor can be read incrementally, and a full refresh of it can be resumed.
    pub cursor: Option<&'a str>,
}

impl DiscoveredStream<'_> {
    pub fn to_json(&self) -> Value {
        let modes: &[&str] = if self.cursor.is_some() {
            &["full_refresh", "incremental"]
        } else {
            &["full_refresh"]
        };
        let mut stream = Map::new();
        stream.insert("name".into(), json!(self.name));
        stream.insert("json_schema".into(), self.json_schema.clone());
        stream.insert("supported_sync_modes".into(), json!(modes));
        if let Some(cursor) = self.cursor {
            stream.insert("source_defined_cursor".into(), json!(true));
            stream.insert("default_cursor_field".into(), json!([cursor]));
        }
        let key: Vec<_> = self.primary_key.iter().map(|field| [field]).collect();
        if !key.is_empty() {
            stream.insert("source_defined_primary_key".into(), json!(key));
        }
        stream.insert("is_resumable".into(), json!(self.cursor.is_some()));
        Value::Object(stream)
    }
}

/// A stream that somebody wants read.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfiguredStream {
    pub name: String,
    /// `None` where what was asked for is no sync mode.
    pub sync_mode: Option<SyncMode>,
    /// The path of the cursor field; empty where none is named, `None` where what is named is no path.
    pub cursor_field: Option<Vec<String>>,
}

/// Reads a configured catalog, leniently: unknown keys, nulls and repeated keys are no errors.
pub fn parse(text: &str) -> Result<Vec<ConfiguredStream>, Failure> {
    let catalog: Value = serde_json::from_str(text)
        .map_err(|error| Failure::config("The catalog is not JSON.").because(&error))?;
    let Some(streams) = catalog.get("streams").and_then(Value::as_array) else {
        return Err(Failure::config(
            "The catalog is not a configured catalog: it must be an object with a list `streams`, each with a `stream` and a `sync_mode`.",
        ));
    };
    streams
        .iter()
        .enumerate()
        .map(|(index, configured)| parse_stream(index + 1, configured))
        .collect()
}

fn parse_stream(number: usize, configured: &Value) -> Result<ConfiguredStream, Failure> {
    let Some(name) = configured.pointer("/stream/name").and_then(Value::as_str) else {
        return Err(Failure::config(format!(
            "The catalog's stream number {number} has no name at `stream.name`; each is written as {{\"stream\": {{\"name\": …}}, \"sync_mode\": …}}."
        )));
    };
    let sync_mode = match &configured["sync_mode"] {
        Value::Null => Some(SyncMode::FullRefresh),
        Value::String(mode) if mode == "full_refresh" => Some(SyncMode::FullRefresh),
        Value::String(mode) if mode == "incremental" => Some(SyncMode::Incremental),
        _ => None,
    };
    let cursor_field = match &configured["cursor_field"] {
        Value::Null => Some(Vec::new()),
        Value::String(field) => Some(vec![field.clone()]),
        Value::Array(path) => path
            .iter()
            .map(|field| field.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    };
    Ok(ConfiguredStream {
        name: name.to_owned(),
        sync_mode,
        cursor_field,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(name: &str, sync_mode: Option<SyncMode>, cursor_field: &[&str]) -> ConfiguredStream {
        let cursor_field = Some(
            cursor_field
                .iter()
                .map(|field| (*field).to_owned())
                .collect(),
        );
        ConfiguredStream {
            name: name.to_owned(),
            sync_mode,
            cursor_field,
        }
    }

    fn check(text: &str, expected: &[ConfiguredStream]) {
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn what_clients_write_is_read() {
        check(r#"{"streams":[]}"#, &[]);
        check(
            r#"{"streams":[{"stream":{"name":"tags","json_schema":{},"namespace":null},"sync_mode":"incremental",
                "cursor_field":[],"primary_key":null,"x":1,"x":2,"destination_sync_mode":"overwrite"}]}"#,
            &[stream("tags", Some(SyncMode::Incremental), &[])],
        );
        check(
            r#"{"streams":[{"stream":{"name":"a"},"sync_mode":"full_refresh","cursor_field":null},
                {"stream":{"name":"b"},"cursor_field":["updated_at"]}]}"#,
            &[
                stream("a", Some(SyncMode::FullRefresh), &[]),
                stream("b", Some(SyncMode::FullRefresh), &["updated_at"]),
            ],
        );
        check(
            r#"{"streams":[{"stream":{"name":"a"},"sync_mode":"INVALID"}]}"#,
            &[stream("a", None, &[])],
        );
    }

    #[test]
    fn what_is_no_catalog_is_told() {
        for text in [
            "",
            "[]",
            "{}",
            "{\"streams\":{}}",
            "{\"streams\":[{}]}",
            "{\"streams\":[{\"stream\":{\"name\":1}}]}",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
