//! `POST /v1/analytics/records`: what it refuses.

use std::io::{ErrorKind, Read, Write};

use dixa_simulator::Simulator;
use dixa_simulator::api::faults::{Cut, Fault, Kind};
use dixa_simulator::api::rate::Limits;
use dixa_simulator::api::switches::{Analytics, FilterRule};
use dixa_simulator::data::analytics::{CLOSED, PRESENCE, RATINGS};
use serde_json::{Value, json};

use crate::client::{BARE, BEARER, connect, get, post, request, send, start};

pub const PATH: &str = "/v1/analytics/records";
/// 2026-01-10.
pub const DAY_START: i64 = 1_768_003_200_000;

pub fn simulator(change: impl FnOnce(&mut Analytics)) -> Simulator {
    start(|scenario| {
        scenario.limits = Limits::none();
        change(&mut scenario.switches.analytics);
    })
}

/// The whole period of the default account.
pub fn body(id: &str) -> Value {
    let period = json!({"_type": "Interval", "start": "2026-01-01T00:00:00Z", "end": "2026-03-01T00:00:00.000Z"});
    json!({"id": id, "timezone": "UTC", "periodFilter": period})
}

/// With a filter by one attribute.
pub fn filtered(id: &str, attribute: &str, values: &[&str]) -> Value {
    let mut body = body(id);
    body["filters"] = json!([{"attribute": attribute, "values": values}]);
    body
}

/// The rows of a response, each as it was sent.
pub fn rows(reply: &str) -> Vec<String> {
    let reply: Value = serde_json::from_str(reply).unwrap();
    let rows = reply["data"].as_array().unwrap().iter();
    rows.map(Value::to_string).collect()
}

pub fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.sort_unstable();
    rows
}

/// All rows, page after page, sorted.
pub fn walked(simulator: &Simulator, query: &str, body: &Value) -> Vec<String> {
    let body = body.to_string();
    let (mut all, mut next) = (Vec::new(), Some(format!("{PATH}?{query}")));
    while let Some(target) = next {
        let reply = post(simulator, &target, &body);
        assert_eq!(reply.status, 200, "{target}: {}", reply.text());
        all.extend(rows(&reply.text()));
        next = next_target(&reply.json());
    }
    sorted(all)
}

/// Where the next page is, whatever its form.
pub fn next_target(page: &Value) -> Option<String> {
    let by_key = |key: &str| format!("{PATH}?pageKey={}", key.replace('=', "%3D"));
    match (page["meta"]["next"].as_str(), page["pageKey"].as_str()) {
        (Some(link), None) if link.starts_with('/') => Some(link.to_owned()),
        (Some(key), None) | (None, Some(key)) => Some(by_key(key)),
        (next, _) => next.map(str::to_owned),
    }
}

/// All rows of a kind, in the form of `walked`.
pub fn stored(simulator: &Simulator, id: &str) -> Vec<String> {
    simulator.account(|account| {
        let rows = account.metrics(id).iter();
        let value = |json: String| serde_json::from_str::<Value>(&json).unwrap().to_string();
        sorted(rows.map(|row| value(row.json())).collect())
    })
}

pub fn check_refused(simulator: &Simulator, target: &str, body: &str, rule: &str) {
    let reply = post(simulator, target, body);
    assert_eq!(reply.status, 400, "{body}: {}", reply.text());
    assert_eq!(reply.json(), json!({"message": "Invalid value in request"}));
    let log = simulator.log();
    assert_eq!(log.last().unwrap().refused, Some(rule), "{body}");
}

