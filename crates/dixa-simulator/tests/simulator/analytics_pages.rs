//! The pages of `POST /v1/analytics/records`, and very many rows.

use std::time::Instant;

use dixa_simulator::Scenario;
use dixa_simulator::api::in_process::InProcess;
use dixa_simulator::api::rate::Limits;
use dixa_simulator::api::switches::{AboveMax, Analytics, LastMeta, NextPage, Order};
use dixa_simulator::data::account::Account;
use dixa_simulator::data::analytics::{CLOSED, RATINGS};
use dixa_simulator::data::large::{ANALYTICS_RECORD, LargeLists};
use serde_json::{Value, json};

use crate::analytics::{
    DAY_START, PATH, body, check_refused, filtered, next_target, rows, simulator, sorted, stored,
    walked,
};
use crate::client::{get, post, start};

#[test]
fn page_limits_follow_their_switches() {
    let text = body(CLOSED).to_string();
    let check = |change: fn(&mut Analytics), query: &str, expected: Result<usize, &str>| {
        let simulator = simulator(change);
        let target = format!("{PATH}?{query}");
        match expected {
            Ok(count) => assert_eq!(rows(&post(&simulator, &target, &text).text()).len(), count),
            Err(rule) => check_refused(&simulator, &target, &text, rule),
        }
    };
    check(|_| (), "", Ok(25));
    check(|_| (), "pageLimit=1", Ok(1));
    check(|_| (), "pageLimit=60", Ok(60));
    check(|_| (), "pageLimit=301", Err("pageLimit above the maximum"));
    for invalid in ["0", "-1", "x", "", "1.5", "3000000000"] {
        check(|_| (), &format!("pageLimit={invalid}"), Err("pageLimit"));
    }
    check(|switches| switches.max_page = 10, "", Ok(10));
    check(
        |switches| (switches.max_page, switches.above_max) = (10, AboveMax::Capped),
        "pageLimit=11",
        Ok(10),
    );
    check(
        |switches| switches.takes_page_limit = false,
        "pageLimit=10",
        Err("any pageLimit"),
    );
    check(|switches| switches.takes_page_limit = false, "", Ok(25));
}

#[test]
fn a_walk_over_the_pages_returns_each_row_once_in_every_form_of_the_next_page() {
    for next in [
        NextPage::MetaLink,
        NextPage::TopLevelKey,
        NextPage::BareKeyInMeta,
    ] {
        for order in [Order::Runs, Order::Shuffled, Order::Descending] {
            let simulator = start(|scenario| {
                scenario.limits = Limits::none();
                scenario.switches.order = order;
                scenario.switches.analytics.next = next;
                scenario.switches.paging.last = LastMeta::NullNext;
                scenario.switches.paging.empty_page = Some(2);
            });
            let came = walked(&simulator, "pageLimit=7", &body(CLOSED));
            assert_eq!(came, stored(&simulator, CLOSED), "{next:?} {order:?}");
        }
    }
}

#[test]
fn the_next_page_has_three_forms() {
    let page = |next: NextPage| {
        let simulator = simulator(|switches| switches.next = next);
        let text = body(CLOSED).to_string();
        let first = post(&simulator, &format!("{PATH}?pageLimit=7"), &text).json();
        let second = post(&simulator, &next_target(&first).unwrap(), &text).json();
        (first, second)
    };
    let (first, second) = page(NextPage::MetaLink);
    assert!(
        first["meta"]["next"]
            .as_str()
            .unwrap()
            .starts_with("/v1/analytics/records?pageKey=")
    );
    assert!(first["meta"].get("previous").is_none());
    assert!(second["meta"]["previous"].is_string());
    let (first, _) = page(NextPage::TopLevelKey);
    assert!(first["pageKey"].is_string() && first.get("meta").is_none());
    let (first, _) = page(NextPage::BareKeyInMeta);
    assert!(!first["meta"]["next"].as_str().unwrap().contains('/'));
}

