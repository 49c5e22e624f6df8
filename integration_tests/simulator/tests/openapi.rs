//! Every answer of a list is one that Dixa's `OpenAPI` document allows, and the schemas declare all that it has. What it has is
//! in openapi.json, which .ci/openapi.py derives from it.

use std::fs;

use serde_json::Value;

use super::super::Simulator;
use super::super::catalogue::LISTS;
use super::super::rate::Limits;
use super::client::{get, start};

fn documented() -> Value {
    let text = fs::read_to_string("integration_tests/openapi.json").unwrap();
    serde_json::from_str(&text).unwrap()
}

fn simulator() -> Simulator {
    start(|scenario| scenario.limits = Limits::none())
}

/// Targets that are answered for this path: of one with an id, for every id there is.
fn targets(simulator: &Simulator, path: &str) -> Vec<String> {
    if path.ends_with("/flows") {
        return ["PstnPhone", "Email"]
            .map(|channel| format!("{path}?channel={channel}"))
            .into();
    }
    let Some((before, _)) = path.split_once('{') else {
        return vec![path.to_owned()];
    };
    let ids: Vec<String> = simulator.account(|account| {
        let rows = match before {
            "/v1/teams/" => &account.teams,
            "/v1/queues/" => &account.queues,
            "/v1/business-hours/schedules/" => &account.settings["business_hours_schedules"],
            "/v1/knowledge/collections/" => &account.settings["knowledge_collections"],
            "/v1/knowledge/categories/" => &account.settings["knowledge_categories"],
            _ => &account.settings["knowledge_articles"],
        };
        let id = |key: &String| key.trim_matches('"').to_owned();
        rows.iter().map(|row| id(&row.key)).collect()
    });
    let after = path.split_once('}').unwrap().1;
    ids.iter()
        .map(|id| format!("{before}{id}{after}"))
        .collect()
}

/// `{teamId}` and the like are `{id}` here.
fn path_of(list: &Value) -> String {
    let path = list["path"].as_str().unwrap();
    match path.split_once('{').zip(path.split_once('}')) {
        Some(((before, _), (_, after))) => format!("{before}{{id}}{after}"),
        None => path.to_owned(),
    }
}

#[test]
fn every_answer_is_one_of_the_document() {
    let simulator = simulator();
    for (name, list) in documented().as_object().unwrap() {
        let validator = jsonschema::draft7::new(&list["answer"]).unwrap();
        let targets = targets(&simulator, &path_of(list));
        assert!(!targets.is_empty(), "{name}");
        for target in targets {
            let reply = get(&simulator, &target);
            assert_eq!(reply.status, 200, "{target}");
            if let Err(error) = validator.validate(&reply.json()) {
                panic!("{target}: {error} at {}", error.instance_path());
            }
        }
    }
}

#[test]
fn every_list_is_documented() {
    let documented = documented();
    let paths: Vec<_> = documented
        .as_object()
        .unwrap()
        .values()
        .map(path_of)
        .collect();
    for list in LISTS {
        assert!(paths.iter().any(|path| path == list.path), "{}", list.path);
    }
    assert_eq!(paths.len(), LISTS.len());
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
fn the_schemas_declare_everything_that_is_documented() {
    for (name, list) in documented().as_object().unwrap() {
        let Ok(schema) = fs::read_to_string(format!("schemas/{name}.json")) else {
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
