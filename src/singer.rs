//! What Singer's specification has in place of Airbyte's messages: the catalog of `tap-dixa --discover`, and the messages SCHEMA,
//! STATE and `ACTIVATE_VERSION`.

use serde_json::{Map, Value, json};

use crate::airbyte::catalog::DiscoveredStream;

/// The replication methods of Singer.
const FULL_TABLE: &str = "FULL_TABLE";
const INCREMENTAL: &str = "INCREMENTAL";

/// A stream's entry in a catalog. `is_suggested` says whether it is read unless a catalog deselects it.
pub fn catalog_entry(stream: &DiscoveredStream<'_>, is_suggested: bool) -> Value {
    let method = if stream.is_incremental {
        INCREMENTAL
    } else {
        FULL_TABLE
    };
    let mut of_stream = json!({
        "inclusion": "available",
        "selected-by-default": is_suggested,
        "forced-replication-method": method,
        "table-key-properties": stream.primary_key,
    });
    if let Some(cursor) = stream.cursor {
        of_stream["valid-replication-keys"] = json!([cursor]);
    }
    let mut metadata = vec![json!({"breadcrumb": [], "metadata": of_stream})];
    let needed: Vec<_> = stream.primary_key.iter().chain(&stream.cursor).collect();
    add_fields(&stream.json_schema, &mut Vec::new(), &needed, &mut metadata);
    let mut entry = json!({
        "tap_stream_id": stream.name,
        "stream": stream.name,
        "schema": stream.json_schema,
        "key_properties": stream.primary_key,
        "metadata": metadata,
    });
    if let Some(cursor) = stream.cursor {
        entry["replication_key"] = json!(cursor);
    }
    entry["replication_method"] = json!(method);
    entry
}

/// Adds the metadata of the fields of a schema, and of the fields of objects in them, below this breadcrumb. As in Singer's SDK,
/// the fields of lists have none: Meltano's patterns cannot name them, and it would deselect them.
fn add_fields(
    schema: &Value,
    breadcrumb: &mut Vec<String>,
    needed: &[&&str],
    metadata: &mut Vec<Value>,
) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        breadcrumb.push("properties".to_owned());
        breadcrumb.push(name.clone());
        let is_needed = breadcrumb.len() == 2 && needed.iter().any(|needed| **needed == name);
        let inclusion = if is_needed { "automatic" } else { "available" };
        metadata.push(json!({"breadcrumb": breadcrumb, "metadata": {"inclusion": inclusion}}));
        add_fields(field, breadcrumb, needed, metadata);
        breadcrumb.truncate(breadcrumb.len() - 2);
    }
}

/// The SCHEMA message of a stream.
pub fn schema(stream: &DiscoveredStream<'_>) -> Value {
    let mut schema = json!({
        "type": "SCHEMA", "stream": stream.name, "schema": stream.json_schema, "key_properties": stream.primary_key,
    });
    if let Some(cursor) = stream.cursor {
        schema["bookmark_properties"] = json!([cursor]);
    }
    schema
}

/// The STATE message: all streams, under `bookmarks` by convention.
pub fn state<'a>(states: impl Iterator<Item = (&'a String, &'a Value)>) -> Value {
    let bookmarks: Map<_, _> = states
        .map(|(name, blob)| (name.clone(), blob.clone()))
        .collect();
    json!({"type": "STATE", "value": {"bookmarks": bookmarks}})
}

/// The `ACTIVATE_VERSION` message: every row of the table that is of another version is gone.
pub fn activate_version(stream: &str, version: i64) -> Value {
    json!({"type": "ACTIVATE_VERSION", "stream": stream, "version": version})
}
