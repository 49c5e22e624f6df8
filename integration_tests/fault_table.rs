//! Transient faults of the first request, for each kind of stream: no record is lost or duplicated, and a warning says what
//! happened. Faults that take minutes are in `model/waits.rs`.

use dixa_simulator::api::faults::{Cut, Fault, Kind};
use dixa_simulator::api::switches::{Encoding, Framing, Switches};
use dixa_simulator::data::clock::{http_date, now_ms};
use serde_json::json;

use crate::support::config::TOKEN;
use crate::support::expected::{check_records, expected_records};
use crate::support::faults::rate_limited;
use crate::support::read::Read;
use crate::support::sim::Sim;

/// A stream that represents its kind: its name, its path, and an offset inside its first body.
type Stream = (&'static str, &'static str, usize);

const WINDOWED: Stream = ("conversations", "/v1/conversation_export", 50_000);
const WINDOWED_IN_PAGES: Stream = ("activity_logs", "/v1/conversations/activitylog", 10_000);
const PAGED: Stream = ("agents", "/v1/agents", 3_000);
const SINGLE: Stream = ("tags", "/v1/tags", 300);
const OBJECT: Stream = ("organization", "/v1/organization", 60);
const CHILDREN: Stream = ("knowledge_articles", "/v1/knowledge/articles/", 100);
const BY_DAYS: Stream = ("analytics_record_data", "/v1/analytics/records", 5);

/// A fault of the first request is logged, and no record is lost or duplicated.
fn check(stream: Stream, switches: Switches, kind: Kind, message: &str) {
    let (name, path, _) = stream;
    // The rows of analytics have the path of their parent list, which is requested before them.
    let first = usize::from(stream == BY_DAYS);
    let simulator = Sim::new()
        .switches(switches)
        .fault(Fault::at(path, first, kind))
        .start();
    let ran = Read::of(&simulator).streams([name]).run().succeeded();
    check_records(&ran, &simulator, name);
    let warnings = ran.logs("WARN");
    assert!(
        warnings.iter().any(|warning| warning.contains(message)),
        "{warnings:?}"
    );
}

fn cut(at: usize, how: Cut) -> Kind {
    Kind::CutBody {
        after_bytes: at,
        how,
    }
}

fn chunked() -> Switches {
    Switches::default()
}

fn with_length() -> Switches {
    Switches {
        framing: Framing::Length,
        ..Switches::default()
    }
}

fn gzip() -> Switches {
    Switches {
        encoding: Encoding::Gzip,
        ..Switches::default()
    }
}

/// Calls `passes` of the module for each kind of stream.
macro_rules! in_each_kind_of_stream {
    () => {
        #[test]
        fn in_a_windowed_stream() {
            passes(WINDOWED);
        }

        #[test]
        fn in_a_windowed_stream_of_pages() {
            passes(WINDOWED_IN_PAGES);
        }

        #[test]
        fn in_a_paged_stream() {
            passes(PAGED);
        }

        #[test]
        fn in_a_stream_of_one_body() {
            passes(SINGLE);
        }

        #[test]
        fn in_a_stream_of_one_object() {
            passes(OBJECT);
        }

        #[test]
        fn in_a_child_stream() {
            passes(CHILDREN);
        }

        #[test]
        fn in_a_stream_by_days() {
            passes(BY_DAYS);
        }
    };
}

macro_rules! faults {
    ($($claim:ident: $switches:expr, |$at:ident| $kind:expr, $message:literal;)*) => {$(
        mod $claim {
            use super::*;

            fn passes(stream: Stream) {
                let $at = stream.2;
                check(stream, $switches, $kind, $message);
            }

            in_each_kind_of_stream!();
        }
    )*};
}

faults! {
    a_408_passes: chunked(), |_at| Kind::status(408), "answered 408";
    a_500_passes: chunked(), |_at| Kind::status(500), "answered 500";
    a_502_passes: chunked(), |_at| Kind::status(502), "answered 502";
    a_503_passes: chunked(), |_at| Kind::status(503), "answered 503";
    a_504_passes: chunked(), |_at| Kind::status(504), "answered 504";
    a_429_with_retry_after_in_seconds_passes: chunked(), |_at| rate_limited("1"), "rate-limited a request (429). Waiting";
    a_429_with_retry_after_as_a_date_passes: chunked(), |_at| rate_limited(&http_date(now_ms() + 2_000)),
        "rate-limited a request (429). Waiting";
    a_reset_before_the_headers_passes: chunked(), |_at| Kind::ResetBeforeHeaders, "closed the connection without a response";
    a_close_before_the_headers_passes: chunked(), |_at| Kind::CloseBeforeHeaders, "closed the connection without a response";
    a_reset_in_a_chunked_body_passes: chunked(), |at| cut(at, Cut::Reset), "was cut off";
    a_close_in_a_chunked_body_passes: chunked(), |at| cut(at, Cut::CleanClose), "was cut off";
    a_chunked_body_that_ends_early_passes: chunked(), |at| cut(at, Cut::CleanChunkEnd), "it ended too early";
    a_reset_in_a_body_of_known_length_passes: with_length(), |at| cut(at, Cut::Reset), "was cut off";
    a_body_that_is_shorter_than_its_length_passes: with_length(), |at| cut(at, Cut::CleanClose), "was cut off";
    a_close_in_a_compressed_body_passes: gzip(), |at| cut(at / 10, Cut::CleanClose), "was cut off";
    a_compressed_body_that_ends_early_passes: gzip(), |at| cut(at / 10, Cut::CleanChunkEnd), "it ended too early";
    garbage_passes: chunked(), |_at| Kind::body("\u{1}\u{2}\u{3} garbage"), "cannot be used";
    an_html_page_with_status_200_passes: chunked(), |_at| Kind::body("<html>busy</html>"), "cannot be used";
    an_object_instead_of_the_list_passes: chunked(), |_at| Kind::body(r#"{"message":"busy"}"#), "where one was expected";
    a_null_instead_of_the_list_passes: chunked(), |_at| Kind::body("null"), "where one was expected";
    an_empty_body_passes: chunked(), |_at| Kind::body(""), "it ended too early";
    a_body_that_continues_after_its_end_passes: chunked(), |_at| Kind::Append(b" []".to_vec()), "it continues after its end";
    invalid_utf8_passes: chunked(), |_at| Kind::Replace {
        body: b"[{\"id\":\"\xff\"}]".to_vec(), content_type: "application/json",
    }, "cannot be used";
}

mod a_host_that_is_down_for_two_seconds_passes {
    use super::*;
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    /// Dixa starts to listen after two seconds.
    fn passes((name, _, _): Stream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let later = thread::spawn(move || {
            thread::sleep(Duration::from_secs(2));
            Sim::new().port(port).start()
        });
        let url = format!("http://127.0.0.1:{port}");
        let config = json!({
            "api_token": TOKEN, "exports_base_url": url, "api_base_url": url, "start_date": "2026-01-01",
            "end_date": "2026-03-01", "exports_requests_per_minute": 60_000,
        });
        let ran = Read::with_config(&config).streams([name]).run().succeeded();
        let simulator = later.join().unwrap();
        assert_eq!(
            ran.records(name).len(),
            expected_records(&simulator, name).len()
        );
        let warnings = ran.logs("WARN");
        assert!(
            warnings
                .iter()
                .any(|warning| warning.contains("could not be reached")),
            "{warnings:?}"
        );
    }

    in_each_kind_of_stream!();
}
