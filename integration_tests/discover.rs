//! `discover`: the catalog and its schemas.

use serde_json::{Value, json};

use crate::support::config::TOKEN;
use crate::support::read::run_with_config;
use crate::support::schemas;
use crate::support::streams::{discovered, key_of};

#[test]
fn the_catalog_matches_its_snapshot() {
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
fn each_stream_has_the_schema_of_its_file() {
    for stream in discovered() {
        let name = stream["name"].as_str().unwrap();
        assert_eq!(stream["json_schema"], schemas::plain(name), "{name}");
    }
}

#[test]
fn the_schemas_follow_airbytes_rules() {
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
fn discover_needs_a_valid_config_and_makes_no_request() {
    let config = json!({"api_token": TOKEN, "exports_base_url": "https://127.0.0.1:1", "api_base_url": "https://127.0.0.1:1"});
    run_with_config("discover", &config).succeeded();
    let ran = run_with_config("discover", &json!({"start_date": "2024-01-01"}));
    assert_eq!(ran.code, 1);
    let (kind, _, message) = ran.error();
    assert_eq!(kind, "config_error");
    assert!(message.contains("`api_token` is missing"), "{message}");
}

/// The properties of a schema at every depth, through arrays and the members of unions.
fn check_declared(documented: &Value, declared: &Value, place: &str) {
    for member in documented["anyOf"].as_array().into_iter().flatten() {
        check_declared(member, declared, place);
    }
    if documented["items"].is_object() {
        check_declared(&documented["items"], &declared["items"], place);
    }
    for (name, property) in documented["properties"].as_object().into_iter().flatten() {
        let place = format!("{place}.{name}");
        let declared = &declared["properties"][name];
        assert!(declared.is_object(), "{place} is not declared");
        check_declared(property, declared, &place);
    }
}

#[test]
fn the_schemas_declare_every_documented_property() {
    let documented: Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
    for (name, list) in documented.as_object().unwrap() {
        let Ok(schema) = std::fs::read_to_string(format!("schemas/{name}.json")) else {
            continue;
        };
        let schema: Value = serde_json::from_str(&schema).unwrap();
        let record = list["record"].as_str().unwrap().split('/').skip(1);
        let record = record.fold(&list["answer"], |schema, step| match step {
            "*" => &schema["items"],
            name => &schema["properties"][name],
        });
        assert!(
            record["properties"].is_object() || record["anyOf"].is_array(),
            "{name}"
        );
        check_declared(record, &schema, name);
    }
}
