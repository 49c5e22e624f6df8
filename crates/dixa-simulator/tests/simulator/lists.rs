//! Lists by id, by filter and by time, and very long lists.

use std::collections::HashSet;

use dixa_simulator::Simulator;
use dixa_simulator::api::rate::Limits;
use dixa_simulator::api::switches::{Bound, Switches};
use dixa_simulator::data::large::LargeLists;
use serde_json::Value;

use crate::client::{BARE, Reply, get, request, start};

const ACTIVITY: &str = "/v1/conversations/activitylog";

fn simulator(change: impl FnOnce(&mut Switches)) -> Simulator {
    start(|scenario| {
        scenario.limits = Limits::none();
        change(&mut scenario.switches);
    })
}

fn check_refused(simulator: &Simulator, target: &str, status: u16) {
    let reply = get(simulator, target);
    assert_eq!(reply.status, status, "{target}: {}", reply.text());
    assert!(reply.json()["message"].is_string());
}

fn rows(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["data"].as_array().unwrap().clone()
}

/// All rows, page after page.
fn walked(simulator: &Simulator, target: &str) -> Vec<Value> {
    let (mut all, mut next) = (Vec::new(), Some(target.to_owned()));
    while let Some(target) = next {
        let page = get(simulator, &target).json();
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        next = page["meta"]["next"].as_str().map(str::to_owned);
    }
    all
}

#[test]
fn unknown_ids_are_not_found() {
    let simulator = simulator(|_| ());
    for path in [
        "queues/x/members",
        "business-hours/schedules/x/definition",
        "knowledge/collections/x/catalog",
        "knowledge/categories/x",
        "knowledge/articles/x",
        "knowledge/articles",
        "knowledge/articles/",
        "teams/x",
    ] {
        check_refused(&simulator, &format!("/v1/{path}"), 404);
    }
    check_refused(&simulator, "/v1/teams/x/agents", 400);
}

