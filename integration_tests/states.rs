//! Which saved states a read understands, and what it does with the others.

use dixa_simulator::api::switches::Switches;
use dixa_simulator::data::account::Account;
use dixa_simulator::data::clock::now_ms;
use serde_json::{Value, json};

use crate::support::catalog::state_at;
use crate::support::read::Read;
use crate::support::recent::{conversations, export_bounds, recent_account};
use crate::support::sim::Sim;
use crate::support::time::{DAY, END, HOUR};

#[test]
fn an_old_state_without_a_coverage_never_gets_one() {
    let simulator = Sim::new().account(Account::empty()).start();
    let state = state_at(
        "conversations",
        &json!({"updated_at": 1_770_000_000_000_i64}),
    );
    let ran = Read::of(&simulator)
        .streams(["conversations"])
        .state(&state)
        .run()
        .succeeded();
    assert_eq!(ran.states("conversations"), [json!({"updated_at": END})]);
}

#[test]
fn a_read_without_requests_passes_the_state_on_unchanged() {
    let simulator = Sim::new().account(Account::empty()).start();
    // After the end date by more than the lookback, in forms that the connector does not write.
    let stream_states = [
        json!({"updated_at": "1772500000000"}),
        json!({"updated_at": 1_772_500_000_000.0, "other": 1}),
        json!({"covered_from": 5, "updated_at": 1_772_500_000_000_i64}),
    ];
    for stream_state in stream_states {
        let state = state_at("conversations", &stream_state);
        let ran = Read::of(&simulator)
            .streams(["conversations"])
            .state(&state)
            .run();
        assert_eq!(ran.succeeded().states("conversations"), [stream_state]);
    }
    assert_eq!(simulator.log().len(), 0);
}

#[test]
fn a_state_without_a_usable_position_is_a_warning_and_reads_from_the_start() {
    let at = 1_770_000_000_000_i64;
    let seconds = at / 1000;
    let bookmark =
        |stream_state: Value| json!({"bookmarks": {"conversations": stream_state}}).to_string();
    let states = [
        (
            state_at("conversations", &json!({"created_at": at})),
            "no `updated_at`",
        ),
        (state_at("conversations", &json!({})), "no `updated_at`"),
        (
            state_at("conversations", &json!({"updated_at": [at]})),
            "milliseconds",
        ),
        (
            state_at("conversations", &json!({"updated_at": seconds})),
            "seconds",
        ),
        (
            state_at("conversations", &json!({"updated_at": seconds.to_string()})),
            "seconds",
        ),
        (state_at("conversations", &json!(at)), "not a JSON object"),
        (
            json!({"conversations": at}).to_string(),
            "not a JSON object",
        ),
        (
            json!({"conversations": "2026-02-01T00:00:00Z"}).to_string(),
            "tap-dixa",
        ),
        (bookmark(json!("2026-02-01T00:00:00Z")), "tap-dixa"),
        (
            bookmark(json!({"updated_at": "2026-02-01T00:00:00.000000Z"})),
            "tap-dixa",
        ),
        (
            bookmark(json!({"updated_at_datestring": "2026-02-01T00:00:00Z"})),
            "tap-dixa",
        ),
        (
            json!({"singer_state": {"bookmarks": {"conversations": "2026-02-01"}}}).to_string(),
            "tap-dixa",
        ),
        (
            json!({"conversations": at, "conversation_export": {"updated_at": seconds}})
                .to_string(),
            "not a JSON object",
        ),
    ];
    for (state, reason) in states {
        let simulator = Sim::new().start();
        let ran = Read::of(&simulator)
            .streams(["conversations"])
            .state(&state)
            .run()
            .succeeded();
        assert_eq!(ran.records("conversations").len(), 200, "{state}");
        ran.check_warning(&["conversations: ", reason, "from the start, 2026-01-01"]);
    }
}

