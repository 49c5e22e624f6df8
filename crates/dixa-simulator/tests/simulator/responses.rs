//! The records of accepted requests, and the data behind them.

use std::collections::HashSet;

use dixa_simulator::Simulator;
use dixa_simulator::api::switches::{
    DateHeader, Encoding, Framing, Layout, Order, Rounding, Switches,
};
use dixa_simulator::data::account::{Account, Shape};
use dixa_simulator::data::conversation::Oddities;
use serde_json::Value;

use crate::client::{ALL, BEARER, export, get, request, start};

fn stored(simulator: &Simulator) -> Vec<String> {
    let mut rows = simulator.account(|account| account.conversations.clone());
    rows.retain(|row| row.at < 1_769_904_000_000);
    rows.sort_by_key(|row| row.at);
    rows.iter().map(|row| row.json.to_string()).collect()
}

#[test]
fn records_are_sent_byte_for_byte() {
    let simulator = start(|scenario| scenario.switches.order = Order::Ascending);
    let reply = export(&simulator, ALL);
    assert!(reply.complete);
    assert_eq!(reply.text(), format!("[{}]", stored(&simulator).join(",")));
}

#[test]
fn every_record_is_json_with_and_without_oddities() {
    for oddities in [Oddities::None, Oddities::Some] {
        let simulator = start(|scenario| {
            scenario.account = Account::seeded(
                1,
                &Shape {
                    oddities,
                    conversations: 500,
                    ..Shape::default()
                },
            );
        });
        let rows =
            simulator.account(|account| [&account.conversations[..], &account.messages].concat());
        assert!(rows.len() > 1000);
        for row in rows {
            serde_json::from_str::<Value>(&row.json).unwrap();
        }
    }
}

#[test]
fn each_response_interleaves_its_runs_differently() {
    let simulator = start(|_| ());
    let [one, other] = [(); 2].map(|()| export(&simulator, ALL).json());
    assert_ne!(one, other);
    assert_eq!(sorted(one), sorted(other));
}

#[test]
fn a_date_as_the_upper_bound_is_exclusive() {
    let midnight = 1_767_571_200_000; // 2026-01-05
    let simulator = start(|scenario| {
        scenario.account = Account::empty();
        for at in [midnight - 1, midnight, midnight + 1] {
            scenario.account.add_conversation(at);
        }
    });
    let times = |query: &str| {
        let records = export(&simulator, query).json();
        let mut times: Vec<_> = records
            .as_array()
            .unwrap()
            .iter()
            .map(|record| record["updated_at"].as_i64().unwrap())
            .collect();
        times.sort_unstable();
        times
    };
    assert_eq!(
        times("updated_after=2026-01-04&updated_before=2026-01-05"),
        [midnight - 1]
    );
    assert_eq!(
        times("updated_after=2026-01-05&updated_before=2026-01-06"),
        [midnight, midnight + 1]
    );
}

#[test]
fn bounds_are_rounded_or_ignored_by_switch() {
    let day = 86_400_000;
    let begin = 1_767_225_600_000; // 2026-01-01
    let count = |rounding: Rounding| {
        let simulator = start(|scenario| {
            scenario.switches.rounding = rounding;
            scenario.account = Account::empty();
            for half_day in 0..20 {
                scenario
                    .account
                    .add_conversation(begin + half_day * day / 2 + 1);
            }
        });
        let (after, before) = (begin + 2 * day + day / 4, begin + 4 * day - day / 4);
        let query = format!("updated_after={after}&updated_before={before}");
        export(&simulator, &query).json().as_array().unwrap().len()
    };
    assert_eq!(count(Rounding::None), 3);
    assert_eq!(count(Rounding::To(day)), 4);
    assert_eq!(count(Rounding::LowerTo(day)), 4);
    assert_eq!(count(Rounding::Ignored), 20);
}

fn sorted(mut records: Value) -> Value {
    let records = records.as_array_mut().unwrap();
    records.sort_by_key(|record| record["id"].as_i64());
    records.drain(..).collect()
}

#[test]
fn layout_compression_framing_and_order_carry_the_same_records() {
    let plain = start(|_| ());
    let expected = sorted(export(&plain, ALL).json());
    let check = |change: fn(&mut Switches)| {
        let simulator = start(|scenario| change(&mut scenario.switches));
        let target = format!("/v1/conversation_export?{ALL}");
        let reply = request(
            &simulator,
            "GET",
            &target,
            &format!("{BEARER}Accept-Encoding: gzip\r\n"),
        );
        assert!(reply.complete);
        assert!(sorted(reply.json()) == expected);
        reply
    };
    assert_eq!(
        check(|switches| switches.encoding = Encoding::Gzip).header("Content-Encoding"),
        Some("gzip")
    );
    assert!(
        check(|switches| switches.layout = Layout::Pretty)
            .text()
            .contains("[\n  {\n    \"id\": ")
    );
    assert!(
        check(|switches| switches.layout = Layout::PrettyCrLf)
            .text()
            .contains("[\r\n  {\r\n    \"id\": ")
    );
    assert!(
        check(|switches| switches.framing = Framing::Length)
            .header("Content-Length")
            .is_some()
    );
    check(|switches| switches.write_bytes = 7);
    check(|switches| switches.order = Order::Shuffled);
    check(|switches| switches.order = Order::Descending);
}

