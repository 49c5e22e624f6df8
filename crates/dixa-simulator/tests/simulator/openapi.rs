//! Every response of an endpoint is one that Dixa's `OpenAPI` document allows. What the document says is in openapi.json,
//! which acceptance/openapi.py derives from it.

use std::fs;

use dixa_simulator::Simulator;
use dixa_simulator::api::endpoints::ENDPOINTS;
use dixa_simulator::api::rate::Limits;
use dixa_simulator::data::analytics::FILTER_ATTRIBUTES;
use serde_json::{Value, json};

use crate::client::{get, post, start};

fn documented() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../integration_tests/openapi.json"
    );
    let text = fs::read_to_string(path).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn simulator() -> Simulator {
    start(|scenario| scenario.limits = Limits::none())
}

/// The targets of this path: one for every id, if there is an id in it.
fn targets(simulator: &Simulator, path: &str) -> Vec<String> {
    if path.ends_with("/flows") {
        return ["PstnPhone", "Email"]
            .map(|channel| format!("{path}?channel={channel}"))
            .into();
    }
    if path.starts_with("/v1/analytics/filter/") {
        return FILTER_ATTRIBUTES
            .iter()
            .map(|attribute| path.replace("{id}", attribute))
            .collect();
    }
    let Some((before, _)) = path.split_once('{') else {
        return vec![path.to_owned()];
    };
    let ids: Vec<String> = simulator.account(|account| {
        let list = before.trim_end_matches('/');
        let rows = match ENDPOINTS.iter().find(|endpoint| endpoint.path == list) {
            Some(endpoint) => (endpoint.rows)(account, "").unwrap(),
            // The lists of categories and articles are in the catalogs of collections.
            None => {
                let name = list.replace("/v1/", "").replace('/', "_");
                account.settings[name.as_str()].clone()
            }
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

/// All rows of analytics of this kind.
fn body(id: &str) -> String {
    let period = json!({"_type": "Interval", "start": "2026-01-01T00:00:00Z", "end": "2026-03-01T00:00:00Z"});
    json!({"id": id, "timezone": "UTC", "periodFilter": period}).to_string()
}

#[test]
fn every_response_is_one_that_the_document_allows() {
    let simulator = simulator();
    for (name, list) in documented().as_object().unwrap() {
        let validator = jsonschema::draft7::new(&list["answer"]).unwrap();
        if list["method"] == "post" {
            for id in
                simulator.account(|account| account.analytics.keys().cloned().collect::<Vec<_>>())
            {
                let reply = post(&simulator, &path_of(list), &body(&id));
                assert_eq!(reply.status, 200, "{id}");
                assert!(validator.is_valid(&reply.json()), "{id}");
            }
            continue;
        }
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
fn every_endpoint_is_documented() {
    let documented = documented();
    let paths: Vec<_> = documented
        .as_object()
        .unwrap()
        .values()
        .filter(|list| list["method"] != "post")
        .map(path_of)
        .collect();
    for endpoint in ENDPOINTS {
        assert!(
            paths.iter().any(|path| path == endpoint.path),
            "{}",
            endpoint.path
        );
    }
    assert_eq!(paths.len(), ENDPOINTS.len());
}
