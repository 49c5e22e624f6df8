//! State: what a read saves, and what the next one makes of it.

use serde_json::{Value, json};

use crate::connector::{Connector, Ran, catalog, config, state_at};
use crate::read::simulator;
use crate::simulator::Simulator;
use crate::simulator::account::{Account, Shape};
use crate::simulator::clock::now_ms;
use crate::simulator::rules::Host;
use crate::simulator::switches::{DateHeader, Switches};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// An account whose history ends now, and a config that reads up to now.
fn living(switches: Switches) -> (Simulator, Value) {
    let now = now_ms();
    let shape = Shape {
        from_ms: now - 40 * DAY,
        to_ms: now - 3 * HOUR,
        ..Shape::default()
    };
    let simulator = simulator(Account::seeded(5, &shape), switches);
    let start = chrono::DateTime::from_timestamp_millis(now - 60 * DAY)
        .unwrap()
        .format("%Y-%m-%d")
        .to_string();
    let config = config(&simulator, json!({"start_date": start, "end_date": null}));
    (simulator, config)
}

fn read(config: &Value, mode: &str, state: Option<&str>) -> Ran {
    Connector::new()
        .read(config, &catalog(&["conversations"], mode), state)
        .succeeded()
}

fn positions(ran: &Ran) -> Vec<i64> {
    ran.states("conversations")
        .iter()
        .map(|state| state["updated_at"].as_i64().unwrap())
        .collect()
}

/// The bounds of the export requests, from the n-th request on, in the order of time.
fn asked(simulator: &Simulator, from: usize) -> Vec<(i64, i64)> {
    let exports = simulator
        .log()
        .into_iter()
        .skip(from)
        .filter(|request| request.host == Host::Exports);
    let bound = |text: Option<&str>| text.unwrap().parse().unwrap();
    let mut asked: Vec<_> = exports
        .map(|request| {
            (
                bound(request.parameter("updated_after")),
                bound(request.parameter("updated_before")),
            )
        })
        .collect();
    asked.sort_unstable();
    asked
}

#[test]
fn the_second_read_brings_the_changes_and_the_lookback_only() {
    let (simulator, config) = living(Switches::default());
    let first = read(&config, "incremental", None);
    let saved = *positions(&first).last().unwrap();
    let now = now_ms();
    let (changed, late) = simulator.account(|account| {
        account.touch(7, now - 1500);
        let late = account.add_conversation(saved - HOUR / 2);
        account.add_conversation(saved - 2 * HOUR);
        (
            account.conversations[7].key.clone(),
            account.conversations[late].key.clone(),
        )
    });
    let requests = simulator.log().len();
    std::thread::sleep(std::time::Duration::from_secs(1));
    let second = read(&config, "incremental", Some(&first.saved()));
    let mut keys = second.keys("conversations");
    keys.sort();
    let mut expected = vec![changed, late];
    expected.sort();
    assert_eq!(
        keys, expected,
        "what was updated, and what lies in the hour before; not what lies before that"
    );
    let bounds = asked(&simulator, requests);
    assert_eq!(bounds.len(), 1);
    assert_eq!(bounds[0].0, saved - HOUR - 1);
    assert!(positions(&second).iter().all(|position| *position >= saved));
}

#[test]
fn lookback_can_be_switched_off_and_reaches_not_behind_the_start_date() {
    let (simulator, mut config) = living(Switches::default());
    let position = now_ms() / 1000 * 1000 - DAY;
    config["lookback_minutes"] = json!(0);
    read(
        &config,
        "incremental",
        Some(&state_at("conversations", &json!({"updated_at": position}))),
    );
    assert_eq!(asked(&simulator, 0)[0].0, position - 1);
    config["lookback_minutes"] = json!(44640);
    let start = chrono::DateTime::from_timestamp_millis(position)
        .unwrap()
        .format("%Y-%m-%dT%H:%M:%SZ")
        .to_string();
    config["start_date"] = json!(start);
    let requests = simulator.log().len();
    read(
        &config,
        "incremental",
        Some(&state_at("conversations", &json!({"updated_at": position}))),
    );
    assert_eq!(asked(&simulator, requests)[0].0, position - 1);
}

#[test]
fn the_position_moves_over_empty_windows_up_to_now() {
    let now = now_ms();
    let simulator = simulator(Account::empty(), Switches::default());
    let config = config(
        &simulator,
        json!({"start_date": "2026-01-01", "end_date": null}),
    );
    let positions = positions(&read(&config, "incremental", None));
    assert_eq!(positions.len(), asked(&simulator, 0).len());
    assert!(positions.windows(2).all(|pair| pair[0] < pair[1]));
    assert!((now - 3000..=now + 10_000).contains(positions.last().unwrap()));
    assert!(positions.iter().all(|position| position % 1000 == 0));
}