#[test]
fn a_page_key_belongs_to_one_body() {
    let simulator = simulator(|_| ());
    let text = body(CLOSED).to_string();
    let first = post(&simulator, &format!("{PATH}?pageLimit=7"), &text).json();
    let next = next_target(&first).unwrap();
    let rule = "pageKey of another body";
    check_refused(&simulator, &next, &body(RATINGS).to_string(), rule);
    check_refused(
        &simulator,
        &next,
        &filtered(CLOSED, "channel", &["EMAIL"]).to_string(),
        rule,
    );
    check_refused(&simulator, &format!("{PATH}?pageKey=x"), &text, "pageKey");
    let list = get(&simulator, "/v1/agents?pageLimit=7").json();
    let key = list["meta"]["next"]
        .as_str()
        .unwrap()
        .replace("/v1/agents", PATH);
    check_refused(&simulator, &key, &text, rule);
    // Other white space is the same body.
    let pretty = serde_json::to_string_pretty(&body(CLOSED)).unwrap();
    assert_eq!(post(&simulator, &next, &pretty).status, 200);
}

#[test]
fn pages_have_one_order_and_do_not_have_what_comes_later() {
    let simulator = simulator(|_| ());
    let (text, before) = (body(CLOSED).to_string(), stored(&simulator, CLOSED));
    let page = |target: &str| post(&simulator, target, &text);
    let first = page(&format!("{PATH}?pageLimit=300"));
    let again = page(&format!("{PATH}?pageLimit=300"));
    assert_ne!(rows(&first.text()), rows(&again.text()));
    assert_eq!(sorted(rows(&first.text())), sorted(rows(&again.text())));
    let first = page(&format!("{PATH}?pageLimit=7"));
    let next = next_target(&first.json()).unwrap();
    let second = rows(&page(&next).text());
    simulator.account(|account| {
        for at in DAY_START..DAY_START + 9 {
            account.add_conversation(at);
        }
    });
    assert_eq!(rows(&page(&next).text()), second);
    let rest = walked(&simulator, next.split_once('?').unwrap().1, &body(CLOSED));
    assert_eq!(sorted([rest, rows(&first.text())].concat()), before);
}

#[test]
fn the_bytes_of_a_row_can_differ_between_responses() {
    for unstable in [false, true] {
        let simulator = simulator(|switches| switches.unstable_bytes = unstable);
        let text = body(RATINGS).to_string();
        let [first, second] = [(); 2].map(|()| post(&simulator, PATH, &text).text());
        let starts = |text: &str| text.starts_with(r#"{"data":[{"primaryTimestampField":"#);
        assert!(starts(&first));
        assert_eq!(starts(&second), !unstable);
    }
}

#[test]
fn a_hundred_thousand_generated_rows_come_in_pages() {
    let large = LargeLists {
        analytics: 100_000,
        from_ms: DAY_START,
        to_ms: DAY_START + 10 * 86_400_000,
        ..LargeLists::default()
    };
    let mut account = Account::empty();
    account.add_record_id(ANALYTICS_RECORD, "Closed conversations");
    account.large = Some(large);
    let dixa = InProcess::new(Scenario {
        account,
        limits: Limits::none(),
        ..Scenario::default()
    });
    let count = |body: &Value| {
        let (mut count, mut next) = (0, Some(format!("{PATH}?pageLimit=300")));
        while let Some(target) = next {
            let reply = dixa.post(
                &target,
                "simulated-token",
                &body.to_string(),
                Instant::now(),
            );
            let page: Value = serde_json::from_slice(&reply.body).unwrap();
            count += page["data"].as_array().unwrap().len();
            next = next_target(&page);
        }
        count
    };
    assert_eq!(count(&body(ANALYTICS_RECORD)), 100_000);
    let mut day = filtered(
        ANALYTICS_RECORD,
        "initial_direction",
        &["INBOUND", "OUTBOUND"],
    );
    day["periodFilter"] = json!({"_type": "Interval", "start": "2026-01-12T00:00:00Z", "end": "2026-01-13T00:00:00Z"});
    assert_eq!(count(&day), 10_000);
    assert_eq!(
        count(&filtered(ANALYTICS_RECORD, "channel", &["PSTN_PHONE"])),
        0
    );
    assert_eq!(
        count(&filtered(ANALYTICS_RECORD, "agent_id", &["x"])),
        100_000
    );
}
