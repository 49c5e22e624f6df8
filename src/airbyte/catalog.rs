//! Catalogs: the one that `discover` prints, and the configured one that `read` is given.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::failure::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncMode {
    FullRefresh,
    Incremental,
}

/// A stream as `discover` lists it (docs/airbyte-protocol.md 1.8).
pub struct DiscoveredStream<'a> {
    pub name: &'a str,
    pub json_schema: Value,
    /// The fields of the key; empty if the records have no key.
    pub primary_key: &'a [&'a str],
    /// It supports incremental reads, and a full refresh of it can be resumed.
    pub is_incremental: bool,
    /// The cursor field; an incremental stream may have none at the top level of its records.
    pub cursor: Option<&'a str>,
}

impl DiscoveredStream<'_> {
    pub fn to_json(&self) -> Value {
        let modes: &[&str] = if self.is_incremental {
            &["full_refresh", "incremental"]
        } else {
            &["full_refresh"]
        };
        let mut stream = Map::new();
        stream.insert("name".into(), json!(self.name));
        stream.insert("json_schema".into(), self.json_schema.clone());
        stream.insert("supported_sync_modes".into(), json!(modes));
        if self.is_incremental {
            stream.insert("source_defined_cursor".into(), json!(true));
        }
        if let Some(cursor) = self.cursor {
            stream.insert("default_cursor_field".into(), json!([cursor]));
        }
        let key: Vec<_> = self.primary_key.iter().map(|field| [field]).collect();
        if !key.is_empty() {
            stream.insert("source_defined_primary_key".into(), json!(key));
        }
        stream.insert("is_resumable".into(), json!(self.is_incremental));
        Value::Object(stream)
    }
}

/// A stream selected for reading.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfiguredStream {
    pub name: String,
    /// `None` if the requested sync mode is invalid.
    pub sync_mode: Option<SyncMode>,
    /// The path of the cursor field: empty if none is given, `None` if the given value is not a path.
    pub cursor_field: Option<Vec<String>>,
    /// The fields that a catalog of Singer mentions, and whether each is selected.
    pub fields: FieldSelection,
}

/// Fields by their paths, in which lists do not count (`["ratings", "score"]`), and whether each is selected. Other fields are.
pub type FieldSelection = BTreeMap<Vec<String>, bool>;

impl ConfiguredStream {
    /// A stream in the better of its sync modes: incremental where supported.
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
            fields: FieldSelection::new(),
        }
    }
}

/// Parses a catalog leniently: unknown keys, nulls and repeated keys are not errors. A configured catalog gives the sync mode of
/// each stream. With a discovered catalog, bare or as the output of `discover`, each stream is read incrementally where
/// supported. In the forms of Airbyte's API and of Singer, streams that are not selected are skipped.
pub fn parse(text: &str) -> Result<Vec<ConfiguredStream>, Failure> {
    let catalog: Value = match serde_json::from_str(text) {
        Ok(catalog) => catalog,
        Err(error) => catalog_message(text).ok_or_else(|| Failure::not_json("catalog", &error))?,
    };
    let wrappers = ["catalog", "syncCatalog"];
    let inner = wrappers.iter().filter_map(|key| catalog.get(key));
    let mut catalogs = [&catalog].into_iter().chain(inner);
    let Some(streams) = catalogs.find_map(|catalog| catalog.get("streams")?.as_array()) else {
        return Err(Failure::config(
            "The catalog must be an object with a list `streams`: a configured catalog, whose entries each have a `stream` and a `sync_mode`, or the output of `discover`.",
        ));
    };
    let mut selected = Vec::new();
    for (index, stream) in streams.iter().enumerate() {
        selected.extend(parse_stream(index + 1, stream)?);
    }
    Ok(selected)
}

/// The CATALOG message in the output of `discover`.
fn catalog_message(text: &str) -> Option<Value> {
    let mut messages = text
        .lines()
        .rev()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages.find(|message| message["type"] == "CATALOG")
}