#[test]
fn flows_are_of_one_channel_which_defaults_to_calls() {
    let simulator = simulator(|_| ());
    let channels = |target: &str| -> HashSet<String> {
        let rows = rows(&get(&simulator, target)).into_iter();
        rows.map(|row| row["channel"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        channels("/v1/conversations/flows"),
        HashSet::from(["PstnPhone".to_owned()])
    );
    let email = channels("/v1/conversations/flows?channel=Email");
    assert_eq!(email, HashSet::from(["Email".to_owned()]));
    assert!(channels("/v1/conversations/flows?channel=WhatsApp").is_empty());
    for unlisted in ["Sms", "Twitter", "email", ""] {
        check_refused(
            &simulator,
            &format!("/v1/conversations/flows?channel={unlisted}"),
            400,
        );
    }
}

#[test]
fn contact_endpoints_can_be_filtered_by_type() {
    let simulator = simulator(|_| ());
    let all = rows(&get(&simulator, "/v1/contact-endpoints")).len();
    let of = |kind: &str| {
        rows(&get(
            &simulator,
            &format!("/v1/contact-endpoints?_type={kind}"),
        ))
        .len()
    };
    assert_eq!(of("EmailEndpoint") + of("TelephonyEndpoint"), all);
}

#[test]
fn the_activity_log_is_filtered_by_whole_seconds() {
    // 2026-01-10.
    let instant = 1_768_003_200_000;
    for bound in [Bound::Inclusive, Bound::Exclusive] {
        let simulator = simulator(|switches| {
            (switches.after, switches.before) = (bound, bound);
        });
        let at = |offset: i64| format!("{:?}", instant + offset);
        let ids = simulator.account(|account| {
            for at in [instant - 1, instant, instant + 1, instant + 1000] {
                account.add_conversation(at);
            }
            let near = account
                .activity
                .iter()
                .filter(|row| row.at >= instant - 1 && row.at <= instant + 1000);
            near.map(|row| (row.key.trim_matches('"').to_owned(), row.at))
                .collect::<Vec<_>>()
        });
        let target =
            format!("{ACTIVITY}?fromDatetime=2026-01-10T00:00:00Z&toDatetime=2026-01-10T00:00:01Z");
        let came: HashSet<_> = walked(&simulator, &target)
            .iter()
            .map(|row| row["id"].as_str().unwrap().to_owned())
            .collect();
        for (id, row) in ids {
            let inside = match bound {
                Bound::Inclusive => (instant..=instant + 1000).contains(&row),
                Bound::Exclusive => (instant + 1..instant + 1000).contains(&row),
            };
            assert_eq!(
                came.contains(&id),
                inside,
                "{bound:?} {}",
                at(row - instant)
            );
        }
    }
}

#[test]
fn other_forms_of_time_are_refused() {
    let simulator = simulator(|_| ());
    for time in [
        "2026-01-10",
        "2026-01-10T00:00:00",
        "2026-01-10T00:00:00.000Z",
        "2026-01-10T00:00:00%2B01:00",
        "1768003200000",
        "",
    ] {
        check_refused(&simulator, &format!("{ACTIVITY}?fromDatetime={time}"), 400);
        check_refused(&simulator, &format!("{ACTIVITY}?toDatetime={time}"), 400);
    }
    let backwards = "fromDatetime=2026-01-11T00:00:00Z&toDatetime=2026-01-10T00:00:00Z";
    check_refused(&simulator, &format!("{ACTIVITY}?{backwards}"), 400);
}

#[test]
fn a_page_key_carries_the_filters() {
    let simulator = simulator(|switches| switches.paging.max_size = 10);
    let span = "fromDatetime=2026-01-10T00:00:00Z&toDatetime=2026-01-20T00:00:00Z";
    let part = walked(&simulator, &format!("{ACTIVITY}?{span}")).len();
    let all = walked(&simulator, ACTIVITY).len();
    assert!(part > 20 && part < all, "{part} of {all}");
    assert_eq!(all, simulator.account(|account| account.activity.len()));
}

#[test]
fn undocumented_parameters_and_wrong_tokens_are_refused() {
    let simulator = simulator(|_| ());
    for path in [
        "webhooks",
        "organization",
        "agents/presence",
        "contact-endpoints",
    ] {
        check_refused(&simulator, &format!("/v1/{path}?pageLimit=10"), 400);
        let reply = request(
            &simulator,
            "GET",
            &format!("/v1/{path}"),
            "Authorization: x\r\n",
        );
        assert_eq!(reply.status, 401);
        assert_eq!(
            request(&simulator, "POST", &format!("/v1/{path}"), BARE).status,
            405
        );
    }
}

#[test]
fn generated_lists_are_complete_and_have_unique_ids() {
    let large = LargeLists {
        endusers: 1234,
        messages: 5000,
        activity: 4321,
        analytics: 0,
        from_ms: 1_767_225_600_000,
        to_ms: 1_769_817_600_000,
    };
    let simulator = start(|scenario| {
        scenario.limits = Limits::none();
        scenario.account.large = Some(large);
    });
    let check = |rows: &[Value], count: usize| {
        let ids: HashSet<_> = rows.iter().map(|row| row["id"].to_string()).collect();
        assert_eq!((rows.len(), ids.len()), (count, count));
    };
    check(&walked(&simulator, "/v1/endusers?pageLimit=100"), 1234);
    check(
        &walked(&simulator, &format!("{ACTIVITY}?pageLimit=100")),
        4321,
    );
    let day = 86_400_000;
    let mut messages = Vec::new();
    for after in (large.from_ms..large.to_ms).step_by(usize::try_from(day).unwrap()) {
        let bounds = format!("created_after={after}&created_before={}", after + day - 1);
        let reply = get(&simulator, &format!("/v1/message_export?{bounds}"));
        messages.extend(reply.json().as_array().unwrap().iter().cloned());
    }
    check(&messages, 5000);
}