#[test]
fn a_body_that_is_not_documented_is_refused() {
    let simulator = simulator(|_| ());
    let check = |change: fn(&mut Value), rule: &str| {
        let mut body = body(RATINGS);
        change(&mut body);
        check_refused(&simulator, PATH, &body.to_string(), rule);
    };
    for text in ["", "{", "[1", "\u{fffd}"] {
        check_refused(&simulator, PATH, text, "body");
    }
    check(|body| *body = json!([]), "type in the body");
    check(|body| body["id"] = json!(7), "type in the body");
    check(|body| body["id"] = json!("unknown"), "unknown record id");
    check(|body| body["timezone"] = Value::Null, "type in the body");
    for zone in [
        "",
        "utc",
        "GMT+1",
        "Europe",
        "Europe/",
        "Mars/Base",
        "Europe/x y",
    ] {
        let mut body = body(RATINGS);
        body["timezone"] = json!(zone);
        check_refused(&simulator, PATH, &body.to_string(), "timezone");
    }
    for name in ["id", "timezone", "periodFilter"] {
        let mut body = body(RATINGS);
        body.as_object_mut().unwrap().remove(name);
        check_refused(&simulator, PATH, &body.to_string(), "missing key");
    }
    check(|body| body["csidFilter"] = json!([1]), "unknown key");
    check(|body| body["periodFilter"]["x"] = json!(1), "unknown key");
    check(|body| body["periodFilter"] = json!("x"), "type in the body");
    check(
        |body| body["periodFilter"]["_type"] = json!("Preset"),
        "type of the period",
    );
    check(|body| body["filters"] = json!({}), "type in the body");
    check(|body| body["filters"] = Value::Null, "type in the body");
    check(
        |body| body["filters"] = json!([{"attribute": "channel"}]),
        "missing key",
    );
    check(
        |body| body["filters"] = json!([{"attribute": "x", "values": ["x"]}]),
        "filter attribute",
    );
    check(
        |body| *body = filtered(RATINGS, "channel", &[]),
        "filter values",
    );
    check(
        |body| body["filters"] = json!([{"attribute": "channel", "values": [1]}]),
        "filter values",
    );
}

#[test]
fn an_interval_needs_two_times_in_utc_the_first_one_earlier() {
    let simulator = simulator(|_| ());
    let check = |start: &str, end: &str, rule: &str| {
        let mut body = body(RATINGS);
        body["periodFilter"]["start"] = json!(start);
        body["periodFilter"]["end"] = json!(end);
        check_refused(&simulator, PATH, &body.to_string(), rule);
    };
    let day = "2026-01-10T00:00:00Z";
    check(day, day, "start is not before end");
    check("2026-01-10T00:00:00.001Z", day, "start is not before end");
    for time in [
        "",
        "2026-01-11",
        "2026-01-11T00:00:00",
        "2026-01-11T00:00:00.00Z",
        "2026-01-11T00:00:00+00:00",
        "2026-01-11T00:00:00.000+0000",
        "2026-02-30T00:00:00Z",
        "1768003200000",
    ] {
        check(day, time, "time format");
        check(time, day, "time format");
    }
}

#[test]
fn methods_tokens_content_types_and_sizes_are_checked() {
    let simulator = simulator(|_| ());
    let text = body(RATINGS).to_string();
    let length = format!("Content-Length: {}\r\n", text.len());
    let status = |headers: &str| {
        let headers = format!("{headers}{length}");
        send(&simulator, "POST", PATH, (&headers, &text)).status
    };
    let json = "Content-Type: application/json; charset=utf-8\r\n";
    assert_eq!(status(&format!("{BARE}{json}")), 200);
    assert_eq!(status(&format!("{BEARER}{json}")), 401);
    assert_eq!(status(json), 401);
    assert_eq!(status(BARE), 415);
    assert_eq!(status(&format!("{BARE}Content-Type: text/plain\r\n")), 415);
    for method in ["PUT", "DELETE", "PATCH"] {
        assert_eq!(request(&simulator, method, PATH, BARE).status, 405);
    }
    assert_eq!(post(&simulator, "/v1/analytics/metrics", &text).status, 405);
    assert_eq!(post(&simulator, "/v1/analytics/record", &text).status, 404);
    let padded = |bytes: usize| format!("{text}{}", " ".repeat(bytes - text.len()));
    assert_eq!(post(&simulator, PATH, &padded(64 * 1024)).status, 200);
    assert_eq!(post(&simulator, PATH, &padded(64 * 1024 + 1)).status, 413);
    check_refused(
        &simulator,
        &format!("{PATH}?x=1"),
        &text,
        "undocumented parameter",
    );
}

