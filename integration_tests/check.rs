//! `check`: an answer for what the user can mend, an error for the rest.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::connector::{Connector, Ran, TOKEN, config};
use crate::simulator::faults::{Fault, Kind};
use crate::simulator::rate::Limits;
use crate::simulator::rules::Host;
use crate::simulator::switches::{AboveMax, Forbidden, Paging, Switches};
use crate::simulator::{Scenario, Simulator};

const EXPORT: &str = "/v1/conversation_export";
const AGENTS: &str = "/v1/agents";

fn simulator(switches: Switches, faults: Vec<Fault>) -> Simulator {
    Simulator::start(Scenario {
        token: TOKEN.to_owned(),
        switches,
        faults,
        limits: Limits::none(),
        ..Scenario::default()
    })
}

fn check(simulator: &Simulator, others: Value) -> Ran {
    Connector::new().run("check", &config(simulator, others))
}

/// The message of a FAILED status, which ends with exit code 0.
fn failed(ran: &Ran) -> String {
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
    let statuses = ran.of_type("CONNECTION_STATUS");
    assert_eq!(statuses.len(), 1);
    assert_eq!(statuses[0]["connectionStatus"]["status"], "FAILED");
    statuses[0]["connectionStatus"]["message"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The kind and message of the error of a check that gave no answer.
fn crashed(ran: &Ran) -> (String, String) {
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert_eq!(ran.of_type("CONNECTION_STATUS").len(), 0);
    let (kind, _, message) = ran.error();
    (kind, message)
}

fn status_with(status: u16, header: (&str, &str)) -> Kind {
    let headers = vec![(header.0.to_owned(), header.1.to_owned())];
    Kind::Status {
        status,
        headers,
        body: "slow down".to_owned(),
    }
}

#[test]
fn a_good_token_is_proved_on_both_hosts_by_the_smallest_requests() {
    let simulator = simulator(Switches::default(), Vec::new());
    let ran = check(&simulator, json!({})).succeeded();
    assert_eq!(
        ran.of_type("CONNECTION_STATUS")[0]["connectionStatus"],
        json!({"status": "SUCCEEDED"})
    );
    let log = simulator.log();
    let exports: Vec<_> = log
        .iter()
        .filter(|request| request.host == Host::Exports)
        .collect();
    let [export] = exports[..] else {
        panic!("one export, of the few that a minute has")
    };
    let mut paths: Vec<_> = log.iter().map(|request| &request.path).collect();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), log.len(), "each is asked once: {paths:?}");
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
fn a_refused_token_is_told_with_its_host_and_what_to_do() {
    for status in [401, 403] {
        let forbidden = vec![Forbidden {
            on: "/v1/".to_owned(),
            status,
        }];
        let simulator = simulator(
            Switches {
                forbidden,
                ..Switches::default()
            },
            Vec::new(),
        );
        let message = failed(&check(&simulator, json!({})));
        for api in ["Dixa's Exports API", "Dixa's main API"] {
            let told = format!("{api} answered {status}");
            assert!(message.contains(&told), "{message}");
        }
        assert!(
            message.contains("Settings > Integrations > API tokens")
                && message.contains("\"Dixa API\""),
            "{message}"
        );
    }
}

#[test]
fn a_wrong_token_is_told_of_both_hosts() {
    let simulator = simulator(Switches::default(), Vec::new());
    let message = failed(&check(&simulator, json!({"api_token": "another"})));
    assert!(
        message.contains("Exports API answered 401") && message.contains("main API answered 401"),
        "{message}"
    );
    let advice = message.matches("was not accepted").count();
    assert_eq!(advice, 1, "the same advice once: {message}");
}

#[test]
fn a_bad_config_is_an_answer() {
    let connector = Connector::new();
    for (config, part) in [
        (json!({}), "`api_token` is missing"),
        (
            json!({"api_token": "x", "window_days": 40}),
            "`window_days` must be a whole number from 1 to 31",
        ),
        (json!([TOKEN]), "must be a JSON object"),
    ] {
        let message = failed(&connector.run("check", &config));
        assert!(
            message.contains(part) && message.contains("config.json"),
            "{message}"
        );
    }
}

#[test]
fn a_config_file_that_cannot_be_used_is_an_answer_that_names_it() {
    let connector = Connector::new();
    connector.file("broken.json", r#"{"api_token": "#);
    connector.file("binary.json", "x");
    std::fs::write(connector.path("binary.json"), [0xff, 0xfe]).unwrap();
    for (file, part) in [
        ("missing.json", "cannot be read"),
        ("broken.json", "not JSON"),
        ("binary.json", "not UTF-8"),
        (".", "cannot be read"),
    ] {
        let ran = crate::connector::run(
            Connector::command()
                .arg("check")
                .arg("--config")
                .arg(connector.path(file)),
        );
        let message = failed(&ran);
        assert!(
            message.contains(part) && message.contains(connector.path(file).to_str().unwrap()),
            "{message}"
        );
    }
}

#[test]
fn a_server_error_is_no_answer_and_is_told_after_three_tries() {
    let simulator = simulator(
        Switches::default(),
        vec![Fault::always(EXPORT, Kind::status(503))],
    );
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
fn an_unreachable_host_is_no_answer() {
    let simulator = simulator(Switches::default(), Vec::new());
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
fn a_host_that_stays_silent_is_given_up_within_a_minute() {
    let faults = vec![Fault::always(
        AGENTS,
        Kind::NoAnswer(Duration::from_secs(60)),
    )];
    let simulator = simulator(Switches::default(), faults);
    let begin = Instant::now();
    let (kind, message) = crashed(&check(&simulator, json!({})));
    assert!(
        begin.elapsed() < Duration::from_secs(60),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(kind, "transient_error");
    assert!(
        message.contains("Dixa's main API gave no answer for 13 seconds"),
        "{message}"
    );
}

#[test]
fn a_redirect_is_no_answer_and_is_not_followed() {
    let target = simulator(Switches::default(), Vec::new());
    let redirect = Kind::Redirect {
        status: 302,
        location: format!("{}/v1/agents", target.url()),
    };
    let simulator = simulator(Switches::default(), vec![Fault::always(AGENTS, redirect)]);
    let (kind, message) = crashed(&check(&simulator, json!({})));
    assert_eq!(kind, "system_error");
    assert!(
        message.contains("302") && message.contains("Redirects are not followed"),
        "{message}"
    );
    assert_eq!(target.log().len(), 0);
}

#[test]
fn one_rate_limit_is_waited_out() {
    let limited = || status_with(429, ("Retry-After", "1"));
    let simulator = simulator(Switches::default(), vec![Fault::at(EXPORT, 0, limited())]);
    let begin = Instant::now();
    check(&simulator, json!({})).succeeded();
    assert!(begin.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_second_rate_limit_is_no_answer() {
    let limited = status_with(429, ("Retry-After", "1"));
    let simulator = simulator(Switches::default(), vec![Fault::always(EXPORT, limited)]);
    let (kind, message) = crashed(&check(&simulator, json!({})));
    assert_eq!(kind, "transient_error");
    assert!(message.contains("rate limit"), "{message}");
}

#[test]
fn a_host_that_takes_no_page_limit_is_asked_without() {
    let refuses_all = Paging {
        max_size: 0,
        above_max: AboveMax::Refused,
        ..Paging::default()
    };
    let simulator = simulator(
        Switches {
            paging: refuses_all,
            ..Switches::default()
        },
        Vec::new(),
    );
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
fn one_rate_limit_in_all_is_waited_out_whatever_comes_between() {
    let limited = || status_with(429, ("Retry-After", "1"));
    let faults = vec![
        Fault::at(EXPORT, 0, limited()),
        Fault::at(EXPORT, 1, Kind::status(500)),
        Fault::from(EXPORT, 2, limited()),
    ];
    let simulator = simulator(Switches::default(), faults);
    assert_eq!(crashed(&check(&simulator, json!({}))).0, "transient_error");
    assert_eq!(
        simulator
            .log()
            .iter()
            .filter(|request| request.host == Host::Exports)
            .count(),
        3
    );
}
