//! Paged lists: every row once, whatever the pages look like, and no way out of the origin or into a circle.

use serde_json::json;

use crate::connector::{Connector, Ran, TOKEN, catalog, config};
use crate::read::simulator;
use crate::simulator::account::Account;
use crate::simulator::faults::{Fault, Kind};
use crate::simulator::switches::{AboveMax, LastMeta, NextLink, Paging, Switches};
use crate::simulator::{Scenario, Simulator};

fn simulator_with(paging: Paging) -> Simulator {
    simulator(
        Account::default(),
        Switches {
            paging,
            ..Switches::default()
        },
    )
}

fn read(simulator: &Simulator) -> Ran {
    Connector::new().read(
        &config(simulator, json!({})),
        &catalog(&["agents", "endusers", "queues"], "full_refresh"),
        None,
    )
}

#[test]
fn every_row_comes_once_whatever_the_pages_look_like() {
    let small = Paging {
        max_size: 7,
        ..Paging::default()
    };
    let forms = [
        small.clone(),
        Paging {
            last: LastMeta::Null,
            ..small.clone()
        },
        Paging {
            last: LastMeta::EmptyObject,
            limit_in_link: true,
            ..small.clone()
        },
        Paging {
            last: LastMeta::NullNext,
            ..small.clone()
        },
        Paging {
            next: NextLink::Absolute,
            ..small.clone()
        },
        Paging {
            empty_page: Some(0),
            ..small.clone()
        },
        Paging {
            empty_page: Some(2),
            ..small.clone()
        },
        Paging {
            max_size: 1,
            ..small.clone()
        },
        Paging {
            max_size: 1000,
            ..small.clone()
        },
        Paging {
            above_max: AboveMax::Refused,
            default_size: 9,
            ..small
        },
    ];
    for paging in forms {
        let form = format!("{paging:?}");
        let simulator = simulator_with(paging);
        let ran = read(&simulator).succeeded();
        for (stream, expected) in simulator.account(|account| {
            [
                ("agents", account.agents.clone()),
                ("endusers", account.endusers.clone()),
            ]
        }) {
            let expected: Vec<_> = expected.iter().map(|row| row.key.clone()).collect();
            assert_eq!(ran.keys(stream), expected, "{stream} under {form}");
        }
    }
}

#[test]
fn a_page_limit_is_asked_for_once_and_only_where_it_is_documented() {
    let simulator = simulator_with(Paging {
        max_size: 20,
        ..Paging::default()
    });
    read(&simulator).succeeded();
    let queries = |path: &str| -> Vec<String> {
        simulator
            .log()
            .iter()
            .filter(|request| request.path == path)
            .map(|request| request.query.clone())
            .collect()
    };
    let agents = queries("/v1/agents");
    assert_eq!(agents[0], "pageLimit=1000");
    assert!(
        agents[1..]
            .iter()
            .all(|query| query.starts_with("pageKey=")),
        "{agents:?}"
    );
    assert_eq!(queries("/v1/queues"), [""]);
}

#[test]
fn a_refused_page_limit_is_left_out_and_told() {
    let simulator = simulator_with(Paging {
        above_max: AboveMax::Refused,
        ..Paging::default()
    });
    let ran = read(&simulator).succeeded();
    assert_eq!(ran.records("agents").len(), 30);
    assert!(
        ran.logs("INFO")
            .iter()
            .any(|message| message.contains("does not take pages of 1000"))
    );
}

#[test]
fn a_link_to_another_origin_is_an_error_and_is_not_followed() {
    let other = simulator(Account::default(), Switches::default());
    let simulator = simulator_with(Paging {
        max_size: 7,
        next: NextLink::Elsewhere(other.url().to_owned()),
        ..Paging::default()
    });
    let ran = read(&simulator);
    assert_eq!(ran.code, 1);
    assert_eq!(ran.errors().len(), 2);
    let message = ran.errors()[0]["message"].as_str().unwrap();
    assert!(
        message.contains("another host, where the token must not go"),
        "{message}"
    );
    assert_eq!(ran.statuses("agents"), ["STARTED", "RUNNING", "INCOMPLETE"]);
    assert_eq!(ran.statuses("queues"), ["STARTED", "RUNNING", "COMPLETE"]);
    assert!(ran.states("agents").is_empty());
    assert_eq!(other.log().len(), 0);
}

#[test]
fn a_page_that_comes_again_is_an_error() {
    let simulator = simulator_with(Paging {
        max_size: 7,
        next: NextLink::SameKey,
        ..Paging::default()
    });
    let ran = read(&simulator);
    assert_eq!(ran.code, 1);
    assert!(
        ran.errors()[0]["message"]
            .as_str()
            .unwrap()
            .contains("a page that was read already")
    );
    assert!(simulator.log().len() < 10);
}

#[test]
fn a_row_that_moves_to_the_next_page_while_we_read_comes_once() {
    let account = Account::default();
    let rows: Vec<_> = account.agents[..12].iter().map(|row| &*row.json).collect();
    // Somebody was put in front after the first page of ten.
    let second = format!(r#"{{"data":[{}]}}"#, rows[9..].join(","));
    let simulator = Simulator::start(Scenario {
        token: TOKEN.to_owned(),
        faults: vec![Fault::at("/v1/agents", 1, Kind::body(&second))],
        switches: Switches {
            paging: Paging {
                max_size: 10,
                ..Paging::default()
            },
            ..Switches::default()
        },
        ..Scenario::default()
    });
    let ran = Connector::new()
        .read(
            &config(&simulator, json!({})),
            &catalog(&["agents"], "full_refresh"),
            None,
        )
        .succeeded();
    assert_eq!(ran.records("agents"), rows);
}

#[test]
fn a_page_key_that_comes_again_under_another_link_is_an_error() {
    let body = |number: usize| {
        format!(
            r#"{{"data":[{{"id":"a{number}"}}],"meta":{{"next":"/v1/agents?pageKey=cGFnZUxpbWl0PTI1JnBhZ2U9MSZvZmZzZXQ9MjU%3D&n={number}"}}}}"#
        )
    };
    let faults = (0..9)
        .map(|number| Fault::at("/v1/agents", number, Kind::body(&body(number))))
        .collect();
    let simulator = Simulator::start(Scenario {
        token: TOKEN.to_owned(),
        faults,
        switches: Switches {
            strict_queries: false,
            ..Switches::default()
        },
        ..Scenario::default()
    });
    let ran = Connector::new().read(
        &config(&simulator, json!({})),
        &catalog(&["agents"], "full_refresh"),
        None,
    );
    assert!(ran.error().2.contains("a page that was read already"));
    assert_eq!(simulator.log().len(), 2);
}
