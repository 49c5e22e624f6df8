//! `check`: FAILED for what the user can fix, an error for everything else.

use std::time::{Duration, Instant};

use dixa_simulator::api::faults::{Fault, Kind};
use dixa_simulator::api::host::Host;
use dixa_simulator::api::rate::Limits;
use dixa_simulator::api::switches::{AboveMax, Paging, Switches};
use serde_json::json;

use crate::support::binary::binary;
use crate::support::config::TOKEN;
use crate::support::faults::{rate_limited, status_with};
use crate::support::ran::{Ran, run};
use crate::support::read::{check, run_with_config};
use crate::support::sim::Sim;
use crate::support::test_dir::TestDir;

const EXPORT: &str = "/v1/conversation_export";
const AGENTS: &str = "/v1/agents";

/// The message of a FAILED status, whose exit code is 0.
fn failed(ran: &Ran) -> String {
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
    let (status, message) = ran.connection_status();
    assert_eq!(status, "FAILED");
    message.to_owned()
}

/// The kind and message of the error of a check without a status.
fn crashed(ran: &Ran) -> (String, String) {
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert_eq!(ran.of_type("CONNECTION_STATUS").len(), 0);
    let (kind, _, message) = ran.error();
    (kind, message)
}

#[test]
fn a_valid_token_is_checked_on_both_hosts_with_the_smallest_requests() {
    let simulator = Sim::new().start();
    let ran = check(&simulator, json!({})).succeeded();
    assert_eq!(ran.connection_status(), ("SUCCEEDED", ""));
    let log = simulator.log();
    let exports: Vec<_> = log
        .iter()
        .filter(|request| request.host == Host::Exports)
        .collect();
    let [export] = exports[..] else {
        panic!("one export, since a minute allows few")
    };
    let mut paths: Vec<_> = log.iter().map(|request| &request.path).collect();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), log.len(), "one request each: {paths:?}");
    let bound = |name: &str| export.parameter(name).unwrap().parse::<i64>().unwrap();
    assert_eq!(bound("updated_before") - bound("updated_after"), 1001);
    let agents = log
        .iter()
        .find(|request| request.host == Host::Main)
        .unwrap();
    assert_eq!(
        (agents.path.as_str(), agents.query.as_str()),
        (AGENTS, "pageLimit=1")
    );
}

#[test]
fn a_rejected_token_is_reported_with_the_host_and_advice() {
    for status in [401, 403] {
        let simulator = Sim::new().forbid(["/v1/"], status).start();
        let message = failed(&check(&simulator, json!({})));
        for api in ["Dixa's Exports API", "Dixa's main API"] {
            let answered = format!("{api} answered {status}");
            assert!(message.contains(&answered), "{message}");
        }
        assert!(
            message.contains("Settings > Integrations > API tokens")
                && message.contains("\"Dixa API\""),
            "{message}"
        );
    }
}

#[test]
fn a_wrong_token_is_reported_for_both_hosts_with_the_advice_once() {
    let simulator = Sim::new().start();
    let message = failed(&check(&simulator, json!({"api_token": "another"})));
    assert!(
        message.contains("Exports API answered 401") && message.contains("main API answered 401"),
        "{message}"
    );
    let advice = message.matches("was not accepted").count();
    assert_eq!(advice, 1, "the same advice only once: {message}");
}

#[test]
fn an_invalid_config_is_a_failed_check() {
    for (config, part) in [
        (json!({}), "`api_token` is missing"),
        (
            json!({"api_token": "x", "window_days": 40}),
            "`window_days` must be an integer from 1 to 31",
        ),
        (json!([TOKEN]), "must be a JSON object"),
    ] {
        let message = failed(&run_with_config("check", &config));
        assert!(
            message.contains(part) && message.contains("config.json"),
            "{message}"
        );
    }
}

