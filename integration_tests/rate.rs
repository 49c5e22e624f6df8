//! The rate limits, as seen by the server.

use std::time::{Duration, Instant};

use dixa_simulator::Simulator;
use dixa_simulator::api::faults::{Fault, Kind};
use dixa_simulator::api::rate::{Limits, RollingWindow};
use dixa_simulator::api::switches::{Paging, Switches};
use dixa_simulator::http::log::LoggedRequest;
use serde_json::{Value, json};

use crate::support::config::config;
use crate::support::ran::{Ran, run};
use crate::support::read::Read;
use crate::support::sim::Sim;
use crate::support::test_dir::TestDir;
use crate::support::tls::behind_tls;

/// The most requests within any span of this length.
fn most_within(log: &[LoggedRequest], span: Duration) -> usize {
    let count_from = |first: &LoggedRequest| {
        log.iter()
            .filter(|other| other.at >= first.at && other.at - first.at < span)
            .count()
    };
    log.iter().map(count_from).max().unwrap_or(0)
}

#[test]
fn no_rolling_minute_has_more_than_ten_exports_including_retries() {
    let faults = vec![
        Fault::at("/v1/conversation_export", 2, Kind::status(500)),
        Fault::at("/v1/conversation_export", 3, Kind::ResetBeforeHeaders),
    ];
    let simulator = Sim::new().faults(faults).limits(Limits::default()).start();
    let ten_windows = json!({"start_date": "2026-01-01", "end_date": "2026-01-11", "window_days": 1, "exports_requests_per_minute": 10});
    // One of the first minute's ten requests is reserved for a preceding check.
    let begin = Instant::now();
    let ran = Read::of(&simulator)
        .config(ten_windows)
        .streams(["conversations"])
        .run()
        .succeeded();
    assert_eq!(ran.states("conversations").len(), 10);
    let log = simulator.log();
    assert_eq!(log.len(), 12, "ten windows and two retries");
    assert!(log.iter().all(|request| request.refused.is_none()));
    assert!(most_within(&log, Duration::from_secs(60)) <= 10);
    let first = log
        .iter()
        .filter(|request| request.at - begin < Duration::from_secs(60));
    assert_eq!(first.count(), 9);
}

#[test]
fn the_main_api_never_receives_more_requests_than_its_rate() {
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
    let simulator = Sim::new().switches(switches).limits(limits).start();
    let ran = Read::of(&simulator)
        .config(json!({"api_requests_per_second": 10}))
        .streams(["agents", "endusers", "queues", "tags"])
        .mode("full_refresh")
        .run()
        .succeeded();
    assert_eq!(ran.records("endusers").len(), 60);
    let log = simulator.log();
    assert_eq!(log.len(), 15 + 30 + 2);
    assert!(log.iter().all(|request| request.refused.is_none()));
    assert!(most_within(&log, Duration::from_secs(1)) <= 14);
}

#[test]
fn windows_are_read_concurrently_ten_at_a_time() {
    let switches = Switches {
        exports_latency: Duration::from_secs(2),
        ..Switches::default()
    };
    let simulator = Sim::new().switches(switches).start();
    let days = json!({"start_date": "2026-01-01", "end_date": "2026-01-26", "window_days": 1});
    let ran = Read::of(&simulator)
        .config(days)
        .streams(["conversations"])
        .run()
        .succeeded();
    assert_eq!(ran.states("conversations").len(), 25);
    let log = simulator.log();
    let under_way = |at| {
        let has_begun =
            |request: &&LoggedRequest| request.at <= at && request.finished.unwrap() > at;
        log.iter().filter(has_begun).count()
    };
    let most = log.iter().map(|request| under_way(request.at)).max();
    assert_eq!(most, Some(10));
}

#[test]
fn no_more_windows_are_started_during_an_outage() {
    let simulator = Sim::new()
        .fault(Fault::always("/v1/conversation_export", Kind::status(503)))
        .start();
    let days = json!({"window_days": 1, "exports_requests_per_minute": 600});
    let ran = Read::of(&simulator)
        .config(days)
        .streams(["conversations"])
        .run();
    assert_eq!((ran.code, ran.error().0.as_str()), (1, "transient_error"));
    let mut windows: Vec<_> = simulator
        .log()
        .into_iter()
        .map(|request| request.query)
        .collect();
    windows.sort();
    windows.dedup();
    assert!(windows.len() <= 3, "instead of 59: {windows:?}");
}

/// A Dixa that allows ten exports in five seconds instead of a minute.
fn fast_exports(switches: Switches) -> Simulator {
    let exports = RollingWindow {
        count: 10,
        period: Duration::from_secs(5),
    };
    Sim::new()
        .switches(switches)
        .limits(Limits {
            exports,
            ..Limits::none()
        })
        .start()
}

/// Fourteen windows at this rate.
fn fourteen_windows(simulator: &Simulator, base_url: &str) -> Value {
    let dates = json!({
        "start_date": "2026-01-01", "end_date": "2026-01-15", "window_days": 1,
        "exports_requests_per_minute": 120, "exports_base_url": base_url,
    });
    config(simulator, dates)
}

/// All windows were read, and no more requests arrived than the rate allows.
fn check_rate(ran: Ran, log: &[LoggedRequest]) {
    assert_eq!(ran.succeeded().states("conversations").len(), 14);
    assert!(most_within(log, Duration::from_secs(5)) <= 10);
    assert!(log.iter().all(|request| request.refused.is_none()));
}

#[test]
fn the_export_rate_holds_when_tls_handshakes_are_slow() {
    let delay = |number: usize| match number {
        0 => Duration::from_secs(3),
        1 => Duration::from_secs(1),
        _ => Duration::from_millis(200),
    };
    let secure = behind_tls(fast_exports(Switches::default()), &["localhost"], delay);
    let base_url = format!("https://localhost:{}", secure.port);
    let dir = TestDir::new();
    let config = fourteen_windows(&secure.simulator, &base_url);
    let mut command = Read::with_config(&config)
        .dir(&dir)
        .streams(["conversations"])
        .command();
    command.env(
        "SSL_CERT_FILE",
        dir.file("authority.pem", &secure.authority),
    );
    check_rate(run(&mut command), &secure.simulator.log());
}

#[test]
#[cfg(target_os = "linux")]
fn the_export_rate_holds_when_first_packets_are_lost() {
    let simulator = fast_exports(Switches {
        unreachable_for: Duration::from_millis(1500),
        ..Switches::default()
    });
    let config = fourteen_windows(&simulator, simulator.url());
    let ran = Read::with_config(&config).streams(["conversations"]).run();
    let log = simulator.log();
    check_rate(ran, &log);
}
