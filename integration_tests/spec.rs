//! `spec`, and the command line itself.

use serde_json::Value;

use crate::connector::{Connector, run};

fn properties() -> serde_json::Map<String, Value> {
    let spec: Value = serde_json::from_str(include_str!("../spec.json")).unwrap();
    spec["connectionSpecification"]["properties"]
        .as_object()
        .unwrap()
        .clone()
}

#[test]
fn spec_prints_the_specification_and_nothing_else() {
    let ran = run(Connector::command().arg("spec")).succeeded();
    let expected: Value = serde_json::from_str(include_str!("../spec.json")).unwrap();
    assert_eq!(ran.messages.len(), 1);
    assert_eq!(ran.of_type("SPEC")[0]["spec"], expected);
}

#[test]
fn the_specification_keeps_airbytes_rules() {
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

#[test]
fn help_and_version_are_plain_text() {
    let ran = run(Connector::command().arg("--version"));
    // The commit follows, where it is known.
    let version = format!("source-dixa {}", env!("CARGO_PKG_VERSION"));
    let rest = ran.stdout.strip_prefix(&version).unwrap();
    assert!(
        rest == "\n" || (rest.starts_with(" (") && rest.ends_with(")\n")),
        "{rest}"
    );
    assert_eq!(ran.code, 0);
    let ran = run(Connector::command().arg("--help"));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    for word in [
        "spec",
        "check",
        "discover",
        "read",
        "--debug",
        "api_token",
        "Exit status",
    ] {
        assert!(ran.stdout.contains(word), "{word}");
    }
}

#[test]
fn a_wrong_command_line_is_told_on_stderr_and_as_a_trace() {
    let wrong: &[&[&str]] = &[
        &[],
        &["frobnicate"],
        &["spec", "--frobnicate"],
        &["check"],
        &["discover"],
        &["read", "--config", "c.json", "--allow-missing-state"],
        &["read", "--config", "c.json", "--quiet", "--debug"],
        &["read", "--config", "c.json", "--format", "csv"],
        &["completions"],
        &["read", "--catalog", "c.json"],
        &["check", "--config"],
        &["check", "--config", "a", "surplus"],
    ];
    for arguments in wrong {
        let ran = run(Connector::command().args(*arguments));
        assert_eq!(ran.code, 2, "{arguments:?}");
        assert!(
            ran.stderr.contains("--help") || ran.stderr.contains("Usage"),
            "{arguments:?}: {}",
            ran.stderr
        );
        assert_eq!(ran.error().0, "config_error", "{arguments:?}");
    }
}

#[test]
fn options_come_in_any_order_and_form() {
    let connector = Connector::new();
    let config = connector
        .file("config.json", r#"{"api_token":"t"}"#)
        .display()
        .to_string();
    let catalog = connector
        .file("catalog.json", r#"{"streams":[]}"#)
        .display()
        .to_string();
    let state = connector.file("state.json", "[]").display().to_string();
    let forms: &[&[&str]] = &[
        &[
            "read",
            "--state",
            &state,
            "--catalog",
            &catalog,
            "--config",
            &config,
        ],
        &[
            "read",
            "--debug",
            &format!("--config={config}"),
            &format!("--catalog={catalog}"),
            &format!("--state={state}"),
        ],
        &[
            "--debug",
            "read",
            "--catalog",
            &catalog,
            "--config",
            &config,
        ],
    ];
    for arguments in forms {
        run(Connector::command().args(*arguments)).succeeded();
    }
}
