//! The rows of analytics: which there are, and which of them an interval or a filter selects.

use dixa_simulator::api::switches::Bound;
use dixa_simulator::data::account::Account;
use dixa_simulator::data::analytics::{CLOSED, FILTER_ATTRIBUTES, PRESENCE, RATINGS};
use dixa_simulator::data::metric_record::{MetricField, MetricRecord, MetricValue};
use serde_json::{Value, json};

use crate::analytics::{DAY_START, PATH, body, filtered, simulator, stored, walked};
use crate::client::{get, post};

#[test]
fn the_catalogue_has_the_kinds_that_have_rows() {
    let simulator = simulator(|_| ());
    let catalogue = get(&simulator, PATH).json();
    let mut ids: Vec<_> = catalogue["data"].as_array().unwrap().iter().collect();
    ids.sort_unstable_by_key(|kind| kind["id"].as_str());
    let ids: Vec<_> = ids
        .iter()
        .map(|kind| kind["id"].as_str().unwrap())
        .collect();
    let kinds: Vec<_> = simulator.account(|account| account.analytics.keys().cloned().collect());
    assert_eq!(ids, kinds);
    for id in ids {
        let stored = stored(&simulator, id);
        assert!(stored.len() > 10, "{id}: {}", stored.len());
        assert_eq!(walked(&simulator, "", &body(id)), stored, "{id}");
    }
}

#[test]
fn some_rows_are_equal_and_others_share_their_millisecond() {
    let simulator = simulator(|_| ());
    for id in [RATINGS, CLOSED, PRESENCE] {
        let rows = stored(&simulator, id);
        let twins = rows.windows(2).filter(|pair| pair[0] == pair[1]);
        assert!(twins.count() > 3, "{id}");
    }
    let mut times = Vec::new();
    simulator.account(|account| {
        let mut rows: Vec<_> = account.metrics(CLOSED).iter().collect();
        rows.sort_unstable_by_key(|row| row.at);
        let pairs = rows.windows(2);
        times.extend(
            pairs
                .filter(|pair| pair[0].at == pair[1].at && pair[0] != pair[1])
                .map(|pair| pair[0].at),
        );
    });
    assert!(!times.is_empty());
}

/// A row of a kind that only the test has.
fn row(at: i64, number: i64) -> MetricRecord {
    MetricRecord {
        timestamp: "created_at",
        at,
        value: None,
        fields: vec![MetricField::new("number", MetricValue::long(number))],
    }
}

#[test]
fn the_bounds_of_the_interval_are_switches() {
    use Bound::{Exclusive, Inclusive};
    let check = |start: Bound, end: Bound, expected: &[i64]| {
        let simulator = simulator(|switches| (switches.start, switches.end) = (start, end));
        simulator.account(|account| {
            account.add_record_id("test", "Test");
            for offset in [-1, 0, 1, 999, 1000, 1001] {
                account.add_metric("test", row(DAY_START + offset, offset));
            }
        });
        let mut body = body("test");
        body["periodFilter"] = json!({"_type": "Interval", "start": "2026-01-10T00:00:00Z", "end": "2026-01-10T00:00:01.000Z"});
        let rows = walked(&simulator, "", &body);
        let number = |row: &String| {
            serde_json::from_str::<Value>(row).unwrap()["fields"][0]["field"]["value"]
                .as_i64()
                .unwrap()
        };
        let mut numbers: Vec<_> = rows.iter().map(number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, expected, "{start:?} {end:?}");
    };
    check(Inclusive, Exclusive, &[0, 1, 999]);
    check(Inclusive, Inclusive, &[0, 1, 999, 1000]);
    check(Exclusive, Exclusive, &[1, 999]);
    check(Exclusive, Inclusive, &[1, 999, 1000]);
}

