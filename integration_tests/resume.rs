//! Incremental reads: what a read saves, and where the next one resumes.

use dixa_simulator::api::switches::Switches;
use dixa_simulator::data::account::Account;
use dixa_simulator::data::clock::now_ms;
use serde_json::json;

use crate::support::catalog::{catalog, state_at};
use crate::support::config::config;
use crate::support::read::Read;
use crate::support::recent::{conversations, export_bounds, recent_account};
use crate::support::sim::Sim;
use crate::support::time::{DAY, HOUR};

#[test]
fn the_second_read_writes_only_the_changes_and_the_lookback() {
    let (simulator, config) = recent_account(Switches::default());
    let first = conversations(&config).run().succeeded();
    let saved = *first.positions("conversations").last().unwrap();
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
    let second = conversations(&config)
        .state(&first.saved())
        .run()
        .succeeded();
    let mut keys = second.keys("conversations");
    keys.sort();
    let mut expected = vec![changed, late];
    expected.sort();
    assert_eq!(
        keys, expected,
        "the update, and the record within the hour of lookback"
    );
    let bounds = export_bounds(&simulator, requests);
    assert_eq!(bounds.len(), 1);
    assert_eq!(bounds[0].0, saved - HOUR - 1);
    assert!(
        second
            .positions("conversations")
            .iter()
            .all(|position| *position >= saved)
    );
}

#[test]
fn the_lookback_can_be_switched_off_and_never_precedes_the_start_date() {
    let (simulator, mut config) = recent_account(Switches::default());
    let position = now_ms() / 1000 * 1000 - DAY;
    config["lookback_minutes"] = json!(0);
    conversations(&config)
        .state(&state_at("conversations", &json!({"updated_at": position})))
        .run()
        .succeeded();
    assert_eq!(export_bounds(&simulator, 0)[0].0, position - 1);
    config["lookback_minutes"] = json!(44640);
    let start = chrono::DateTime::from_timestamp_millis(position)
        .unwrap()
        .format("%Y-%m-%dT%H:%M:%SZ")
        .to_string();
    config["start_date"] = json!(start);
    let requests = simulator.log().len();
    conversations(&config)
        .state(&state_at("conversations", &json!({"updated_at": position})))
        .run()
        .succeeded();
    assert_eq!(export_bounds(&simulator, requests)[0].0, position - 1);
}

#[test]
fn the_position_advances_over_empty_windows_up_to_now() {
    let now = now_ms();
    let simulator = Sim::new().account(Account::empty()).start();
    let positions = conversations(&config(
        &simulator,
        json!({"start_date": "2026-01-01", "end_date": null}),
    ))
    .run()
    .succeeded()
    .positions("conversations");
    assert_eq!(positions.len(), export_bounds(&simulator, 0).len());
    assert!(positions.windows(2).all(|pair| pair[0] < pair[1]));
    assert!((now - 3000..=now + 10_000).contains(positions.last().unwrap()));
    assert!(positions.iter().all(|position| position % 1000 == 0));
}

#[test]
fn a_full_refresh_marks_its_states_until_the_last_and_resumes_from_a_marked_one_only() {
    let (simulator, config) = recent_account(Switches::default());
    let whole = conversations(&config)
        .mode("full_refresh")
        .run()
        .succeeded();
    let states = whole.states("conversations");
    let marked: Vec<_> = states
        .iter()
        .map(|state| state.get("unfinished") == Some(&json!(true)))
        .collect();
    assert_eq!(marked, [true, true, false]);
    let count = whole.records("conversations").len();
    let again = conversations(&config)
        .mode("full_refresh")
        .state(&whole.saved())
        .run()
        .succeeded();
    assert_eq!(
        again.records("conversations").len(),
        count,
        "a completed full refresh is not resumed"
    );
    let requests = simulator.log().len();
    let rest = conversations(&config)
        .mode("full_refresh")
        .state(&state_at("conversations", &states[0]))
        .run()
        .succeeded();
    assert_eq!(
        export_bounds(&simulator, requests)[0].0,
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
    assert!(first > 0, "the first window has records");
    let incremental = conversations(&config)
        .state(&state_at("conversations", &states[0]))
        .run()
        .succeeded();
    assert!(
        incremental
            .states("conversations")
            .iter()
            .all(|state| state.get("unfinished").is_none())
    );
}

#[test]
fn a_list_ends_with_one_state_that_the_next_read_ignores() {
    let (_simulator, config) = recent_account(Switches::default());
    let streams = catalog(["agents", "tags"], "incremental");
    let first = Read::with_config(&config)
        .catalog(&streams)
        .run()
        .succeeded();
    let second = Read::with_config(&config)
        .catalog(&streams)
        .state(&first.saved())
        .run()
        .succeeded();
    for stream in ["agents", "tags"] {
        assert_eq!(first.states(stream).len(), 1);
        assert_eq!(first.keys(stream), second.keys(stream));
    }
}

#[test]
fn the_position_never_passes_an_end_date_with_a_fraction_of_a_second() {
    let (_simulator, mut config) = recent_account(Switches::default());
    let end = now_ms() / 1000 * 1000 - DAY + 500;
    let text = chrono::DateTime::from_timestamp_millis(end)
        .unwrap()
        .format("%Y-%m-%dT%H:%M:%S%.3fZ");
    config["end_date"] = json!(text.to_string());
    assert_eq!(
        conversations(&config)
            .run()
            .succeeded()
            .positions("conversations")
            .last(),
        Some(&(end - 500))
    );
}