#[test]
fn the_position_never_passes_dixas_clock() {
    let (_simulator, config) = living(Switches {
        date: DateHeader::Shifted(-7200),
        ..Switches::default()
    });
    let ran = read(&config, "incremental", None);
    let last = *positions(&ran).last().unwrap();
    assert!(
        (now_ms() - 7_210_000..now_ms() - 7_199_000).contains(&last),
        "{last}"
    );
    check_clock_warning(
        &ran,
        "1 h 59 min ahead of Dixa's",
        "2 h 0 min ahead of Dixa's",
    );
}

/// One warning tells the difference, which is of whole seconds on the way.
fn check_clock_warning(ran: &Ran, told: &str, or: &str) {
    let warnings = ran.logs("WARN");
    let of_clock = |warning: &&&str| warning.starts_with("This machine's clock is");
    let of_clock: Vec<_> = warnings.iter().filter(of_clock).collect();
    assert_eq!(of_clock.len(), 1, "{warnings:?}");
    assert!(
        of_clock[0].contains(told) || of_clock[0].contains(or),
        "{warnings:?}"
    );
}

#[test]
fn a_clock_that_is_behind_dixas_is_told_and_one_that_is_right_is_not() {
    let behind = |seconds| {
        let date = DateHeader::Shifted(seconds);
        let (simulator, config) = living(Switches {
            date,
            ..Switches::default()
        });
        let ran = read(&config, "incremental", None);
        assert!(simulator.log().len() > 1);
        ran
    };
    let told = "12 h 0 min behind Dixa's";
    check_clock_warning(&behind(12 * 3600 + 20), told, told);
    let ran = behind(30);
    let warnings = ran.logs("WARN");
    assert!(
        warnings.iter().all(|warning| !warning.contains("clock")),
        "{warnings:?}"
    );
}

#[test]
fn without_a_date_header_our_own_clock_serves() {
    let before = now_ms();
    let (_simulator, config) = living(Switches {
        date: DateHeader::Absent,
        ..Switches::default()
    });
    let last = *positions(&read(&config, "incremental", None))
        .last()
        .unwrap();
    assert!((before - 2000..=now_ms()).contains(&last));
}

#[test]
fn a_position_is_understood_as_text_and_under_the_name_of_airbytes_own_connector() {
    let (simulator, config) = living(Switches::default());
    let position = now_ms() / 1000 * 1000 - DAY;
    let old_map = json!({"conversation_export": {"updated_at": position}}).to_string();
    let states = [
        state_at("conversations", &json!({"updated_at": position})),
        state_at(
            "conversations",
            &json!({"updated_at": position.to_string()}),
        ),
        state_at(
            "conversation_export",
            &json!({"updated_at": position.to_string()}),
        ),
        old_map,
    ];
    for state in states {
        let requests = simulator.log().len();
        let ran = read(&config, "incremental", Some(&state));
        assert_eq!(
            asked(&simulator, requests)[0].0,
            position - HOUR - 1,
            "{state}"
        );
        assert!(positions(&ran)[0] > position);
    }
}

#[test]
fn a_state_in_the_far_future_is_handed_on_unchanged_and_nothing_is_read() {
    let (simulator, config) = living(Switches::default());
    let abnormal = include_str!("abnormal_state.json");
    let blob =
        serde_json::from_str::<Value>(abnormal).unwrap()[0]["stream"]["stream_state"].clone();
    for (state, blob) in [
        (abnormal.to_owned(), blob),
        (
            state_at("conversations", &json!({"updated_at": "99999999999999"})),
            json!({"updated_at": "99999999999999"}),
        ),
        (
            state_at("conversations", &json!({"updated_at": 1e30})),
            json!({"updated_at": 1e30}),
        ),
    ] {
        let ran = read(&config, "incremental", Some(&state));
        assert_eq!(ran.states("conversations"), [blob]);
        assert_eq!(ran.of_type("RECORD").len(), 0);
        assert!(
            ran.logs("WARN")
                .iter()
                .any(|message| message.contains("lies in the future"))
        );
    }
    assert_eq!(simulator.log().len(), 0);
}

#[test]
fn a_state_in_the_distant_past_reads_from_the_start_date() {
    let (simulator, config) = living(Switches::default());
    for blob in [
        json!({"updated_at": 0}),
        json!({"updated_at": -5}),
        json!({"updated_at": null}),
        json!({}),
    ] {
        let requests = simulator.log().len();
        let ran = read(
            &config,
            "incremental",
            Some(&state_at("conversations", &blob)),
        );
        assert_eq!(ran.records("conversations").len(), 200, "{blob}");
        assert_eq!(asked(&simulator, requests).len(), 3);
    }
}

