//! Lists that hang on others, differ by a value, are one object, or hold secrets; and what the token may not read.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::connector::{Connector, Ran, TOKEN, catalog, config, run, stream_names};
use crate::read::{due, simulator};
use crate::simulator::account::{Account, Row};
use crate::simulator::faults::{Fault, Kind};
use crate::simulator::rate::Limits;
use crate::simulator::settings::{HEADER, SECRET_KEY};
use crate::simulator::switches::{AboveMax, Absent, Forbidden, Layout, Paging, Switches};
use crate::simulator::{Scenario, Simulator};

fn account() -> Simulator {
    simulator(Account::default(), Switches::default())
}

fn forbidding(paths: &[&str], status: u16) -> Simulator {
    let forbidden = |path: &&str| Forbidden {
        on: (*path).to_owned(),
        status,
    };
    let switches = Switches {
        forbidden: paths.iter().map(forbidden).collect(),
        ..Switches::default()
    };
    simulator(Account::default(), switches)
}

fn read(simulator: &Simulator, streams: &[&str]) -> Ran {
    Connector::new().read(
        &config(simulator, json!({})),
        &catalog(streams, "full_refresh"),
        None,
    )
}

fn check_records(ran: &Ran, simulator: &Simulator, stream: &str) {
    let mut records = ran.records(stream);
    records.sort_unstable();
    assert_eq!(records, due(simulator, stream), "{stream}");
}

#[test]
fn members_carry_their_parents_id_in_front_and_come_for_each_parent() {
    let simulator = account();
    let ran = read(&simulator, &["team_members", "queue_members"]).succeeded();
    for (stream, field) in [("team_members", "team_id"), ("queue_members", "queue_id")] {
        check_records(&ran, &simulator, stream);
        let front = format!(r#"{{"{field}":""#);
        assert!(
            ran.records(stream)
                .iter()
                .all(|record| record.starts_with(&front))
        );
    }
    let in_teams = |record: &&str| serde_json::from_str::<Value>(record).unwrap()["id"].to_string();
    let mut agents: Vec<_> = ran.records("team_members").iter().map(in_teams).collect();
    let members = agents.len();
    agents.sort();
    agents.dedup();
    assert!(agents.len() < members, "some are in two teams");
}

#[test]
fn a_parent_is_read_once_whether_its_stream_is_selected_or_not() {
    let knowledge = ["knowledge_categories", "knowledge_articles"];
    for selected in [&[][..], &["knowledge_collections", "teams"]] {
        let simulator = account();
        let streams = [&knowledge[..], &["team_members"], selected].concat();
        let ran = read(&simulator, &streams).succeeded();
        for stream in streams {
            check_records(&ran, &simulator, stream);
        }
        let log = simulator.log();
        let mut paths: Vec<_> = log.iter().map(|request| &request.path).collect();
        let requests = paths.len();
        paths.sort();
        paths.dedup();
        assert_eq!(
            paths.len(),
            requests,
            "nothing is asked for twice: {paths:?}"
        );
        let unselected = ["knowledge_collections", "teams"];
        for stream in unselected.iter().filter(|name| !selected.contains(name)) {
            assert!(ran.records(stream).is_empty() && ran.statuses(stream).is_empty());
        }
    }
}

#[test]
fn a_child_that_is_gone_is_left_out_and_counted() {
    let simulator = account();
    simulator.account(|account| {
        account.members.get_mut("team_members").unwrap().pop_first();
    });
    let ran = read(&simulator, &["team_members", "tags"]).succeeded();
    check_records(&ran, &simulator, "team_members");
    let logs = ran.logs("INFO");
    let told = "team_members: 1 of 3 are gone from teams by now (404) and are left out.";
    assert!(logs.contains(&told), "{logs:?}");
}

#[test]
fn children_that_are_all_gone_are_a_warning() {
    let simulator = account();
    simulator.account(|account| account.members.clear());
    let ran = read(&simulator, &["queue_members"]).succeeded();
    let warnings = ran.logs("WARN");
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("4 of 4 are gone from queues"))
    );
    assert_eq!(
        ran.statuses("queue_members"),
        ["STARTED", "RUNNING", "COMPLETE"]
    );
}