#[test]
fn requests_share_the_rate_limit_of_the_main_api() {
    let simulator = start(|scenario| scenario.limits.main.per_second = 0.1);
    let text = body(RATINGS).to_string();
    let statuses = [(); 5].map(|()| post(&simulator, PATH, &text).status);
    assert_eq!(statuses, [200, 200, 200, 200, 429]);
    assert_eq!(get(&simulator, PATH).status, 429);
}

#[test]
fn a_connection_goes_on_after_a_body_and_the_log_has_the_body() {
    let simulator = simulator(|_| ());
    let mut socket = connect(&simulator);
    let text = body(RATINGS).to_string();
    let head = format!(
        "POST {PATH}?pageLimit=1 HTTP/1.1\r\n{BARE}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        text.len()
    );
    // The body comes later than the head, in two parts.
    socket.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    socket.write_all(&text.as_bytes()[..10]).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    socket.write_all(&text.as_bytes()[10..]).unwrap();
    write!(
        socket,
        "GET /v1/teams HTTP/1.1\r\n{BARE}Connection: close\r\n\r\n"
    )
    .unwrap();
    let mut replies = String::new();
    socket.read_to_string(&mut replies).unwrap();
    assert_eq!(replies.matches("HTTP/1.1 200").count(), 2, "{replies}");
    let log = simulator.log();
    assert_eq!((log[0].body.as_str(), log[1].body.as_str()), (&*text, ""));
    assert!(!log[0].leaked_token);
}

#[test]
fn a_fault_of_a_path_hits_both_methods() {
    let after_bytes = 10;
    let how = Cut::Reset;
    let simulator = start(|scenario| {
        scenario.faults = vec![
            Fault::at(PATH, 0, Kind::status(503)),
            Fault::at(PATH, 1, Kind::status(502)),
            Fault::at(PATH, 2, Kind::CutBody { after_bytes, how }),
        ];
    });
    let text = body(RATINGS).to_string();
    assert_eq!(get(&simulator, PATH).status, 503);
    assert_eq!(post(&simulator, PATH, &text).status, 502);
    let cut = post(&simulator, PATH, &text);
    assert_eq!(cut.error, Some(ErrorKind::ConnectionReset));
    assert_eq!(post(&simulator, PATH, &text).status, 200);
}

#[test]
fn a_filter_can_be_required() {
    let simulator = simulator(|switches| switches.filters = FilterRule::Required);
    check_refused(&simulator, PATH, &body(RATINGS).to_string(), "no filter");
    let mut empty = body(RATINGS);
    empty["filters"] = json!([]);
    check_refused(&simulator, PATH, &empty.to_string(), "no filter");
    let filtered = filtered(PRESENCE, "initial_direction", &["INBOUND"]);
    assert_eq!(
        walked(&simulator, "", &filtered),
        stored(&simulator, PRESENCE)
    );
}

#[test]
fn record_ids_can_be_refused_each_with_its_status() {
    let refused = [(RATINGS, 403), (CLOSED, 401), (PRESENCE, 500)];
    let simulator = simulator(|switches| {
        switches.refused = refused.map(|(id, status)| (id.to_owned(), status)).into();
        switches.unknown_id = 404;
    });
    for (id, status) in refused
        .into_iter()
        .chain([("unknown", 404), ("first_response_time", 200)])
    {
        assert_eq!(
            post(&simulator, PATH, &body(id).to_string()).status,
            status,
            "{id}"
        );
    }
}
