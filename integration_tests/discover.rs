//! `discover`: the catalog.

use serde_json::{Value, json};

use crate::connector::{Connector, TOKEN, discovered, key_of};

#[test]
fn the_catalog_is_this() {
    let summary: Vec<String> = discovered()
        .iter()
        .map(|stream| {
            format!(
                "{}: {} key {} cursor {} resumable {}",
                stream["name"].as_str().unwrap(),
                stream["supported_sync_modes"],
                stream
                    .get("source_defined_primary_key")
                    .unwrap_or(&Value::Null),
                stream.get("default_cursor_field").unwrap_or(&Value::Null),
                stream["is_resumable"],
            )
        })
        .collect();
    insta::assert_snapshot!(summary.join("\n"));
}

#[test]
fn each_stream_carries_its_schema_file() {
    for stream in discovered() {
        let name = stream["name"].as_str().unwrap();
        let file = std::fs::read_to_string(format!("schemas/{name}.json")).unwrap();
        assert_eq!(
            stream["json_schema"],
            serde_json::from_str::<Value>(&file).unwrap(),
            "{name}"
        );
    }
}

#[test]
fn the_schemas_keep_airbytes_rules() {
    for stream in discovered() {
        let schema = &stream["json_schema"];
        let text = schema.to_string();
        for keyword in [
            "$ref",
            "\"allOf\"",
            "\"not\"",
            "\"additionalProperties\":false",
        ] {
            assert!(!text.contains(keyword), "{}: {keyword}", stream["name"]);
        }
        jsonschema::draft7::meta::validate(schema).unwrap();
        let name = stream["name"].as_str().unwrap();
        let cursor = stream.get("default_cursor_field");
        let cursor = cursor.map(|path| path[0].as_str().unwrap().to_owned());
        for field in key_of(name).into_iter().chain(cursor) {
            assert!(schema["properties"][&field].is_object(), "{name}: {field}");
        }
    }
}

#[test]
fn discover_wants_a_valid_config_and_asks_dixa_nothing() {
    let config = json!({"api_token": TOKEN, "exports_base_url": "https://127.0.0.1:1", "api_base_url": "https://127.0.0.1:1"});
    Connector::new().run("discover", &config).succeeded();
    let ran = Connector::new().run("discover", &json!({"start_date": "2024-01-01"}));
    assert_eq!(ran.code, 1);
    let (kind, _, message) = ran.error();
    assert_eq!(kind, "config_error");
    assert!(message.contains("`api_token` is missing"), "{message}");
}
