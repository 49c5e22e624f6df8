//! Lists of the main API: pages, links, optional fields.

use dixa_simulator::Simulator;
use dixa_simulator::api::rate::Limits;
use dixa_simulator::api::switches::{Absent, LastMeta, NextLink, Switches};
use serde_json::Value;

use crate::client::{get, start};

fn walked(simulator: &Simulator, mut target: String) -> Vec<String> {
    let mut ids = Vec::new();
    loop {
        let page = get(simulator, &target).json();
        ids.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["id"].to_string()),
        );
        let Some(next) = page["meta"]["next"].as_str() else {
            return ids;
        };
        next.clone_into(&mut target);
    }
}

#[test]
fn a_walk_over_the_pages_returns_each_row_once() {
    let check = |limit: &str, change: fn(&mut Switches)| {
        let simulator = start(|scenario| {
            scenario.limits = Limits::none();
            change(&mut scenario.switches);
        });
        let ids = walked(&simulator, format!("/v1/endusers{limit}"));
        let rows = simulator.account(|account| account.endusers.clone());
        assert_eq!(ids, rows.into_iter().map(|row| row.key).collect::<Vec<_>>());
    };
    check("", |_| ());
    check("?pageLimit=7", |_| ());
    check("?pageLimit=60", |_| ());
    check("?pageLimit=7", |switches| {
        switches.paging.limit_in_link = true;
    });
    check("?pageLimit=7", |switches| {
        switches.paging.empty_page = Some(2);
    });
    check("?pageLimit=1000", |switches| switches.paging.max_size = 20);
    check("?pageLimit=7", |switches| {
        switches.paging.last = LastMeta::NullNext;
    });
}

#[test]
fn the_last_page_has_four_forms() {
    let check = |last, expected: Value| {
        let simulator = start(|scenario| scenario.switches.paging.last = last);
        let page = get(&simulator, "/v1/agents?pageLimit=100").json();
        assert_eq!(
            page.get("meta").cloned().unwrap_or(Value::from("absent")),
            expected
        );
    };
    check(LastMeta::Absent, "absent".into());
    check(LastMeta::Null, Value::Null);
    check(LastMeta::EmptyObject, serde_json::json!({}));
    check(LastMeta::NullNext, serde_json::json!({"next": null}));
}

#[test]
fn hostile_links_follow_their_switches() {
    let check = |next: NextLink, begins: &str| {
        let simulator = start(|scenario| scenario.switches.paging.next = next);
        let page = get(&simulator, "/v1/agents?pageLimit=2").json();
        let link = page["meta"]["next"].as_str().unwrap().to_owned();
        assert!(
            link.replace(simulator.url(), "SELF").starts_with(begins),
            "{link}"
        );
        link
    };
    check(NextLink::Relative, "/v1/agents?pageKey=");
    check(NextLink::Absolute, "SELF/v1/agents?pageKey=");
    check(
        NextLink::Elsewhere("http://127.0.0.1:9".to_owned()),
        "http://127.0.0.1:9/v1/agents?pageKey=",
    );
    let simulator = start(|scenario| scenario.switches.paging.next = NextLink::SameKey);
    let first = get(&simulator, "/v1/agents?pageLimit=2").json()["meta"]["next"].clone();
    let second = get(&simulator, first.as_str().unwrap()).json()["meta"]["next"].clone();
    assert_eq!(first, second);
}

#[test]
fn inactive_tags_are_sent_on_request() {
    let simulator = start(|_| ());
    let count = |target| {
        get(&simulator, target).json()["data"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(
        (count("/v1/tags"), count("/v1/tags?includeDeactivated=true")),
        (6, 8)
    );
}

#[test]
fn optional_fields_can_be_null_instead_of_absent() {
    let simulator = start(|scenario| scenario.switches.absent = Absent::Null);
    let agents = get(&simulator, "/v1/agents").json();
    let agents = agents["data"].as_array().unwrap();
    assert!(
        agents
            .iter()
            .all(|agent| agent.as_object().unwrap().len() == 12)
    );
    assert!(agents.iter().any(|agent| agent["firstName"].is_null()));
}
