//! Child streams: one list per record of their parent stream, which is requested once.

use dixa_simulator::api::faults::{Fault, Kind};
use dixa_simulator::api::switches::Switches;
use dixa_simulator::data::row::Row;
use serde_json::{Value, json};

use crate::support::catalog::catalog;
use crate::support::expected::check_records;
use crate::support::read::Read;
use crate::support::sim::Sim;

#[test]
fn members_start_with_the_id_of_their_parent_and_are_read_for_each_parent() {
    let simulator = Sim::new().start();
    let ran = Read::of(&simulator)
        .streams(["team_members", "queue_members"])
        .mode("full_refresh")
        .run()
        .succeeded();
    for (stream, field) in [("team_members", "team_id"), ("queue_members", "queue_id")] {
        check_records(&ran, &simulator, stream);
        let front = format!(r#"{{"{field}":""#);
        assert!(
            ran.records(stream)
                .iter()
                .all(|record| record.starts_with(&front))
        );
    }
    let id_of = |record: &&str| serde_json::from_str::<Value>(record).unwrap()["id"].to_string();
    let mut agents: Vec<_> = ran.records("team_members").iter().map(id_of).collect();
    let members = agents.len();
    agents.sort();
    agents.dedup();
    assert!(agents.len() < members, "some agents are in two teams");
}

#[test]
fn a_parent_stream_is_requested_once_whether_selected_or_not() {
    let knowledge = ["knowledge_categories", "knowledge_articles"];
    for selected in [&[][..], &["knowledge_collections", "teams"]] {
        let simulator = Sim::new().start();
        let streams = [&knowledge[..], &["team_members"], selected].concat();
        let ran = Read::of(&simulator)
            .streams(&streams)
            .mode("full_refresh")
            .run()
            .succeeded();
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
            "nothing is requested twice: {paths:?}"
        );
        let unselected = ["knowledge_collections", "teams"];
        for stream in unselected.iter().filter(|name| !selected.contains(name)) {
            assert!(ran.records(stream).is_empty() && ran.statuses(stream).is_empty());
        }
    }
}

#[test]
fn a_parent_that_no_longer_exists_is_skipped_and_counted() {
    let simulator = Sim::new().start();
    simulator.account(|account| {
        account.members.get_mut("team_members").unwrap().pop_first();
    });
    let ran = Read::of(&simulator)
        .streams(["team_members", "tags"])
        .mode("full_refresh")
        .run()
        .succeeded();
    check_records(&ran, &simulator, "team_members");
    let logs = ran.logs("INFO");
    let message = "team_members: skipped 1 of 3 teams that no longer exist (400).";
    assert!(logs.contains(&message), "{logs:?}");
}

#[test]
fn parents_that_all_no_longer_exist_are_a_warning() {
    let simulator = Sim::new().start();
    simulator.account(|account| account.members.clear());
    let ran = Read::of(&simulator)
        .streams(["queue_members"])
        .mode("full_refresh")
        .run()
        .succeeded();
    let warnings = ran.logs("WARN");
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("skipped 4 of 4 queues that no longer exist"))
    );
    assert_eq!(
        ran.statuses("queue_members"),
        ["STARTED", "RUNNING", "COMPLETE"]
    );
}

#[test]
fn a_child_stream_fails_if_its_parent_stream_cannot_be_read() {
    let simulator = Sim::new()
        .forbid(["/v1/knowledge/collections"], 403)
        .start();
    let ran = Read::of(&simulator)
        .streams(["knowledge_articles", "tags"])
        .mode("full_refresh")
        .run();
    assert_eq!(ran.code, 1);
    let (kind, stream, message) = ran.error();
    assert_eq!(
        (kind.as_str(), stream.as_str()),
        ("config_error", "knowledge_articles")
    );
    let chain = "knowledge_articles: not read because its parent";
    assert!(message.starts_with(chain), "{message}");
    assert!(
        message.contains("GET /v1/knowledge/collections)"),
        "{message}"
    );
    check_records(&ran, &simulator, "tags");
}

#[test]
fn an_invalid_entry_of_the_parent_stream_does_not_fail_the_child_stream() {
    let simulator = Sim::new().start();
    let mut streams = catalog(["teams", "teams", "team_members"], "full_refresh");
    streams["streams"][0]["sync_mode"] = "bogus".into();
    let ran = Read::of(&simulator).catalog(&streams).run();
    assert_eq!((ran.code, ran.error().1.as_str()), (1, "teams"));
    check_records(&ran, &simulator, "team_members");
}

#[test]
fn a_second_page_that_is_not_found_is_an_error() {
    let teams = Sim::new().start();
    let id = teams.account(|account| account.teams[0].key.trim_matches('"').to_owned());
    let path = format!("/v1/teams/{id}/agents");
    let page = format!(r#"{{"data":[{{"id":"a"}}],"meta":{{"next":"{path}?pageKey=x"}}}}"#);
    let simulator = Sim::new()
        .faults([
            Fault::at(&path, 0, Kind::body(&page)),
            Fault::at(&path, 1, Kind::status(404)),
        ])
        .switches(Switches {
            strict_queries: false,
            ..Switches::default()
        })
        .start();
    let ran = Read::of(&simulator)
        .streams(["team_members"])
        .mode("full_refresh")
        .run();
    let (_, _, message) = ran.error();
    assert!(
        message.starts_with(&format!(
            "team_members, id {id}: Dixa's main API answered 404"
        )),
        "{message}"
    );
}

#[test]
fn ids_that_would_change_the_path_are_escaped_or_skipped() {
    let simulator = Sim::new().start();
    simulator.account(|account| {
        let odd = ["..", ".", "", "a/b?c#d%e ü"];
        let team = |id: &&str| Row::new("", 0, &json!({"id": id, "name": "x"}).to_string());
        account.teams = odd.iter().map(team).collect();
    });
    let ran = Read::of(&simulator)
        .streams(["team_members"])
        .mode("full_refresh")
        .run()
        .succeeded();
    let log = simulator.log();
    let paths: Vec<_> = log.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(
        paths,
        ["/v1/teams", "/v1/teams/a%2Fb%3Fc%23d%25e%20%C3%BC/agents"]
    );
    assert!(ran.records("team_members").is_empty());
}
