//! The rate limits, as the server sees them.

use std::time::Duration;

use serde_json::json;

use crate::connector::{Connector, TOKEN, catalog, config};
use crate::simulator::faults::{Fault, Kind};
use crate::simulator::log::Logged;
use crate::simulator::rate::Limits;
use crate::simulator::switches::{Paging, Switches};
use crate::simulator::{Scenario, Simulator};

/// The most requests that arrived within any span of this length.
fn most_within(log: &[Logged], span: Duration) -> usize {
    let crowd = |first: &Logged| {
        log.iter()
            .filter(|other| other.at >= first.at && other.at - first.at < span)
            .count()
    };
    log.iter().map(crowd).max().unwrap_or(0)
}

#[test]
fn no_rolling_minute_holds_more_than_ten_exports_retries_included() {
    let faults = vec![
        Fault::at("/v1/conversation_export", 2, Kind::status(500)),
        Fault::at("/v1/conversation_export", 3, Kind::ResetBeforeHeaders),
    ];
    let simulator = Simulator::start(Scenario {
        token: TOKEN.to_owned(),
        faults,
        ..Scenario::default()
    });
    let ten_windows = json!({"start_date": "2026-01-01", "end_date": "2026-01-11", "window_days": 1, "exports_requests_per_minute": 10});
    let ran = Connector::new()
        .read(
            &config(&simulator, ten_windows),
            &catalog(&["conversations"], "incremental"),
            None,
        )
        .succeeded();
    assert_eq!(ran.states("conversations").len(), 10);
    let log = simulator.log();
    assert_eq!(log.len(), 12, "ten windows and two of them tried again");
    assert!(log.iter().all(|request| request.refused.is_none()));
    assert_eq!(most_within(&log, Duration::from_secs(60)), 10);
}

#[test]
fn the_main_api_is_never_asked_too_often() {
    let paging = Paging {
        max_size: 2,
        ..Paging::default()
    };
    let limits = Limits {
        exports: Limits::none().exports,
        ..Limits::default()
    };
    let switches = Switches {
        paging,
        ..Switches::default()
    };
    let simulator = Simulator::start(Scenario {
        token: TOKEN.to_owned(),
        limits,
        switches,
        ..Scenario::default()
    });
    let config = config(&simulator, json!({"api_requests_per_second": 10}));
    let ran = Connector::new()
        .read(
            &config,
            &catalog(&["agents", "endusers", "queues", "tags"], "full_refresh"),
            None,
        )
        .succeeded();
    assert_eq!(ran.records("endusers").len(), 60);
    let log = simulator.log();
    assert_eq!(log.len(), 15 + 30 + 2);
    assert!(log.iter().all(|request| request.refused.is_none()));
    assert!(most_within(&log, Duration::from_secs(1)) <= 14);
}

#[test]
fn windows_do_not_wait_for_one_another_and_at_most_ten_are_under_way() {
    let switches = Switches {
        exports_latency: Duration::from_secs(2),
        ..Switches::default()
    };
    let simulator = Simulator::start(Scenario {
        token: TOKEN.to_owned(),
        limits: Limits::none(),
        switches,
        ..Scenario::default()
    });
    let days = json!({"start_date": "2026-01-01", "end_date": "2026-01-26", "window_days": 1});
    let ran = Connector::new()
        .read(
            &config(&simulator, days),
            &catalog(&["conversations"], "incremental"),
            None,
        )
        .succeeded();
    assert_eq!(ran.states("conversations").len(), 25);
    let log = simulator.log();
    let under_way = |at| {
        let has_begun = |request: &&Logged| request.at <= at && request.finished.unwrap() > at;
        log.iter().filter(has_begun).count()
    };
    let most = log.iter().map(|request| under_way(request.at)).max();
    assert_eq!(most, Some(10));
}

#[test]
fn in_an_outage_no_more_windows_are_begun() {
    let simulator = Simulator::start(Scenario {
        token: TOKEN.to_owned(),
        limits: Limits::none(),
        faults: vec![Fault::always("/v1/conversation_export", Kind::status(503))],
        ..Scenario::default()
    });
    let days = json!({"window_days": 1, "exports_requests_per_minute": 600});
    let streams = catalog(&["conversations"], "incremental");
    let ran = Connector::new().read(&config(&simulator, days), &streams, None);
    assert_eq!((ran.code, ran.error().0.as_str()), (1, "transient_error"));
    let mut windows: Vec<_> = simulator
        .log()
        .into_iter()
        .map(|request| request.query)
        .collect();
    windows.sort();
    windows.dedup();
    assert!(windows.len() <= 3, "of 59: {windows:?}");
}
