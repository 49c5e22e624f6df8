//! Paged lists: every row is written once, whatever the pages look like; links to other hosts and endless lists are errors.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use dixa_simulator::Simulator;
use dixa_simulator::api::faults::{Fault, Kind};
use dixa_simulator::api::rate::Limits;
use dixa_simulator::api::switches::{AboveMax, AfterLast, LastMeta, NextLink, Paging, Switches};
use dixa_simulator::data::account::Account;
use serde_json::json;

use crate::support::ran::Ran;
use crate::support::read::Read;
use crate::support::sim::Sim;

fn simulator_with(paging: Paging) -> Simulator {
    Sim::new()
        .switches(Switches {
            paging,
            ..Switches::default()
        })
        .start()
}

fn read(simulator: &Simulator) -> Ran {
    Read::of(simulator)
        .streams(["agents", "endusers", "queues"])
        .mode("full_refresh")
        .run()
}

#[test]
fn every_row_is_written_once_whatever_the_pages_look_like() {
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
fn the_page_limit_is_sent_once_and_only_where_it_is_documented() {
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
fn a_rejected_page_limit_is_omitted_and_logged() {
    let simulator = simulator_with(Paging {
        above_max: AboveMax::Refused,
        ..Paging::default()
    });
    let ran = read(&simulator).succeeded();
    assert_eq!(ran.records("agents").len(), 30);
    assert!(ran.has_log("INFO", "rejected a page size of 1000"));
}

#[test]
fn a_link_to_another_origin_is_an_error_and_is_not_followed() {
    let other = Sim::new().start();
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
        message.contains("another host, to which the token must not be sent"),
        "{message}"
    );
    assert_eq!(ran.statuses("agents"), ["STARTED", "RUNNING", "INCOMPLETE"]);
    assert_eq!(ran.statuses("queues"), ["STARTED", "RUNNING", "COMPLETE"]);
    assert!(ran.states("agents").is_empty());
    assert_eq!(other.log().len(), 0);
}

#[test]
fn a_page_that_repeats_is_an_error() {
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
            .contains("a page that was already read")
    );
    assert!(simulator.log().len() < 10);
}