#[test]
fn a_usable_state_under_an_alias_wins_over_an_unusable_one() {
    for useless in [
        json!({}),
        json!(7),
        json!({"updated_at": 1_770_000_000}),
        json!("2026-02-01"),
    ] {
        let simulator = Sim::new().account(Account::empty()).start();
        let state = json!({"conversations": useless, "conversation_export": {"updated_at": "1770000000000"}});
        let state = state.to_string();
        let ran = Read::of(&simulator)
            .streams(["conversations"])
            .state(&state)
            .run()
            .succeeded();
        let log = simulator.log();
        assert_eq!(log.len(), 1);
        let after = log[0].parameter("updated_after").unwrap();
        assert_eq!(after, (1_770_000_000_000 - HOUR - 1).to_string());
        let warnings = ran.logs("WARN");
        assert!(
            !warnings
                .iter()
                .any(|warning| warning.contains("cannot be used")),
            "{warnings:?}"
        );
    }
}

#[test]
fn a_position_may_be_text_and_use_the_stream_name_of_airbytes_connector() {
    let (simulator, config) = recent_account(Switches::default());
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
        let ran = conversations(&config).state(&state).run().succeeded();
        assert_eq!(
            export_bounds(&simulator, requests)[0].0,
            position - HOUR - 1,
            "{state}"
        );
        assert!(ran.positions("conversations")[0] > position);
    }
}

#[test]
fn a_state_in_the_far_future_is_passed_on_unchanged() {
    let (simulator, config) = recent_account(Switches::default());
    let abnormal = include_str!("abnormal_state.json");
    let stream_state =
        serde_json::from_str::<Value>(abnormal).unwrap()[0]["stream"]["stream_state"].clone();
    for (state, stream_state) in [
        (abnormal.to_owned(), stream_state),
        (
            state_at("conversations", &json!({"updated_at": "99999999999999"})),
            json!({"updated_at": "99999999999999"}),
        ),
        (
            state_at("conversations", &json!({"updated_at": 1e30})),
            json!({"updated_at": 1e30}),
        ),
    ] {
        let ran = conversations(&config).state(&state).run().succeeded();
        assert_eq!(ran.states("conversations"), [stream_state]);
        assert_eq!(ran.of_type("RECORD").len(), 0);
        assert!(ran.has_log("WARN", "is in the future"));
    }
    assert_eq!(simulator.log().len(), 0);
}

#[test]
fn a_state_in_the_distant_past_reads_from_the_start_date() {
    let (simulator, config) = recent_account(Switches::default());
    for stream_state in [
        json!({"updated_at": 0}),
        json!({"updated_at": -5}),
        json!({"updated_at": null}),
        json!({}),
    ] {
        let requests = simulator.log().len();
        let ran = conversations(&config)
            .state(&state_at("conversations", &stream_state))
            .run()
            .succeeded();
        assert_eq!(ran.records("conversations").len(), 200, "{stream_state}");
        assert_eq!(export_bounds(&simulator, requests).len(), 3);
    }
}

#[test]
fn states_of_unknown_streams_are_ignored_and_never_written() {
    let (_simulator, config) = recent_account(Switches::default());
    let state = json!([
        {"type": "STREAM", "stream": {"stream_descriptor": {"name": "long_gone"}, "stream_state": {"x": 1}}, "id": 3},
        {"type": "STREAM", "stream": {"stream_descriptor": {"name": "tags"}, "stream_state": {"complete": true}}, "id": 4},
    ]);
    let ran = Read::with_config(&config)
        .streams(["tags", "conversations"])
        .state(&state.to_string())
        .run()
        .succeeded();
    assert_eq!(ran.records("tags").len(), 8);
    assert_eq!(ran.records("conversations").len(), 200);
    assert!(ran.states("long_gone").is_empty());
    let is_named =
        |warning: &&str| warning.contains("contains unknown streams (1 of 2): `long_gone`.");
    assert!(ran.logs("WARN").iter().any(is_named));
}

#[test]
fn an_empty_state_does_not_hide_one_under_an_alias() {
    let (simulator, config) = recent_account(Switches::default());
    let position = now_ms() / 1000 * 1000 - DAY;
    let state =
        json!({"conversations": {}, "conversation_export": {"updated_at": position}}).to_string();
    conversations(&config).state(&state).run().succeeded();
    assert_eq!(export_bounds(&simulator, 0)[0].0, position - HOUR - 1);
}
