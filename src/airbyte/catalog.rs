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

impl ConfiguredStream {
    /// A stream in its best mode: from where the last read left off, if that can be.
    pub fn best(name: &str, is_incremental: bool) -> Self {
        let mode = if is_incremental {
            SyncMode::Incremental
        } else {
            SyncMode::FullRefresh
        };
        Self {
            name: name.to_owned(),
            sync_mode: Some(mode),
            cursor_field: Some(Vec::new()),
        }
    }
}

/// Reads a catalog, leniently: unknown keys, nulls and repeated keys are no errors. A configured one says how each stream is to
/// be read; of a discovered one, as it is or as the messages of `discover`, each is read in its best mode.
pub fn parse(text: &str) -> Result<Vec<ConfiguredStream>, Failure> {
    let catalog: Value = match serde_json::from_str(text) {
        Ok(catalog) => catalog,
        Err(error) => printed(text)
            .ok_or_else(|| Failure::config("The catalog is not JSON.").because(&error))?,
    };
    let catalog = match catalog["type"].as_str() {
        Some("CATALOG") => &catalog["catalog"],
        _ => &catalog,
    };
    let Some(streams) = catalog.get("streams").and_then(Value::as_array) else {
        return Err(Failure::config(
            "The catalog is none: it must be an object with a list `streams`, each with a `stream` and a `sync_mode`, or what `discover` printed.",
        ));
    };
    streams
        .iter()
        .enumerate()
        .map(|(index, configured)| parse_stream(index + 1, configured))
        .collect()
}

/// The CATALOG among the lines that `discover` printed.
fn printed(text: &str) -> Option<Value> {
    let mut messages = text
        .lines()
        .rev()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages.find(|message| message["type"] == "CATALOG")
}

fn parse_stream(number: usize, configured: &Value) -> Result<ConfiguredStream, Failure> {
    if let (Some(name), Some(modes)) = (
        configured["name"].as_str(),
        configured["supported_sync_modes"].as_array(),
    ) {
        return Ok(ConfiguredStream::best(
            name,
            modes.contains(&"incremental".into()),
        ));
    }
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
    fn what_discover_prints_is_read_in_the_best_modes() {
        let streams = r#"{"streams":[{"name":"a","supported_sync_modes":["full_refresh","incremental"],"json_schema":{}},
            {"name":"b","supported_sync_modes":["full_refresh"]}]}"#
            .replace('\n', "");
        let best = [
            stream("a", Some(SyncMode::Incremental), &[]),
            stream("b", Some(SyncMode::FullRefresh), &[]),
        ];
        let message = format!(r#"{{"type":"CATALOG","catalog":{streams}}}"#);
        let log = r#"{"type":"LOG","log":{"level":"WARN","message":"x"}}"#;
        for text in [&streams, &message, &format!("{log}\n{message}\n")] {
            check(text, &best);
        }
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
