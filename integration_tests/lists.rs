//! Lists with a feature of their own: secrets of webhooks, flows by channel, the activity log.

use std::collections::BTreeSet;

use dixa_simulator::api::faults::{Fault, Kind};
use dixa_simulator::api::switches::{AboveMax, Absent, Layout, Paging, Switches};
use dixa_simulator::data::settings::{HEADER, SECRET_KEY};
use serde_json::{Value, json};

use crate::support::expected::check_records;
use crate::support::read::Read;
use crate::support::sim::Sim;

#[test]
fn secret_keys_and_headers_of_webhooks_are_never_written() {
    let forms = [
        Switches::default(),
        Switches {
            layout: Layout::Pretty,
            absent: Absent::Null,
            ..Switches::default()
        },
    ];
    for switches in forms {
        let simulator = Sim::new().switches(switches).start();
        let ran = Read::of(&simulator)
            .streams(["webhooks"])
            .mode("full_refresh")
            .args(["--debug"])
            .run()
            .succeeded();
        assert!(!ran.records("webhooks").is_empty());
        for secret in [SECRET_KEY, HEADER] {
            assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret));
        }
        for record in ran.records("webhooks") {
            let record: Value = serde_json::from_str(record).unwrap();
            assert_eq!(record["secretKey"], "***");
            let headers = record["headers"].as_object().unwrap();
            assert!(headers.values().all(|value| value == "***"));
            assert!(record["url"].as_str().unwrap().starts_with("https://"));
        }
    }
}

#[test]
fn flows_are_requested_by_channel() {
    let simulator = Sim::new().start();
    let ran = Read::of(&simulator)
        .streams(["conversation_flows"])
        .mode("full_refresh")
        .run()
        .succeeded();
    check_records(&ran, &simulator, "conversation_flows");
    let log = simulator.log();
    let channels: Vec<_> = log
        .iter()
        .map(|request| request.parameter("channel").unwrap())
        .collect();
    assert_eq!(channels.len(), 9);
    assert!(log.iter().all(|request| request.refused.is_none()));
}

#[test]
fn a_rejected_page_limit_is_tried_once_for_all_windows() {
    let paging = Paging {
        above_max: AboveMax::Refused,
        ..Paging::default()
    };
    let switches = Switches {
        paging,
        ..Switches::default()
    };
    let simulator = Sim::new().switches(switches).start();
    let ran = Read::of(&simulator)
        .config(json!({"window_days": 3}))
        .streams(["activity_logs"])
        .run()
        .succeeded();
    check_records(&ran, &simulator, "activity_logs");
    let logged = ran.logs("INFO");
    let logged = logged
        .iter()
        .filter(|line| line.contains("rejected a page size of 10000; using its default"));
    assert_eq!(logged.count(), 1);
    let log = simulator.log();
    let sizes = log
        .iter()
        .filter_map(|request| request.parameter("pageLimit"));
    let sizes: BTreeSet<_> = sizes.collect();
    assert_eq!(sizes, BTreeSet::from(["1000", "10000"]));
}

#[test]
fn the_activity_log_is_requested_in_whole_seconds_and_its_state_is_text() {
    let simulator = Sim::new().start();
    let others = json!({"window_days": 10, "lookback_minutes": 0});
    let read = |state: Option<&str>| {
        Read::of(&simulator)
            .config(others.clone())
            .streams(["activity_logs"])
            .state_if(state)
            .run()
            .succeeded()
    };
    let first = read(None);
    check_records(&first, &simulator, "activity_logs");
    let state = first.states("activity_logs").pop().unwrap();
    let covered = json!({"covered_from": "2026-01-01T00:00:00Z", "activityTimestamp": "2026-03-01T00:00:00Z"});
    assert_eq!(state, covered);
    let log = simulator.log();
    let bounds: Vec<_> = log
        .iter()
        .filter_map(|request| {
            Some((
                request.parameter("fromDatetime")?,
                request.parameter("toDatetime")?,
            ))
        })
        .collect();
    assert_eq!(
        bounds.iter().min().unwrap(),
        &("2025-12-31T23:59:59Z", "2026-01-11T00:00:00Z")
    );
    let records: Vec<Value> = first
        .records("activity_logs")
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    let is_gmt = |record: &&Value| {
        record["activityTimestamp"]
            .as_str()
            .unwrap()
            .ends_with("[GMT]")
    };
    assert!(
        records.iter().any(|record| is_gmt(&record)),
        "the record is unchanged"
    );
    assert_eq!(read(Some(&first.saved())).records("activity_logs").len(), 0);
}

#[test]
fn filters_missing_from_a_page_key_are_sent_again() {
    let switches = Switches {
        paging: Paging {
            key_has_filters: false,
            max_size: 20,
            ..Paging::default()
        },
        ..Switches::default()
    };
    let simulator = Sim::new().switches(switches).start();
    let ran = Read::of(&simulator)
        .config(json!({"window_days": 10}))
        .streams(["activity_logs"])
        .run()
        .succeeded();
    check_records(&ran, &simulator, "activity_logs");
}

#[test]
fn a_channel_that_dixa_rejects_is_skipped_with_a_warning() {
    let on = "/v1/conversations/flows?channel=Callback";
    let simulator = Sim::new()
        .fault(Fault::always(on, Kind::status(400)))
        .start();
    let ran = Read::of(&simulator)
        .streams(["conversation_flows"])
        .mode("full_refresh")
        .run()
        .succeeded();
    check_records(&ran, &simulator, "conversation_flows");
    let logged = "conversation_flows: skipped channel Callback, which Dixa rejects.";
    assert!(ran.logs("WARN").contains(&logged));
}