/// One entry of the catalog; `None` if it is not selected.
fn parse_stream(number: usize, entry: &Value) -> Result<Option<ConfiguredStream>, Failure> {
    if let (Some(name), Some(modes)) = (
        entry["name"].as_str(),
        either(entry, "supported_sync_modes", "supportedSyncModes").as_array(),
    ) {
        let is_incremental = modes.contains(&"incremental".into());
        return Ok(Some(ConfiguredStream::best(name, is_incremental)));
    }
    let singer = either(entry, "tap_stream_id", "stream").as_str();
    if let Some(name) = singer.filter(|_| !entry["stream"].is_object()) {
        return Ok(is_selected_in_singer(entry).then(|| parse_singer(name, entry)));
    }
    let Some(name) = entry.pointer("/stream/name").and_then(Value::as_str) else {
        return Err(Failure::config(format!(
            "Entry {number} of the catalog has no `stream.name`. Each entry must look like {{\"stream\": {{\"name\": …}}, \"sync_mode\": …}}."
        )));
    };
    // Airbyte's API puts the same settings into a separate object.
    let (config, mode, cursor) = match &entry["config"] {
        config @ Value::Object(_) => (config, "syncMode", "cursorField"),
        _ => (entry, "sync_mode", "cursor_field"),
    };
    if config["selected"] == false {
        return Ok(None);
    }
    let cursor_field = match &config[cursor] {
        Value::Null => Some(Vec::new()),
        Value::String(field) => Some(vec![field.clone()]),
        Value::Array(path) => path
            .iter()
            .map(|field| field.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    };
    Ok(Some(ConfiguredStream {
        name: name.to_owned(),
        sync_mode: sync_mode(&config[mode], "full_refresh", "incremental"),
        cursor_field,
        fields: FieldSelection::new(),
    }))
}

/// Full refresh if absent; `None` for anything but the two given words.
fn sync_mode(mode: &Value, full_refresh: &str, incremental: &str) -> Option<SyncMode> {
    match mode {
        Value::Null => Some(SyncMode::FullRefresh),
        Value::String(mode) if mode == full_refresh => Some(SyncMode::FullRefresh),
        Value::String(mode) if mode == incremental => Some(SyncMode::Incremental),
        _ => None,
    }
}

/// A stream in Singer's form. A tap continues from its bookmark unless `FULL_TABLE` is requested.
fn parse_singer(name: &str, entry: &Value) -> ConfiguredStream {
    let in_metadata = singer_metadata(entry).map(|metadata| &metadata["replication-method"]);
    let method = in_metadata.filter(|method| !method.is_null());
    let sync_mode = match method.unwrap_or(&entry["replication_method"]) {
        Value::Null => Some(SyncMode::Incremental),
        method => sync_mode(method, "FULL_TABLE", "INCREMENTAL"),
    };
    ConfiguredStream {
        sync_mode,
        fields: field_selection(entry),
        ..ConfiguredStream::best(name, true)
    }
}

/// The fields that Singer's metadata mentions. One is left out if it is `unsupported`, or its `selected`, else
/// `selected-by-default`, is false. Fields that are `automatic` stay.
fn field_selection(entry: &Value) -> FieldSelection {
    let fields = entry["metadata"].as_array().into_iter().flatten();
    let fields = fields.filter_map(|part| {
        let path = field_path(part["breadcrumb"].as_array()?)?;
        let metadata = &part["metadata"];
        let is_selected = match metadata["inclusion"].as_str() {
            Some("automatic") => true,
            Some("unsupported") => false,
            _ => {
                let flags = [&metadata["selected"], &metadata["selected-by-default"]];
                flags.into_iter().find_map(Value::as_bool) != Some(false)
            }
        };
        Some((path, is_selected))
    });
    fields.collect()
}

/// The path of a field by its breadcrumb, `["properties", "ratings", "items", "properties", "score"]`; `None` if that is of no
/// field.
fn field_path(breadcrumb: &[Value]) -> Option<Vec<String>> {
    let (mut path, mut steps) = (Vec::new(), breadcrumb.iter().map(Value::as_str));
    while let Some(step) = steps.next() {
        match step? {
            "properties" => path.push(steps.next()??.to_owned()),
            // What follows is a field of the elements.
            "items" if steps.len() > 0 => {}
            _ => return None,
        }
    }
    (!path.is_empty()).then_some(path)
}

/// Whether an entry in Singer's form is selected: by its metadata, or, as in old taps, in the stream or its schema. A stream
/// whose metadata does not mention selection is not selected.
fn is_selected_in_singer(entry: &Value) -> bool {
    let nothing = Value::Null;
    let metadata = singer_metadata(entry).unwrap_or(&nothing);
    match metadata["inclusion"].as_str() {
        Some("unsupported") => return false,
        Some("automatic") => return true,
        _ => {}
    }
    let flags = [
        &metadata["selected"],
        &entry["selected"],
        &entry["schema"]["selected"],
        &metadata["selected-by-default"],
    ];
    let flag = flags.into_iter().find_map(Value::as_bool);
    flag.unwrap_or(entry["metadata"].is_null())
}

/// The part of Singer's metadata that concerns the stream itself.
fn singer_metadata(entry: &Value) -> Option<&Value> {
    let all = entry["metadata"].as_array()?;
    let stream = all
        .iter()
        .find(|part| part["breadcrumb"].as_array().is_some_and(Vec::is_empty))?;
    Some(&stream["metadata"])
}

fn either<'a>(value: &'a Value, one: &str, other: &str) -> &'a Value {
    match &value[one] {
        Value::Null => &value[other],
        found => found,
    }
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
            fields: FieldSelection::new(),
        }
    }

    fn check(text: &str, expected: &[ConfiguredStream]) {
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn catalogs_of_clients_are_accepted() {
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
    fn a_discovered_catalog_is_read_incrementally_where_supported() {
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
    fn the_form_of_airbytes_api_is_accepted_with_its_selection() {
        let streams = r#"{"streams":[
            {"stream":{"name":"a","jsonSchema":{}},"config":{"syncMode":"incremental","cursorField":["updated_at"],"selected":true}},
            {"config":{"selected":false,"syncMode":"incremental"},"stream":{"name":"b"}},
            {"stream":{"name":"c"},"config":{"syncMode":"full_refresh","cursorField":[],"selected":null}},
            {"stream":{"name":"d"},"config":{"syncMode":"INVALID"}},
            {"stream":{"name":"e"},"config":{}}]}"#;
        let expected = [
            stream("a", Some(SyncMode::Incremental), &["updated_at"]),
            stream("c", Some(SyncMode::FullRefresh), &[]),
            stream("d", None, &[]),
            stream("e", Some(SyncMode::FullRefresh), &[]),
        ];
        for text in [
            streams.to_owned(),
            format!(r#"{{"catalog":{streams}}}"#),
            format!(r#"{{"connectionId":"x","syncCatalog":{streams}}}"#),
        ] {
            check(&text, &expected);
        }
        check(
            r#"{"streams":[{"stream":{"name":"a"},"config":{"selected":false}}]}"#,
            &[],
        );
    }

    #[test]
    fn the_form_of_singer_is_accepted_with_its_selection() {
        let entry = |metadata: &str| {
            format!(
                r#"{{"tap_stream_id":"a","stream":"a","schema":{{"properties":{{}}}},"key_properties":["id"],
                    "metadata":[{{"breadcrumb":["properties","id"],"metadata":{{"inclusion":"automatic","selected":false}}}},
                        {{"breadcrumb":[],"metadata":{{{metadata}}}}}]}}"#
            )
        };
        let incremental = [stream("a", Some(SyncMode::Incremental), &[])];
        let full_refresh = [stream("a", Some(SyncMode::FullRefresh), &[])];
        let invalid = [stream("a", None, &[])];
        let cases: [(String, &[ConfiguredStream]); 15] = [
            (entry(r#""selected":true"#), &incremental),
            (entry(r#""selected":false"#), &[]),
            (entry(r#""selected":false,"selected-by-default":true"#), &[]),
            (entry(r#""selected-by-default":true"#), &incremental),
            (entry(r#""inclusion":"available""#), &[]),
            (entry(r#""inclusion":"automatic""#), &incremental),
            (entry(r#""inclusion":"unsupported","selected":true"#), &[]),
            (
                entry(r#""selected":true,"replication-method":"FULL_TABLE""#),
                &full_refresh,
            ),
            (
                entry(r#""selected":true,"replication-method":"LOG_BASED""#),
                &invalid,
            ),
            (
                r#"{"stream":"a","selected":true,"replication_method":"FULL_TABLE"}"#.into(),
                &full_refresh,
            ),
            (
                r#"{"stream":"a","schema":{"selected":true},"replication_method":"INCREMENTAL"}"#
                    .into(),
                &incremental,
            ),
            (r#"{"stream":"a","schema":{"selected":false}}"#.into(), &[]),
            (r#"{"stream":"x","tap_stream_id":"a"}"#.into(), &incremental),
            (r#"{"tap_stream_id":"a","metadata":[]}"#.into(), &[]),
            (
                r#"{"stream":"a","selected":false,"metadata":[]}"#.into(),
                &[],
            ),
        ];
        for (entry, expected) in cases {
            let text = format!(r#"{{"streams":[{entry}]}}"#);
            let mut parsed = parse(&text).unwrap();
            for stream in &mut parsed {
                stream.fields.clear();
            }
            assert_eq!(parsed, expected, "{text}");
        }
    }

    #[test]
    fn fields_are_left_out_where_singers_metadata_says_so() {
        let part = |breadcrumb: &str, metadata: &str| {
            format!(r#"{{"breadcrumb":{breadcrumb},"metadata":{{{metadata}}}}}"#)
        };
        let metadata = [
            part("[]", r#""selected":true"#),
            part(
                r#"["properties","a"]"#,
                r#""inclusion":"available","selected":false"#,
            ),
            part(
                r#"["properties","b"]"#,
                r#""inclusion":"automatic","selected":false"#,
            ),
            part(
                r#"["properties","c"]"#,
                r#""inclusion":"unsupported","selected":true"#,
            ),
            part(r#"["properties","d"]"#, r#""selected-by-default":false"#),
            part(
                r#"["properties","e"]"#,
                r#""selected-by-default":false,"selected":true"#,
            ),
            part(r#"["properties","f"]"#, r#""inclusion":"available""#),
            part(
                r#"["properties","g","items","properties","h"]"#,
                r#""selected":false"#,
            ),
            part(
                r#"["properties","i","properties","j"]"#,
                r#""selected":false"#,
            ),
            part(r#"["x","k"]"#, r#""selected":false"#),
            part(r#"["properties"]"#, r#""selected":false"#),
        ];
        let text = format!(
            r#"{{"streams":[{{"tap_stream_id":"a","metadata":[{}]}}]}}"#,
            metadata.join(",")
        );
        let fields = parse(&text).unwrap().remove(0).fields;
        let left_out: Vec<_> = fields
            .iter()
            .filter(|(_, is_selected)| !**is_selected)
            .collect();
        let paths: Vec<_> = left_out
            .into_iter()
            .map(|(path, _)| path.join("."))
            .collect();
        assert_eq!(paths, ["a", "c", "d", "g.h", "i.j"]);
        assert!(fields[&vec!["f".to_owned()]]);
    }

    #[test]
    fn anything_but_a_catalog_is_refused() {
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