#[test]
fn the_same_seed_makes_the_same_account() {
    let shape = Shape {
        edges: vec![1_767_300_000_000],
        ..Shape::default()
    };
    let [first, second] = [(); 2].map(|()| Account::seeded(7, &shape));
    assert_eq!(first.conversations, second.conversations);
    assert_ne!(
        first.conversations,
        Account::seeded(8, &shape).conversations
    );
    let edges = first
        .conversations
        .iter()
        .rev()
        .take(3)
        .map(|row| row.time("updated_at"));
    assert_eq!(
        edges.collect::<Vec<_>>(),
        [
            Some(1_767_300_000_001),
            Some(1_767_300_000_000),
            Some(1_767_299_999_999)
        ]
    );
}

#[test]
fn seeded_records_have_typical_sizes_all_fields_and_oddities() {
    let account = Account::seeded(3, &Shape::default());
    let bytes: usize = account.conversations.iter().map(|row| row.json.len()).sum();
    let average = bytes / account.conversations.len();
    assert!((1500..2500).contains(&average), "{average}");
    for row in &account.conversations {
        let record: Value = serde_json::from_str(&row.json).unwrap();
        assert!(record.as_object().unwrap().len() >= 48);
        assert_eq!(
            record["updated_at"]
                .as_i64()
                .or(record["created_at"].as_i64()),
            Some(row.at)
        );
    }
    let has = |part: &str| {
        account
            .conversations
            .iter()
            .any(|row| row.json.contains(part))
    };
    assert!(has("[1.10,1e3,-0,") && has("\\ud83d\\ude00") && has("\"updated_at\":null"));
    let times: HashSet<i64> = account.conversations.iter().map(|row| row.at).collect();
    assert!(times.len() < account.conversations.len());
}

#[test]
fn a_touch_changes_cursor_and_content() {
    let simulator = start(|_| ());
    let now = 1_771_545_700_000;
    let before = simulator.account(|account| account.conversations[5].clone());
    simulator.account(|account| account.touch(5, now));
    let records = export(
        &simulator,
        &format!("updated_after={now}&updated_before={now}"),
    )
    .json();
    assert_eq!(records[0]["id"].to_string(), before.key);
    assert_eq!(records[0]["updated_at"], now);
    assert_ne!(
        records[0]["status"],
        serde_json::from_str::<Value>(&before.json).unwrap()["status"]
    );
}

#[test]
fn bulk_is_well_formed_with_unique_ids_inside_the_span() {
    let simulator = start(|scenario| scenario.account = Account::bulk(5000));
    let (after, before) = (1_767_225_600_000, 1_769_817_600_000);
    let records = export(
        &simulator,
        &format!("updated_after={after}&updated_before={before}"),
    )
    .json();
    let records = records.as_array().unwrap();
    let ids: HashSet<i64> = records
        .iter()
        .map(|record| record["id"].as_i64().unwrap())
        .collect();
    assert_eq!((records.len(), ids.len()), (5000, 5000));
    assert!(
        records
            .iter()
            .all(|record| (after..=before).contains(&record["updated_at"].as_i64().unwrap()))
    );
}

#[test]
fn the_date_header_can_lie() {
    let year = |date| {
        let simulator = start(|scenario| scenario.switches.date = date);
        get(&simulator, "/v1/teams")
            .header("Date")
            .map(|date| date[12..16].to_owned())
    };
    assert_eq!(year(DateHeader::Absent), None);
    assert_ne!(
        year(DateHeader::Correct),
        year(DateHeader::Shifted(-400 * 86_400))
    );
}

#[test]
fn data_can_be_changed_and_counted_over_http() {
    let simulator = start(|_| ());
    let changed = request(
        &simulator,
        "POST",
        "/simulator/change?updated=5&added=2",
        "",
    )
    .json();
    assert_eq!(
        (
            changed["updated"].as_array().unwrap().len(),
            changed["added"].as_array().unwrap().len()
        ),
        (5, 2)
    );
    let counts = request(&simulator, "GET", "/simulator/counts", "").json();
    assert_eq!(
        counts["conversations"],
        serde_json::json!({"rows": 202, "keys": 202})
    );
    get(&simulator, "/v1/teams");
    let log = request(&simulator, "GET", "/simulator/log", "").json();
    assert_eq!(
        (&log["path"], &log["status"]),
        (&"/v1/teams".into(), &200.into())
    );
}