#[test]
fn a_row_that_moves_to_the_next_page_during_a_read_is_written_once() {
    let account = Account::default();
    let rows: Vec<_> = account.agents[..12].iter().map(|row| &*row.json).collect();
    // A new first row moved the others after the first page of ten.
    let second = format!(r#"{{"data":[{}]}}"#, rows[9..].join(","));
    let simulator = Sim::new()
        .fault(Fault::at("/v1/agents", 1, Kind::body(&second)))
        .switches(Switches {
            paging: Paging {
                max_size: 10,
                ..Paging::default()
            },
            ..Switches::default()
        })
        .limits(Limits::default())
        .start();
    let ran = Read::of(&simulator)
        .streams(["agents"])
        .mode("full_refresh")
        .run()
        .succeeded();
    assert_eq!(ran.records("agents"), rows);
}

#[test]
fn a_page_key_that_repeats_under_another_link_is_an_error() {
    let body = |number: usize| {
        format!(
            r#"{{"data":[{{"id":"a{number}"}}],"meta":{{"next":"/v1/agents?pageKey=cGFnZUxpbWl0PTI1JnBhZ2U9MSZvZmZzZXQ9MjU%3D&n={number}"}}}}"#
        )
    };
    let faults = (0..9).map(|number| Fault::at("/v1/agents", number, Kind::body(&body(number))));
    let simulator = Sim::new()
        .faults(faults)
        .switches(Switches {
            strict_queries: false,
            ..Switches::default()
        })
        .limits(Limits::default())
        .start();
    let ran = Read::of(&simulator)
        .streams(["agents"])
        .mode("full_refresh")
        .run();
    assert!(ran.error().2.contains("a page that was already read"));
    assert_eq!(simulator.log().len(), 2);
}

/// Reads agents whose pages have these bodies; the run, and the number of requests.
fn read_bodies(bodies: impl Iterator<Item = String>) -> (Ran, usize) {
    let faults = bodies.enumerate().map(|(number, body)| {
        let kind = Kind::body(&body);
        Fault::at("/v1/agents", number, kind)
    });
    let simulator = Sim::new()
        .faults(faults)
        .switches(Switches {
            strict_queries: false,
            ..Switches::default()
        })
        .start();
    let ran = Read::of(&simulator)
        .streams(["agents"])
        .mode("full_refresh")
        .run();
    let requests = simulator.log().len();
    (ran, requests)
}

/// A page with these ids, and a link with a unique page key.
fn linked(number: usize, ids: &[usize]) -> String {
    let rows: Vec<_> = ids.iter().map(|id| format!(r#"{{"id":"{id}"}}"#)).collect();
    let rows = rows.join(",");
    // A key in the form of the simulator.
    let key = BASE64_STANDARD.encode(format!("pageLimit=25&page={number}&offset=0"));
    let key = key.replace('=', "%3D");
    format!(r#"{{"data":[{rows}],"meta":{{"next":"/v1/agents?pageKey={key}"}}}}"#)
}

/// The ids on a page.
type Ids = dyn Fn(usize) -> Vec<usize>;

#[test]
fn a_list_whose_pages_repeat_fails_with_an_error_that_names_it() {
    let shuffled = |number: usize| {
        let mut ids: Vec<_> = (0..20).collect();
        fastrand::Rng::with_seed(number as u64).shuffle(&mut ids);
        ids.truncate(5);
        ids
    };
    let kinds: [(&str, &Ids, usize); 5] = [
        ("empty", &|_| Vec::new(), 0),
        ("the same", &|_| vec![1, 2, 3], 3),
        ("two in turn", &|number| vec![number % 2], 2),
        (
            "thirty in turn, shifted",
            &|number| vec![number % 30, (number + 1) % 30],
            30,
        ),
        ("any five of twenty", &shuffled, 20),
    ];
    for (kind, ids, records) in kinds {
        let (ran, requests) = read_bodies((0..400).map(|number| linked(number, &ids(number))));
        let (_, stream, message) = ran.error();
        assert_eq!((ran.code, stream.as_str()), (1, "agents"), "{kind}");
        assert!(
            message.starts_with("agents: ") && message.contains("100 consecutive pages"),
            "{message}"
        );
        assert!((100..160).contains(&requests), "{kind}: {requests}");
        let mut keys = ran.keys("agents");
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), records, "{kind}");
    }
}

#[test]
fn ninety_nine_pages_in_a_row_without_new_rows_are_allowed_repeatedly() {
    let bodies = (0..299).map(|number| match number % 100 {
        99 => linked(number, &[number]),
        _ => linked(number, &[]),
    });
    let last = r#"{"data":[{"id":"the last"}]}"#.to_owned();
    let (ran, requests) = read_bodies(bodies.chain([last]));
    assert_eq!(requests, 300);
    assert_eq!(ran.succeeded().records("agents").len(), 3);
}

#[test]
fn endless_pages_fail_every_kind_of_stream() {
    for after_last in [AfterLast::EmptyPages, AfterLast::FirstRow] {
        let simulator = simulator_with(Paging {
            max_size: 7,
            after_last,
            ..Paging::default()
        });
        // A paged list, windows of pages, and a child stream whose parent stream is not selected.
        let streams = ["endusers", "activity_logs", "knowledge_articles", "tags"];
        let ran = Read::of(&simulator)
            .config(json!({"end_date": "2026-01-10"}))
            .streams(streams)
            .mode("full_refresh")
            .run();
        assert_eq!(ran.code, 1);
        let mut failed: Vec<_> = ran
            .errors()
            .iter()
            .map(|error| error["stream_descriptor"]["name"].as_str().unwrap())
            .collect();
        failed.sort_unstable();
        assert_eq!(failed, ["activity_logs", "endusers", "knowledge_articles"]);
        for error in ran.errors() {
            let message = error["message"].as_str().unwrap();
            assert!(message.contains("100 consecutive pages"), "{message}");
        }
        assert!(simulator.log().len() < 800, "{}", simulator.log().len());
    }
}

#[test]
fn records_outside_the_dates_count_as_new_rows_of_a_page() {
    // A window of 300 pages, whose records are all older.
    let row = |id: usize| format!(r#"{{"id":"{id}","activityTimestamp":"2020-01-01T00:00:00Z"}}"#);
    let body = |number: usize| {
        let key = BASE64_STANDARD.encode(format!("pageLimit=25&page={number}&offset=0"));
        let key = key.replace('=', "%3D");
        let next = format!(r#""next":"/v1/conversations/activitylog?pageKey={key}""#);
        let next = if number < 299 { next } else { String::new() };
        format!(r#"{{"data":[{}],"meta":{{{next}}}}}"#, row(number))
    };
    let path = "/v1/conversations/activitylog";
    let faults = (0..300).map(|number| Fault::at(path, number, Kind::body(&body(number))));
    let simulator = Sim::new()
        .faults(faults)
        .switches(Switches {
            strict_queries: false,
            ..Switches::default()
        })
        .start();
    let ran = Read::of(&simulator)
        .config(json!({"end_date": "2026-01-10"}))
        .streams(["activity_logs"])
        .run();
    assert_eq!((ran.code, simulator.log().len()), (0, 300));
}
