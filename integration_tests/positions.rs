//! Start dates and saved positions: which time a state covers, and that no position moves over time that was not requested.

use dixa_simulator::data::account::Account;
use dixa_simulator::data::clock::now_ms;
use serde_json::{Value, json};
use source_dixa::dixa::timestamp::TimeFormat;
use source_dixa::streams::table::STREAMS;

use crate::support::catalog::state_at;
use crate::support::ran::Ran;
use crate::support::read::{Read, check};
use crate::support::sim::Sim;
use crate::support::streams::incremental;
use crate::support::time::{DAY, END, HOUR, START, date_time, earliest};

/// An instant in the format of a stream's state.
fn value(stream: &str, ms: i64) -> Value {
    let stream = STREAMS.iter().find(|known| known.name == stream).unwrap();
    match stream.time_format() {
        TimeFormat::Text => date_time(ms).into(),
        TimeFormat::Milliseconds => ms.into(),
    }
}

#[test]
fn a_start_date_in_the_future_is_refused_before_any_request() {
    for start in ["2062-01-01".to_owned(), date_time(now_ms() + DAY + HOUR)] {
        let simulator = Sim::new().account(Account::empty()).start();
        let dates = json!({"start_date": start, "end_date": null});
        for (stream, cursor) in incremental() {
            let saved = state_at(stream, &json!({ cursor: value(stream, 1_700_000_000_000) }));
            for state in [None, Some(saved.as_str())] {
                let ran = Read::of(&simulator)
                    .config(dates.clone())
                    .streams([stream])
                    .state_if(state)
                    .run();
                let (kind, _, message) = ran.error();
                assert_eq!((ran.code, kind.as_str()), (1, "config_error"));
                assert!(message.contains("`start_date`"), "{message}");
                assert!(ran.states(stream).is_empty());
            }
        }
        let checked = check(&simulator, dates);
        let (status, message) = checked.connection_status();
        assert_eq!(status, "FAILED");
        assert!(message.contains("`start_date`"), "{message}");
        assert_eq!(simulator.log().len(), 0);
    }
}

#[test]
fn a_start_date_less_than_a_day_ahead_reads_nothing_and_keeps_the_position() {
    let simulator = Sim::new().account(Account::empty()).start();
    let dates = json!({"start_date": date_time(now_ms() + 20 * HOUR), "end_date": null});
    for (stream, cursor) in incremental() {
        for mode in ["incremental", "full_refresh"] {
            let stream_state = json!({ cursor: value(stream, 1_700_000_000_000), "x": [1] });
            for given in [None, Some(&stream_state)] {
                let state = given.map(|stream_state| state_at(stream, stream_state));
                let ran = Read::of(&simulator)
                    .config(dates.clone())
                    .streams([stream])
                    .mode(mode)
                    .state_if(state.as_deref())
                    .run();
                let ran = ran.succeeded();
                let expected: Vec<_> = given.cloned().into_iter().collect();
                assert_eq!(ran.states(stream), expected);
                assert_eq!(ran.statuses(stream), ["STARTED", "RUNNING", "COMPLETE"]);
                ran.check_warning(&["`start_date`", "in the future"]);
            }
        }
    }
    assert_eq!(simulator.log().len(), 0);
    let checked = check(&simulator, dates);
    checked.check_warning(&["`start_date`", "in the future"]);
}

#[test]
fn a_state_knows_where_its_coverage_begins_and_an_earlier_start_date_is_a_warning() {
    let simulator = Sim::new().account(Account::empty()).start();
    let dates = |start: &str, end: &str| json!({"start_date": start, "end_date": end});
    let march = END;
    for (stream, cursor) in incremental() {
        let last = |ran: &Ran| ran.states(stream).pop().unwrap();
        let from_2026 = value(stream, START);
        let first = Read::of(&simulator)
            .config(dates("2026-01-01", "2026-03-01"))
            .streams([stream])
            .run();
        let expected = json!({"covered_from": from_2026, cursor: value(stream, march)});
        assert_eq!(last(&first), expected);
        // Neither a later read with its lookback nor another start date changes the covered time.
        for start in ["2026-01-01", "2026-02-01", "2025-12-01"] {
            let later = dates(start, "2026-03-05");
            let saved = first.saved();
            let ran = Read::of(&simulator)
                .config(later)
                .streams([stream])
                .state(&saved)
                .run()
                .succeeded();
            let expected =
                json!({"covered_from": from_2026, cursor: value(stream, march + 4 * DAY)});
            assert_eq!(last(&ran), expected, "{start}");
            let parts = [
                stream,
                "`start_date`",
                "2025-12-01T00:00:00Z to 2026-01-01T00:00:00Z",
                "reset",
            ];
            let is_warned = ran.has_log("WARN", "reset");
            assert_eq!(is_warned, start == "2025-12-01");
            if is_warned {
                ran.check_warning(&parts);
            }
        }
        let whole = dates("2025-12-01", "2026-03-01");
        let ran = Read::of(&simulator)
            .config(whole)
            .streams([stream])
            .mode("full_refresh")
            .state(&first.saved())
            .run();
        let ran = ran.succeeded();
        assert_eq!(last(&ran)["covered_from"], value(stream, 1_764_547_200_000));
        assert!(
            ran.logs("WARN")
                .iter()
                .all(|warning| !warning.contains("reset"))
        );
    }
}

#[test]
fn a_start_date_after_the_saved_position_warns_about_the_skipped_span() {
    let simulator = Sim::new().account(Account::empty()).start();
    let saved = START - 10 * DAY;
    for (stream, cursor) in incremental() {
        for (mode, unfinished) in [("incremental", false), ("full_refresh", true)] {
            let covered = value(stream, saved - DAY);
            let stream_state = json!({"covered_from": covered, cursor: value(stream, saved), "unfinished": unfinished});
            let state = state_at(stream, &stream_state);
            let ran = Read::of(&simulator)
                .streams([stream])
                .mode(mode)
                .state(&state)
                .run()
                .succeeded();
            let span = "2025-12-22T00:00:00Z to 2026-01-01T00:00:00Z";
            ran.check_warning(&[stream, "`start_date`", span, "skipped"]);
            let states = ran.states(stream);
            let begin = value(stream, START);
            assert!(states.iter().all(|state| state["covered_from"] == begin));
        }
    }
}

#[test]
fn a_start_date_before_2010_warns_about_the_number_of_requests() {
    let simulator = Sim::new().account(Account::empty()).start();
    let dates = json!({"start_date": "2009-11-02", "end_date": "2010-01-01"});
    let ran = Read::of(&simulator)
        .config(dates.clone())
        .streams(["messages"])
        .run()
        .succeeded();
    ran.check_warning(&["`start_date`", "2010", " 2 requests"]);
    let checked = check(&simulator, dates);
    checked.check_warning(&["`start_date`", "2010", " 2 requests"]);
    let checked = check(&simulator, json!({}));
    let logged = checked.logs("INFO");
    assert!(
        logged
            .iter()
            .any(|logged| logged.contains("`start_date`") && logged.contains(" 2 requests")),
        "{logged:?}"
    );
    // A read resumes from an early position of our own.
    let early = ran.states("messages")[0].clone();
    let rest = json!({"start_date": "2009-11-02", "end_date": "2010-02-01"});
    let state = state_at("messages", &early);
    let requests = simulator.log().len();
    Read::of(&simulator)
        .config(rest)
        .streams(["messages"])
        .state(&state)
        .run()
        .succeeded();
    let begin = earliest(&simulator.log()[requests..], "created_after");
    assert_eq!(begin, early["created_at"].as_i64().unwrap() - HOUR - 1);
}
