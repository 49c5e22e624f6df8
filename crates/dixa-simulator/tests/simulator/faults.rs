//! Scripted faults, seen from the client.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use dixa_simulator::api::faults::{Cut, Fault, Kind};
use dixa_simulator::api::rate::Limits;
use dixa_simulator::api::switches::Framing;
use dixa_simulator::{Scenario, Simulator};

use crate::client::{ALL, BEARER, Reply, connect, export, get, start};

fn faulty(kind: Kind) -> Simulator {
    start(|scenario| scenario.faults = vec![Fault::at("/v1/conversation_export", 0, kind)])
}

fn struck(kind: Kind) -> Reply {
    let simulator = faulty(kind);
    let reply = export(&simulator, ALL);
    assert!(simulator.log()[0].faulted);
    assert!(
        export(&simulator, ALL).json().is_array(),
        "only the first request is affected"
    );
    reply
}

#[test]
fn a_cut_body_ends_early() {
    let check = |how, error, complete| {
        let reply = struck(Kind::CutBody {
            after_bytes: 100_000,
            how,
        });
        assert_eq!((reply.status, reply.body.len()), (200, 100_000), "{how:?}");
        assert_eq!((reply.error, reply.complete), (error, complete), "{how:?}");
    };
    check(Cut::Reset, Some(ErrorKind::ConnectionReset), false);
    check(Cut::CleanClose, None, false);
    check(Cut::CleanChunkEnd, None, true);
}

#[test]
fn a_cut_after_the_end_omits_only_the_end_of_the_framing() {
    let reply = struck(Kind::CutBody {
        after_bytes: usize::MAX,
        how: Cut::CleanClose,
    });
    assert!(reply.json().is_array() && !reply.complete);
}

#[test]
fn a_cut_body_with_a_length_is_shorter_than_it() {
    let check = |how, complete| {
        let simulator = start(|scenario| {
            scenario.switches.framing = Framing::Length;
            scenario.faults = vec![Fault::always(
                "/v1/",
                Kind::CutBody {
                    after_bytes: 100,
                    how,
                },
            )];
        });
        let reply = get(&simulator, "/v1/agents");
        assert_eq!((reply.body.len(), reply.complete), (100, complete));
    };
    check(Cut::CleanClose, false);
    check(Cut::CleanChunkEnd, true);
}

#[test]
fn a_connection_breaks_before_the_headers() {
    let reset = struck(Kind::ResetBeforeHeaders);
    assert_eq!(
        (reset.status, reset.error),
        (0, Some(ErrorKind::ConnectionReset))
    );
    let closed = struck(Kind::CloseBeforeHeaders);
    assert_eq!((closed.status, closed.error), (0, None));
    let silent = struck(Kind::NoAnswer(Duration::from_millis(20)));
    assert_eq!((silent.status, silent.error), (0, None));
}

#[test]
fn bodies_are_replaced_and_appended() {
    assert_eq!(struck(Kind::body("null")).text(), "null");
    let invalid = Kind::Replace {
        body: vec![b'[', 0xff, b']'],
        content_type: "text/html",
    };
    assert_eq!(struck(invalid).body, [b'[', 0xff, b']']);
    assert!(
        struck(Kind::Append(b",[]".to_vec()))
            .text()
            .ends_with("}],[]")
    );
}

#[test]
fn statuses_redirects_and_echoes_are_sent() {
    assert_eq!(struck(Kind::status(503)).status, 503);
    let location = "http://127.0.0.1:9/".to_owned();
    let redirect = struck(Kind::Redirect {
        status: 302,
        location,
    });
    assert_eq!(redirect.header("Location"), Some("http://127.0.0.1:9/"));
    let echo = struck(Kind::EchoToken { status: 500 });
    assert_eq!(
        echo.head.matches("simulated-token").count()
            + echo.text().matches("simulated-token").count(),
        3
    );
}

#[test]
fn slow_bodies_arrive_complete() {
    let pause = Duration::from_millis(60);
    for kind in [
        Kind::Stall {
            after_bytes: 1000,
            pause,
        },
        Kind::Drip {
            bytes_per_write: 300_000,
            pause,
        },
    ] {
        let began = Instant::now();
        let reply = struck(kind);
        assert!(reply.complete && reply.json().is_array());
        assert!(began.elapsed() >= pause);
    }
}

#[test]
fn a_fault_affects_the_nth_accepted_request() {
    let simulator = start(|scenario| {
        scenario.limits = Limits::none();
        scenario.faults = vec![
            Fault::at(
                "/v1/conversation_export?updated_after=5",
                1,
                Kind::status(500),
            ),
            Fault::from("/v1/conversation_export", 3, Kind::status(502)),
        ];
    });
    let check =
        |query: &str, status| assert_eq!(export(&simulator, query).status, status, "{query}");
    check("updated_after=5&updated_before=6", 200);
    check("updated_after=5&updated_before=4", 400);
    check("updated_after=1&updated_before=6", 200);
    check("updated_after=5&updated_before=6", 500);
    check("updated_after=1&updated_before=6", 502);
}

#[test]
fn a_connection_serves_one_request_after_another() {
    let simulator = start(|_| ());
    let mut socket = connect(&simulator);
    for body in ["", "Content-Length: 2\r\n\r\n{}"] {
        let body = if body.is_empty() { "\r\n" } else { body };
        write!(
            socket,
            "GET /v1/message_export?created_after=0&created_before=1 HTTP/1.1\r\n{BEARER}{body}"
        )
        .unwrap();
        let mut bytes = [0; 1000];
        let mut seen = Vec::new();
        while !seen.ends_with(b"\r\n0\r\n\r\n") {
            let read = socket.read(&mut bytes).unwrap();
            assert!(read > 0);
            seen.extend_from_slice(&bytes[..read]);
        }
        assert!(seen.starts_with(b"HTTP/1.1 200 OK"));
    }
    assert_eq!(simulator.log().len(), 2);
}

#[test]
fn dropping_a_simulator_stops_it_immediately() {
    let simulator = faulty(Kind::NoAnswer(Duration::from_hours(1)));
    let mut socket = connect(&simulator);
    write!(
        socket,
        "GET /v1/conversation_export?{ALL} HTTP/1.1\r\n{BEARER}\r\n"
    )
    .unwrap();
    while simulator.is_quiet() {
        std::thread::yield_now();
    }
    let began = Instant::now();
    drop(simulator);
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(socket.read(&mut [0]).unwrap_or(0), 0);
}

#[test]
fn the_log_never_holds_the_token() {
    let simulator = Simulator::start(Scenario::default());
    get(&simulator, "/v1/teams?key=simulated-token");
    get(&simulator, "/v1/teams");
    let log = simulator.log();
    assert_eq!([log[0].leaked_token, log[1].leaked_token], [true, false]);
    assert!(!format!("{log:?}").contains("simulated-token"));
}