#[test]
fn a_right_that_lacks_fails_its_stream_alone_and_is_named() {
    for status in [401, 403] {
        let simulator = forbidding(&["/v1/webhooks"], status);
        let ran = read(&simulator, &["webhooks", "tags", "organization"]);
        assert_eq!(ran.code, 1);
        let (kind, stream, message) = ran.error();
        assert_eq!(
            (kind.as_str(), stream.as_str()),
            ("config_error", "webhooks")
        );
        assert!(message.contains("webhooks (GET /v1/webhooks)"), "{message}");
        assert!(message.contains("the right to read this"), "{message}");
        check_records(&ran, &simulator, "tags");
        check_records(&ran, &simulator, "organization");
    }
}

#[test]
fn what_hangs_on_a_list_that_cannot_be_read_fails_and_says_so() {
    let simulator = forbidding(&["/v1/knowledge/collections"], 403);
    let ran = read(&simulator, &["knowledge_articles", "tags"]);
    assert_eq!(ran.code, 1);
    let (kind, stream, message) = ran.error();
    assert_eq!(
        (kind.as_str(), stream.as_str()),
        ("config_error", "knowledge_articles")
    );
    let chain = "knowledge_articles: its ids could not be had";
    assert!(message.starts_with(chain), "{message}");
    assert!(
        message.contains("GET /v1/knowledge/collections)"),
        "{message}"
    );
    check_records(&ran, &simulator, "tags");
}

