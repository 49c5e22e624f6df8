//! What is refused, and what is not.

use std::thread;
use std::time::Duration;

use dixa_simulator::api::authorization::Authorization::{
    Bare, Basic, Bearer, None as NoToken, Wrong,
};
use dixa_simulator::api::rate::{Limits, RollingWindow, TokenBucket};
use dixa_simulator::api::switches::{AboveMax, Bound, ErrorBody, Forbidden, RetryAfter};

use crate::client::{BARE, BEARER, export, get, request, start};

const DAY: &str = "updated_after=2026-01-05&updated_before=2026-01-06";

#[test]
fn an_eleventh_request_in_a_minute_is_refused() {
    let simulator = start(|scenario| scenario.switches.retry_after = RetryAfter::Seconds);
    for nth in 0..10 {
        let path = if nth % 2 == 0 {
            "conversation"
        } else {
            "message"
        };
        let reply = get(
            &simulator,
            &format!("/v1/{path}_export?created_after=0&created_before=9"),
        );
        assert_eq!(reply.status, 200);
    }
    let refused = export(&simulator, DAY);
    assert_eq!(refused.status, 429);
    let wait: u64 = refused.header("Retry-After").unwrap().parse().unwrap();
    assert!((50..=60).contains(&wait), "{wait}");
    assert_eq!(simulator.log()[10].refused, Some("exports rate"));
}

#[test]
fn the_exports_limit_rolls() {
    let period = Duration::from_millis(200);
    let simulator = start(|scenario| {
        let exports = RollingWindow { count: 1, period };
        scenario.limits = Limits {
            exports,
            refused_count: false,
            ..Limits::default()
        };
    });
    let statuses = [0, 0, 300, 0].map(|pause| {
        thread::sleep(Duration::from_millis(pause));
        export(&simulator, DAY).status
    });
    assert_eq!(statuses, [200, 429, 200, 429]);
}

#[test]
fn a_request_refused_for_its_token_does_not_count() {
    let exports = RollingWindow {
        count: 1,
        period: Duration::from_mins(1),
    };
    let simulator = start(|scenario| scenario.limits.exports = exports);
    assert_eq!(
        request(&simulator, "GET", "/v1/conversation_export", BARE).status,
        401
    );
    assert_eq!(export(&simulator, DAY).status, 200);
}

#[test]
fn the_main_api_accepts_a_burst_of_four() {
    let main = TokenBucket {
        capacity: 4.0,
        per_second: 0.1,
    };
    let simulator = start(|scenario| scenario.limits.main = main);
    let statuses = [(); 5].map(|()| get(&simulator, "/v1/teams").status);
    assert_eq!(statuses, [200, 200, 200, 200, 429]);
}

#[test]
fn each_host_takes_its_own_forms_of_the_token() {
    let simulator = start(|_| ());
    let basic = "Authorization: Basic YmVhcmVyOnNpbXVsYXRlZC10b2tlbg==\r\n";
    let lower = "Authorization: bearer simulated-token\r\n";
    let check = |path: &str, headers: &str, status: u16| {
        let reply = request(&simulator, "GET", path, headers);
        assert_eq!(reply.status, status, "{path} {headers}");
    };
    let exports = format!("/v1/conversation_export?{DAY}");
    check(&exports, BEARER, 200);
    check(&exports, lower, 200);
    check(&exports, basic, 200);
    check(&exports, BARE, 401);
    check(&exports, "", 401);
    check(&exports, "Authorization: Bearer other\r\n", 401);
    check("/v1/teams", BARE, 200);
    check("/v1/teams", BEARER, 401);
    check("/v1/teams", basic, 401);
    let forms = simulator
        .log()
        .iter()
        .map(|logged| logged.authorization)
        .collect::<Vec<_>>();
    assert_eq!(
        forms,
        [
            Bearer, Bearer, Basic, Bare, NoToken, Wrong, Bare, Bearer, Basic
        ]
    );
}

#[test]
fn the_main_api_takes_bearer_by_switch() {
    let simulator = start(|scenario| scenario.switches.bearer_on_main = true);
    assert_eq!(request(&simulator, "GET", "/v1/teams", BEARER).status, 200);
}

fn export_refused(query: &str) -> Option<&'static str> {
    let simulator = start(|_| ());
    let status = export(&simulator, query).status;
    let refused = simulator.log()[0].refused;
    assert_eq!(status, if refused.is_some() { 400 } else { 200 }, "{query}");
    refused
}

#[test]
fn documented_filters_are_accepted() {
    let check = |query: &str| assert_eq!(export_refused(query), None, "{query}");
    check(DAY);
    check("created_after=2026-01-05&created_before=2026-01-06&closed_after=0&closed_before=1");
    check("last_message_created_after=0&last_message_created_before=1");
    check("csids=1,2");
    check("updated_after=5&updated_before=5");
    check("updated_after=0&updated_before=2678400000");
    check("updated_after=2026-01-01&updated_before=2026-02-01");
}

