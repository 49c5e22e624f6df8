//! `spec`: the specification of the config.

use serde_json::Value;

use crate::support::binary::binary;
use crate::support::ran::run;

fn properties() -> serde_json::Map<String, Value> {
    let spec: Value = serde_json::from_str(include_str!("../spec.json")).unwrap();
    spec["connectionSpecification"]["properties"]
        .as_object()
        .unwrap()
        .clone()
}

#[test]
fn spec_prints_the_specification_and_nothing_else() {
    let ran = run(binary().arg("spec")).succeeded();
    let expected: Value = serde_json::from_str(include_str!("../spec.json")).unwrap();
    assert_eq!(ran.messages.len(), 1);
    assert_eq!(ran.of_type("SPEC")[0]["spec"], expected);
}

#[test]
fn the_specification_follows_airbytes_rules() {
    let text = include_str!("../spec.json");
    for keyword in [
        "$ref",
        "\"not\"",
        "anyOf",
        "allOf",
        "oneOf",
        "patternProperties",
        "\"if\"",
        "dependent",
        "\"enum\"",
        "\"group\"",
        "display_type",
        "advanced_auth",
    ] {
        assert!(!text.contains(keyword), "{keyword}");
    }
    let spec: Value = serde_json::from_str(text).unwrap();
    assert_eq!(
        spec["connectionSpecification"]["additionalProperties"],
        true
    );
    let mut orders = Vec::new();
    for (key, property) in properties() {
        let one_scalar = ["string", "integer", "boolean"].map(Value::from);
        assert!(one_scalar.contains(&property["type"]), "{key}");
        assert!(
            property.get("pattern").is_some() || !key.ends_with("_date"),
            "{key}"
        );
        assert!(
            property["title"]
                .as_str()
                .is_some_and(|title| title.starts_with(char::is_uppercase)),
            "{key}"
        );
        assert!(
            property["description"]
                .as_str()
                .is_some_and(|description| description.ends_with('.')),
            "{key}"
        );
        assert_eq!(
            property.get("airbyte_secret"),
            (key == "api_token").then_some(&Value::Bool(true)),
            "{key}"
        );
        assert_eq!(
            property.get("pattern").is_some(),
            property.get("pattern_descriptor").is_some(),
            "{key}"
        );
        orders.push(property["order"].as_u64().unwrap());
    }
    let count = orders.len() as u64;
    assert_eq!(orders, (0..count).collect::<Vec<_>>());
}

#[test]
fn only_the_token_is_required() {
    let spec: Value = serde_json::from_str(include_str!("../spec.json")).unwrap();
    assert_eq!(
        spec["connectionSpecification"]["required"],
        serde_json::json!(["api_token"])
    );
    for (key, property) in properties() {
        assert!(
            property.get("default").is_some() || ["api_token", "end_date"].contains(&key.as_str()),
            "{key}"
        );
    }
}