#[test]
fn of_webhooks_neither_secret_keys_nor_headers_are_ever_written() {
    let forms = [
        Switches::default(),
        Switches {
            layout: Layout::Pretty,
            absent: Absent::Null,
            ..Switches::default()
        },
    ];
    for switches in forms {
        let simulator = simulator(Account::default(), switches);
        let connector = Connector::new();
        let streams = catalog(&["webhooks"], "full_refresh");
        let mut command = connector.read_command(&config(&simulator, json!({})), &streams, None);
        let ran = run(command.arg("--debug")).succeeded();
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
fn flows_are_asked_for_by_channel() {
    let simulator = account();
    let ran = read(&simulator, &["conversation_flows"]).succeeded();
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
fn what_cannot_be_read_is_named_by_check_without_failing() {
    let paths = [
        "/v1/webhooks",
        "/v1/queues",
        "/v1/conversations/activitylog",
    ];
    let simulator = forbidding(&paths, 401);
    let ran = Connector::new()
        .run("check", &config(&simulator, json!({})))
        .succeeded();
    let status = &ran.of_type("CONNECTION_STATUS")[0]["connectionStatus"];
    assert_eq!(status["status"], "SUCCEEDED");
    let [warning] = ran.logs("WARN")[..] else {
        panic!("one warning")
    };
    for stream in stream_names() {
        let is_lacking =
            ["webhooks", "queues", "queue_members", "activity_logs"].contains(&stream.as_str());
        assert_eq!(
            warning.contains(&format!("`{stream}`")),
            is_lacking,
            "{stream}: {warning}"
        );
    }
}

#[test]
fn check_is_content_as_long_as_the_exports_or_a_list_can_be_read() {
    let check = |simulator: &Simulator| -> String {
        let ran = Connector::new()
            .run("check", &config(simulator, json!({})))
            .succeeded();
        let status = &ran.of_type("CONNECTION_STATUS")[0]["connectionStatus"]["status"];
        status.as_str().unwrap().to_owned()
    };
    assert_eq!(
        check(&forbidding(&["/v1/conversation_export"], 403)),
        "SUCCEEDED"
    );
    assert_eq!(check(&forbidding(&["/v1/"], 403)), "FAILED");
    let lists: Vec<_> = [
        "a",
        "b",
        "contact",
        "conversations",
        "custom",
        "e",
        "k",
        "o",
        "q",
        "t",
        "w",
    ]
    .map(|begin| format!("/v1/{begin}"))
    .into();
    let lists: Vec<_> = lists.iter().map(String::as_str).collect();
    assert_eq!(check(&forbidding(&lists, 401)), "SUCCEEDED");
}

#[test]
fn a_page_limit_that_is_refused_is_tried_once_in_all_windows() {
    let paging = Paging {
        above_max: AboveMax::Refused,
        ..Paging::default()
    };
    let switches = Switches {
        paging,
        ..Switches::default()
    };
    let simulator = simulator(Account::default(), switches);
    let ran = Connector::new()
        .read(
            &config(&simulator, json!({"window_days": 3})),
            &catalog(&["activity_logs"], "incremental"),
            None,
        )
        .succeeded();
    check_records(&ran, &simulator, "activity_logs");
    let told = ran.logs("INFO");
    let told = told
        .iter()
        .filter(|line| line.contains("does not take pages of 10000; its own size is used"));
    assert_eq!(told.count(), 1);
    let log = simulator.log();
    let sizes = log
        .iter()
        .filter_map(|request| request.parameter("pageLimit"));
    let sizes: BTreeSet<_> = sizes.collect();
    assert_eq!(sizes, BTreeSet::from(["1000", "10000"]));
}

#[test]
fn the_activity_log_is_asked_for_in_whole_seconds_and_its_state_is_text() {
    let simulator = account();
    let others = json!({"window_days": 10, "lookback_minutes": 0});
    let read = |state: Option<&str>| {
        Connector::new()
            .read(
                &config(&simulator, others.clone()),
                &catalog(&["activity_logs"], "incremental"),
                state,
            )
            .succeeded()
    };
    let first = read(None);
    check_records(&first, &simulator, "activity_logs");
    let state = first.states("activity_logs").pop().unwrap();
    assert_eq!(state, json!({"activityTimestamp": "2026-03-01T00:00:00Z"}));
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
        "the record stays as it is"
    );
    assert_eq!(read(Some(&first.saved())).records("activity_logs").len(), 0);
}

#[test]
fn filters_that_a_page_key_does_not_carry_are_sent_again() {
    let switches = Switches {
        paging: Paging {
            key_has_filters: false,
            max_size: 20,
            ..Paging::default()
        },
        ..Switches::default()
    };
    let simulator = simulator(Account::default(), switches);
    let ran = Connector::new()
        .read(
            &config(&simulator, json!({"window_days": 10})),
            &catalog(&["activity_logs"], "incremental"),
            None,
        )
        .succeeded();
    check_records(&ran, &simulator, "activity_logs");
}

#[test]
fn a_parent_that_the_catalog_lists_twice_first_wrongly_is_read_for_its_children() {
    let simulator = account();
    let mut streams = catalog(&["teams", "teams", "team_members"], "full_refresh");
    streams["streams"][0]["sync_mode"] = "bogus".into();
    let ran = Connector::new().read(&config(&simulator, json!({})), &streams, None);
    assert_eq!((ran.code, ran.error().1.as_str()), (1, "teams"));
    check_records(&ran, &simulator, "team_members");
}

/// Two pages of a team's members, of which the second is not found.
#[test]
fn a_page_that_is_not_found_is_no_child_that_is_gone() {
    let teams = simulator(Account::default(), Switches::default());
    let id = teams.account(|account| account.teams[0].key.trim_matches('"').to_owned());
    let path = format!("/v1/teams/{id}/agents");
    let page = format!(r#"{{"data":[{{"id":"a"}}],"meta":{{"next":"{path}?pageKey=x"}}}}"#);
    let simulator = Simulator::start(Scenario {
        token: TOKEN.to_owned(),
        limits: Limits::none(),
        faults: vec![
            Fault::at(&path, 0, Kind::body(&page)),
            Fault::at(&path, 1, Kind::status(404)),
        ],
        switches: Switches {
            strict_queries: false,
            ..Switches::default()
        },
        ..Scenario::default()
    });
    let ran = read(&simulator, &["team_members"]);
    let (_, _, message) = ran.error();
    assert!(
        message.starts_with(&format!(
            "team_members, id {id}: Dixa's main API answered 404"
        )),
        "{message}"
    );
}

#[test]
fn a_channel_that_dixa_does_not_know_is_left_out_with_a_warning() {
    let on = "/v1/conversations/flows?channel=Callback";
    let simulator = Simulator::start(Scenario {
        token: TOKEN.to_owned(),
        limits: Limits::none(),
        faults: vec![Fault::always(on, Kind::status(400))],
        ..Scenario::default()
    });
    let ran = read(&simulator, &["conversation_flows"]).succeeded();
    check_records(&ran, &simulator, "conversation_flows");
    let told = "conversation_flows: Dixa does not take channel Callback (400), which is left out.";
    assert!(ran.logs("WARN").contains(&told));
}

#[test]
fn ids_that_would_lead_elsewhere_are_not_asked_for() {
    let simulator = account();
    simulator.account(|account| {
        let odd = ["..", ".", "", "a/b?c#d%e ü"];
        let team = |id: &&str| Row::new("", 0, &json!({"id": id, "name": "x"}).to_string());
        account.teams = odd.iter().map(team).collect();
    });
    let ran = read(&simulator, &["team_members"]).succeeded();
    let log = simulator.log();
    let paths: Vec<_> = log.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(
        paths,
        ["/v1/teams", "/v1/teams/a%2Fb%3Fc%23d%25e%20%C3%BC/agents"]
    );
    assert!(ran.records("team_members").is_empty());
}