#[test]
fn a_span_over_31_days_is_refused() {
    let check =
        |query: &str| assert_eq!(export_refused(query), Some("span over 31 days"), "{query}");
    check("updated_after=0&updated_before=2678400001");
    check("updated_after=2026-01-01&updated_before=2026-02-02");
}

#[test]
fn other_filters_are_refused() {
    let check = |query: &str, rule| assert_eq!(export_refused(query), Some(rule), "{query}");
    check("", "no filter");
    check(
        "updated_after=6&updated_before=5",
        "after is later than before",
    );
    check("updated_after=5", "one-sided filter");
    check("updated_after=5&created_before=6", "one-sided filter");
    check("updated_after=-5&updated_before=5", "time format");
    check(
        "updated_after=2026-01-05T00:00:00Z&updated_before=2026-01-06",
        "time format",
    );
    check(
        "updated_after=2026-02-30&updated_before=2026-03-01",
        "time format",
    );
    check("csids=1,x", "csids");
    check(
        "updated_after=5&updated_before=5&limit=7",
        "unknown parameter",
    );
    check(
        "updated_after=5&updated_after=5&updated_before=5",
        "repeated parameter",
    );
}

#[test]
fn messages_can_be_filtered_by_created_only() {
    let simulator = start(|_| ());
    assert_eq!(
        get(&simulator, &format!("/v1/message_export?{DAY}")).status,
        400
    );
    let reply = get(
        &simulator,
        "/v1/message_export?created_after=2026-01-01&created_before=2026-01-31",
    );
    assert!(reply.json().as_array().unwrap().len() > 50);
}

#[test]
fn bounds_follow_all_four_settings() {
    let edge = 1_768_000_000_000;
    let check = |after, before, expected: &[i64]| {
        let simulator = start(|scenario| {
            scenario.account = dixa_simulator::data::account::Account::empty();
            for at in edge - 1..=edge + 3 {
                scenario.account.add_conversation(at);
            }
            (scenario.switches.after, scenario.switches.before) = (after, before);
        });
        let reply = export(
            &simulator,
            &format!("updated_after={edge}&updated_before={}", edge + 2),
        );
        let times = reply
            .json()
            .as_array()
            .unwrap()
            .iter()
            .map(|record| record["updated_at"].as_i64().unwrap() - edge)
            .collect::<Vec<_>>();
        assert_eq!(times, expected);
    };
    check(Bound::Inclusive, Bound::Inclusive, &[0, 1, 2]);
    check(Bound::Inclusive, Bound::Exclusive, &[0, 1]);
    check(Bound::Exclusive, Bound::Inclusive, &[1, 2]);
    check(Bound::Exclusive, Bound::Exclusive, &[1]);
}

#[test]
fn the_main_api_checks_path_method_and_parameters() {
    let simulator = start(|scenario| {
        scenario.limits = Limits::none();
        scenario.switches.paging.above_max = AboveMax::Refused;
    });
    let check = |target: &str, status: u16, message: &str| {
        let reply = get(&simulator, target);
        assert_eq!(reply.status, status, "{target}");
        assert_eq!(reply.json()["message"], message, "{target}");
    };
    let decoding = "Decoding failure in request";
    let unknown = "The requested resource could not be found";
    check("/v1/agent", 404, unknown);
    check("/beta/agents", 404, unknown);
    check("/v1/agents?pageLimit=0", 400, decoding);
    check("/v1/agents?pageLimit=101", 400, decoding);
    check("/v1/agents?pageKey=nonsense", 400, decoding);
    check("/v1/agents?email=a&phone=b", 400, decoding);
    check("/v1/teams?pageLimit=5", 400, decoding);
    check(
        "/v1/tags?includeDeactivated=1",
        400,
        "Invalid value in request",
    );
    assert_eq!(request(&simulator, "POST", "/v1/agents", BARE).status, 405);
}

#[test]
fn a_token_without_rights_is_refused_where_the_switch_says() {
    let simulator = start(|scenario| {
        scenario.switches.forbidden = vec![Forbidden {
            path_prefix: "/v1/queues".to_owned(),
            status: 403,
        }];
    });
    assert_eq!(get(&simulator, "/v1/queues").status, 403);
    assert_eq!(get(&simulator, "/v1/teams").status, 200);
}

#[test]
fn exports_errors_come_in_three_forms() {
    let check = |form, content_type: &str| {
        let simulator = start(|scenario| scenario.switches.error_body = form);
        let reply = export(&simulator, "");
        assert_eq!(reply.header("Content-Type"), Some(content_type));
    };
    check(ErrorBody::Json, "application/json");
    check(ErrorBody::PlainText, "text/plain; charset=UTF-8");
    check(ErrorBody::Html, "text/html");
}