#[test]
fn kinds_can_be_added_and_removed() {
    let simulator = simulator(|switches| switches.unknown_id = 404);
    let text = body("test").to_string();
    let status = |expected| assert_eq!(post(&simulator, PATH, &text).status, expected);
    status(404);
    simulator.account(|account| account.add_record_id("test", "Test"));
    status(200);
    simulator.account(|account| {
        account.add_metric("test", row(DAY_START, 1));
        let rows = account.analytics_rows();
        let (id, json) = rows.iter().find(|(id, _)| *id == "test").unwrap();
        assert_eq!((*id, json.as_str()), ("test", r#"{"primaryTimestampField":{"name":"created_at","timestamp":"2026-01-10T00:00:00.000Z"},"fields":[{"name":"number","field":{"value":1,"_type":"LongField"}}]}"#));
        assert!(account.has_record_id("test"));
        account.remove_record_id("test");
        assert!(!account.has_record_id("test") && account.metrics("test").is_empty());
    });
    status(404);
}

#[test]
fn what_happens_to_a_conversation_adds_rows() {
    let mut account = Account::default();
    let count = |account: &Account| account.analytics_rows().len();
    let before = count(&account);
    for at in DAY_START..DAY_START + 50 {
        account.add_conversation(at);
    }
    let added = count(&account);
    assert!(added > before + 50);
    for index in 0..50 {
        account.touch(index, DAY_START + 100_000);
    }
    assert!(count(&account) > added);
}

#[test]
fn a_filter_with_all_directions_loses_no_row() {
    let simulator = simulator(|_| ());
    let values = get(&simulator, "/v1/analytics/filter/initial_direction").json();
    let values = values["data"].as_array().unwrap().iter();
    let values: Vec<_> = values
        .map(|value| value["value"].as_str().unwrap())
        .collect();
    for id in simulator.account(|account| account.analytics.keys().cloned().collect::<Vec<_>>()) {
        let body = filtered(&id, "initial_direction", &values);
        assert_eq!(
            walked(&simulator, "", &body),
            stored(&simulator, &id),
            "{id}"
        );
    }
}

#[test]
fn a_filter_selects_the_rows_with_one_of_its_values() {
    let simulator = simulator(|_| ());
    let count = |id: &str, attribute: &str, values: &[&str]| {
        walked(&simulator, "", &filtered(id, attribute, values)).len()
    };
    let all = stored(&simulator, CLOSED).len();
    let parts = [
        "EMAIL",
        "WIDGET_CHAT",
        "CONTACT_FORM",
        "PSTN_PHONE",
        "FACEBOOK_MESSENGER",
    ];
    let by_channel = count(CLOSED, "channel", &parts);
    let each: usize = parts
        .iter()
        .map(|part| count(CLOSED, "channel", &[part]))
        .sum();
    assert_eq!(each, by_channel);
    // Some rows have no channel.
    assert!(by_channel > 20 && by_channel < all, "{by_channel} of {all}");
    // What a kind does not have is ignored.
    assert_eq!(
        count(PRESENCE, "channel", &["EMAIL"]),
        stored(&simulator, PRESENCE).len()
    );
    assert_eq!(count(CLOSED, "tag_id", &["x"]), all);
    assert_eq!(count(CLOSED, "agent_id", &["x"]), 0);
}

#[test]
fn every_filter_attribute_has_values_in_pages() {
    let simulator = simulator(|_| ());
    for attribute in FILTER_ATTRIBUTES {
        let target = format!("/v1/analytics/filter/{attribute}");
        let page = get(&simulator, &target).json();
        assert!(page["data"][0]["value"].is_string(), "{attribute}");
        assert!(page["data"][0]["label"].is_string(), "{attribute}");
    }
    let page = get(&simulator, "/v1/analytics/filter/agent_id?pageLimit=20").json();
    let next = page["meta"]["next"].as_str().unwrap();
    assert_eq!(
        get(&simulator, next).json()["data"]
            .as_array()
            .unwrap()
            .len(),
        10
    );
    assert_eq!(get(&simulator, "/v1/analytics/filter/x").status, 404);
}