#[test]
fn a_full_refresh_marks_its_states_until_the_last_and_resumes_from_a_marked_one_only() {
    let (simulator, config) = living(Switches::default());
    let whole = read(&config, "full_refresh", None);
    let states = whole.states("conversations");
    let marked: Vec<_> = states
        .iter()
        .map(|state| state.get("unfinished") == Some(&json!(true)))
        .collect();
    assert_eq!(marked, [true, true, false]);
    let count = whole.records("conversations").len();
    let again = read(&config, "full_refresh", Some(&whole.saved()));
    assert_eq!(
        again.records("conversations").len(),
        count,
        "a finished state is not gone on from"
    );
    let requests = simulator.log().len();
    let rest = read(
        &config,
        "full_refresh",
        Some(&state_at("conversations", &states[0])),
    );
    assert_eq!(
        asked(&simulator, requests)[0].0,
        states[0]["updated_at"].as_i64().unwrap() - 1
    );
    assert_eq!(
        rest.states("conversations")
            .last()
            .unwrap()
            .get("unfinished"),
        None
    );
    assert!(rest.records("conversations").len() < count);
    let first: u64 =
        whole.records("conversations").len() as u64 - rest.records("conversations").len() as u64;
    assert!(first > 0, "the first window held records");
    let incremental = read(
        &config,
        "incremental",
        Some(&state_at("conversations", &states[0])),
    );
    assert!(
        incremental
            .states("conversations")
            .iter()
            .all(|state| state.get("unfinished").is_none())
    );
}

#[test]
fn a_start_date_in_the_future_saves_now() {
    let (simulator, mut config) = living(Switches::default());
    config["start_date"] = json!("2099-01-01");
    let now = now_ms();
    let saved = positions(&read(&config, "incremental", None));
    assert_eq!(saved.len(), 1);
    assert!((now - 1000..now + 5000).contains(&saved[0]));
    assert_eq!(simulator.log().len(), 0);
}

#[test]
fn states_of_others_are_ignored_and_never_echoed() {
    let (_simulator, config) = living(Switches::default());
    let state = json!([
        {"type": "STREAM", "stream": {"stream_descriptor": {"name": "long_gone"}, "stream_state": {"x": 1}}, "id": 3},
        {"type": "STREAM", "stream": {"stream_descriptor": {"name": "tags"}, "stream_state": {"complete": true}}, "id": 4},
    ]);
    let streams = catalog(&["tags", "conversations"], "incremental");
    let ran = Connector::new()
        .read(&config, &streams, Some(&state.to_string()))
        .succeeded();
    assert_eq!(ran.records("tags").len(), 8);
    assert_eq!(ran.records("conversations").len(), 200);
    assert!(!ran.stdout.contains("long_gone"));
    let told = |warning: &&str| warning.contains("does not have (1 of 2)");
    assert!(ran.logs("WARN").iter().any(told));
}

#[test]
fn a_list_ends_with_one_state_that_the_next_read_does_not_need() {
    let (_simulator, config) = living(Switches::default());
    let streams = catalog(&["agents", "tags"], "incremental");
    let first = Connector::new().read(&config, &streams, None).succeeded();
    let second = Connector::new()
        .read(&config, &streams, Some(&first.saved()))
        .succeeded();
    for stream in ["agents", "tags"] {
        assert_eq!(first.states(stream).len(), 1);
        assert_eq!(first.keys(stream), second.keys(stream));
    }
}

#[test]
fn no_later_window_lifts_the_position_over_dixas_clock() {
    let behind = 3 * 24 * 3600;
    let (simulator, mut config) = living(Switches {
        date: DateHeader::Shifted(-behind),
        ..Switches::default()
    });
    config["window_days"] = json!(1);
    config["exports_requests_per_minute"] = json!(600);
    let begin = now_ms() - behind * 1000;
    let ran = read(&config, "incremental", None);
    let windows_until_then = asked(&simulator, 0)
        .iter()
        .filter(|(_, before)| *before < begin - 10_000)
        .count();
    let latest = positions(&ran).into_iter().max().unwrap();
    let when_asked = begin + i64::try_from(windows_until_then).unwrap() * 102;
    assert!(latest <= when_asked + 1500, "{latest} is past {when_asked}");
    let counted: f64 = ran
        .of_type("STATE")
        .iter()
        .map(|state| {
            state["state"]["sourceStats"]["recordCount"]
                .as_f64()
                .unwrap()
        })
        .sum();
    #[expect(clippy::cast_precision_loss, reason = "there are 200")]
    let records = ran.records("conversations").len() as f64;
    assert!(
        (counted - records).abs() < 0.5,
        "every record is counted by a state"
    );
}

#[test]
fn an_end_date_within_a_second_is_never_passed_by_the_position() {
    let (_simulator, mut config) = living(Switches::default());
    let end = now_ms() / 1000 * 1000 - DAY + 500;
    let text = chrono::DateTime::from_timestamp_millis(end)
        .unwrap()
        .format("%Y-%m-%dT%H:%M:%S%.3fZ");
    config["end_date"] = json!(text.to_string());
    assert_eq!(
        positions(&read(&config, "incremental", None)).last(),
        Some(&(end - 500))
    );
}

#[test]
fn an_empty_state_under_our_name_does_not_hide_one_under_another() {
    let (simulator, config) = living(Switches::default());
    let position = now_ms() / 1000 * 1000 - DAY;
    let state =
        json!({"conversations": {}, "conversation_export": {"updated_at": position}}).to_string();
    read(&config, "incremental", Some(&state));
    assert_eq!(asked(&simulator, 0)[0].0, position - HOUR - 1);
}