#[test]
fn an_unusable_config_file_is_a_failed_check_that_names_it() {
    let dir = TestDir::new();
    dir.file("broken.json", r#"{"api_token": "#);
    dir.file("binary.json", "x");
    std::fs::write(dir.path("binary.json"), [0xff, 0xfe]).unwrap();
    for (file, part) in [
        ("missing.json", "cannot be read"),
        ("broken.json", "not valid JSON"),
        ("binary.json", "not UTF-8"),
        (".", "cannot be read"),
    ] {
        let ran = run(binary().arg("check").arg("--config").arg(dir.path(file)));
        let message = failed(&ran);
        assert!(
            message.contains(part) && message.contains(dir.path(file).to_str().unwrap()),
            "{message}"
        );
    }
}

#[test]
fn a_server_error_is_an_error_after_three_attempts() {
    let simulator = Sim::new()
        .fault(Fault::always(EXPORT, Kind::status(503)))
        .start();
    let (kind, message) = crashed(&check(&simulator, json!({})));
    assert_eq!(kind, "transient_error");
    assert!(
        message.contains("Dixa's Exports API answered 503"),
        "{message}"
    );
    assert_eq!(
        simulator
            .log()
            .iter()
            .filter(|request| request.host == Host::Exports)
            .count(),
        3
    );
}

#[test]
fn an_unreachable_host_is_an_error() {
    let simulator = Sim::new().start();
    let (kind, message) = crashed(&check(
        &simulator,
        json!({"api_base_url": "http://127.0.0.1:9"}),
    ));
    assert_eq!(kind, "transient_error");
    assert!(
        message.contains("Dixa's main API could not be reached") && message.contains("127.0.0.1"),
        "{message}"
    );
}

#[test]
fn a_check_of_a_silent_host_fails_within_a_minute() {
    let faults = vec![Fault::always(
        AGENTS,
        Kind::NoAnswer(Duration::from_secs(60)),
    )];
    let simulator = Sim::new().faults(faults).start();
    let begin = Instant::now();
    let (kind, message) = crashed(&check(&simulator, json!({})));
    assert!(
        begin.elapsed() < Duration::from_secs(60),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(kind, "transient_error");
    assert!(
        message.contains("Dixa's main API sent no response for 13 seconds"),
        "{message}"
    );
}

#[test]
fn a_redirect_is_an_error_and_is_not_followed() {
    let target = Sim::new().start();
    let redirect = Kind::Redirect {
        status: 302,
        location: format!("{}/v1/agents", target.url()),
    };
    let simulator = Sim::new().fault(Fault::always(AGENTS, redirect)).start();
    let (kind, message) = crashed(&check(&simulator, json!({})));
    assert_eq!(kind, "system_error");
    assert!(
        message.contains("302") && message.contains("Redirects are not followed"),
        "{message}"
    );
    assert_eq!(target.log().len(), 0);
}

#[test]
fn a_check_waits_for_one_rate_limit() {
    let simulator = Sim::new()
        .fault(Fault::at(EXPORT, 0, rate_limited("1")))
        .start();
    let begin = Instant::now();
    check(&simulator, json!({})).succeeded();
    assert!(begin.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_fourth_rate_limit_is_an_error() {
    let simulator = Sim::new()
        .fault(Fault::always(EXPORT, rate_limited("1")))
        .start();
    let (kind, message) = crashed(&check(&simulator, json!({})));
    assert_eq!(kind, "transient_error");
    assert!(message.contains("rate-limited"), "{message}");
    let exports = simulator.log();
    let exports = exports.iter().filter(|request| request.path == EXPORT);
    assert_eq!(exports.count(), 4);
}

#[test]
fn a_check_retries_without_a_rejected_page_limit() {
    let refuses_all = Paging {
        max_size: 0,
        above_max: AboveMax::Refused,
        ..Paging::default()
    };
    let simulator = Sim::new()
        .switches(Switches {
            paging: refuses_all,
            ..Switches::default()
        })
        .start();
    check(&simulator, json!({})).succeeded();
    let queries: Vec<_> = simulator
        .log()
        .iter()
        .filter(|request| request.path == AGENTS)
        .map(|request| request.query.clone())
        .collect();
    assert_eq!(queries, ["pageLimit=1", ""]);
}

#[test]
fn a_check_waits_for_three_rate_limits_in_all() {
    let faults = vec![
        Fault::at(EXPORT, 0, rate_limited("1")),
        Fault::at(EXPORT, 1, Kind::status(500)),
        Fault::from(EXPORT, 2, rate_limited("1")),
    ];
    let simulator = Sim::new().faults(faults).start();
    assert_eq!(crashed(&check(&simulator, json!({}))).0, "transient_error");
    assert_eq!(
        simulator
            .log()
            .iter()
            .filter(|request| request.host == Host::Exports)
            .count(),
        5
    );
}

#[test]
fn a_retry_after_longer_than_a_check_fails_at_once() {
    for (status, seconds) in [(429, "91"), (503, "13")] {
        let busy = status_with(status, ("Retry-After", seconds));
        let simulator = Sim::new().fault(Fault::always(EXPORT, busy)).start();
        let begin = Instant::now();
        let (kind, message) = crashed(&check(&simulator, json!({})));
        assert_eq!(kind, "transient_error");
        assert!(message.contains(&status.to_string()), "{message}");
        assert!(begin.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn a_check_retries_no_earlier_than_retry_after() {
    for status in [408, 503] {
        let busy = status_with(status, ("Retry-After", "2.5"));
        let simulator = Sim::new().fault(Fault::at(EXPORT, 0, busy)).start();
        let begin = Instant::now();
        check(&simulator, json!({})).succeeded();
        assert!(begin.elapsed() >= Duration::from_millis(2500));
    }
}

#[test]
fn consecutive_checks_are_neither_rate_limited_nor_slow() {
    let simulator = Sim::new().limits(Limits::default()).start();
    let begin = Instant::now();
    let rates = json!({"exports_requests_per_minute": 10, "api_requests_per_second": 10});
    for _ in 0..4 {
        check(&simulator, rates.clone()).succeeded();
    }
    assert!(begin.elapsed() < Duration::from_secs(20));
    let log = simulator.log();
    assert!(log.iter().all(|request| request.refused.is_none()));
}

#[test]
fn a_rate_limit_of_the_main_api_costs_a_check_a_second() {
    let limited = Kind::status(429);
    let simulator = Sim::new().fault(Fault::at(AGENTS, 0, limited)).start();
    let begin = Instant::now();
    check(&simulator, json!({})).succeeded();
    assert!((1..6).contains(&begin.elapsed().as_secs()));
}
