//! The table of what passes: each fault strikes the first request of a stream once, for each kind of stream there is.
//! Nothing is lost or doubled, and a warning says what happened. What takes minutes is in `model/waits.rs`.

use serde_json::json;

use crate::connector::{Connector, TOKEN, catalog, config};
use crate::read::due;
use crate::simulator::clock::{http_date, now_ms};
use crate::simulator::faults::{Cut, Fault, Kind};
use crate::simulator::rate::Limits;
use crate::simulator::switches::{Encoding, Framing, Switches};
use crate::simulator::{Scenario, Simulator};

/// A stream of its kind: its name, its path, and a place inside its first body.
type Stream = (&'static str, &'static str, usize);

const WINDOWED: Stream = ("conversations", "/v1/conversation_export", 50_000);
const WINDOWED_IN_PAGES: Stream = ("activity_logs", "/v1/conversations/activitylog", 10_000);
const PAGED: Stream = ("agents", "/v1/agents", 3_000);
const SINGLE: Stream = ("tags", "/v1/tags", 300);
const OBJECT: Stream = ("organization", "/v1/organization", 60);
const CHILDREN: Stream = ("knowledge_articles", "/v1/knowledge/articles/", 100);

/// The fault strikes the first request, is told so, and costs nothing.
fn check(stream: Stream, switches: Switches, kind: Kind, told: &str) {
    let (name, path, _) = stream;
    let simulator = Simulator::start(Scenario {
        token: TOKEN.to_owned(),
        switches,
        faults: vec![Fault::at(path, 0, kind)],
        limits: Limits::none(),
        ..Scenario::default()
    });
    let config = config(&simulator, json!({}));
    let streams = catalog(&[name], "incremental");
    let ran = Connector::new().read(&config, &streams, None).succeeded();
    let mut read = ran.records(name);
    read.sort_unstable();
    assert_eq!(read, due(&simulator, name));
    let warnings = ran.logs("WARN");
    assert!(
        warnings.iter().any(|warning| warning.contains(told)),
        "{warnings:?}"
    );
}

fn cut(at: usize, how: Cut) -> Kind {
    Kind::CutBody {
        after_bytes: at,
        how,
    }
}

fn refused_until(retry_after: &str) -> Kind {
    Kind::Status {
        status: 429,
        headers: vec![("Retry-After".to_owned(), retry_after.to_owned())],
        body: String::new(),
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

/// What `passes` of the module checks, for each kind of stream.
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
        fn in_a_stream_that_hangs_on_others() {
            passes(CHILDREN);
        }
    };
}

macro_rules! faults {
    ($($claim:ident: $switches:expr, |$at:ident| $kind:expr, $told:literal;)*) => {$(
        mod $claim {
            use super::*;

            fn passes(stream: Stream) {
                let $at = stream.2;
                check(stream, $switches, $kind, $told);
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
    a_429_with_seconds_to_wait_passes: chunked(), |_at| refused_until("1"), "rate limit (429); waiting";
    a_429_with_a_date_to_wait_for_passes: chunked(), |_at| refused_until(&http_date(now_ms() + 2_000)),
        "rate limit (429); waiting";
    a_reset_before_the_headers_passes: chunked(), |_at| Kind::ResetBeforeHeaders, "could not be reached";
    a_close_before_the_headers_passes: chunked(), |_at| Kind::CloseBeforeHeaders, "could not be reached";
    a_reset_in_a_chunked_body_passes: chunked(), |at| cut(at, Cut::Reset), "broke off in the middle";
    a_close_in_a_chunked_body_passes: chunked(), |at| cut(at, Cut::CleanClose), "broke off in the middle";
    a_chunked_body_that_ends_early_passes: chunked(), |at| cut(at, Cut::CleanChunkEnd), "it ended too early";
    a_reset_in_a_body_of_known_length_passes: with_length(), |at| cut(at, Cut::Reset), "broke off in the middle";
    a_body_that_is_shorter_than_its_length_passes: with_length(), |at| cut(at, Cut::CleanClose), "broke off in the middle";
    a_close_in_a_compressed_body_passes: gzip(), |at| cut(at / 10, Cut::CleanClose), "broke off in the middle";
    a_compressed_body_that_ends_early_passes: gzip(), |at| cut(at / 10, Cut::CleanChunkEnd), "it ended too early";
    garbage_passes: chunked(), |_at| Kind::body("\u{1}\u{2}\u{3} garbage"), "cannot be used";
    an_html_page_with_status_200_passes: chunked(), |_at| Kind::body("<html>busy</html>"), "cannot be used";
    an_object_in_place_of_the_list_passes: chunked(), |_at| Kind::body(r#"{"message":"busy"}"#), "was expected in it";
    a_null_in_place_of_the_list_passes: chunked(), |_at| Kind::body("null"), "was expected in it";
    an_empty_body_passes: chunked(), |_at| Kind::body(""), "it ended too early";
    a_body_that_goes_on_after_its_end_passes: chunked(), |_at| Kind::Append(b" []".to_vec()), "it goes on after its end";
    bytes_that_are_no_utf8_pass: chunked(), |_at| Kind::Replace {
        body: b"[{\"id\":\"\xff\"}]".to_vec(), content_type: "application/json",
    }, "cannot be used";
}

mod a_connection_that_is_refused_passes {
    use super::*;
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    /// Dixa comes up two seconds after it is first asked.
    fn passes((name, _, _): Stream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let later = thread::spawn(move || {
            thread::sleep(Duration::from_secs(2));
            Simulator::start(Scenario {
                token: TOKEN.to_owned(),
                limits: Limits::none(),
                port,
                ..Scenario::default()
            })
        });
        let url = format!("http://127.0.0.1:{port}");
        let config = json!({
            "api_token": TOKEN, "exports_base_url": url, "api_base_url": url, "start_date": "2026-01-01",
            "end_date": "2026-03-01", "exports_requests_per_minute": 60_000,
        });
        let streams = catalog(&[name], "incremental");
        let ran = Connector::new().read(&config, &streams, None).succeeded();
        let simulator = later.join().unwrap();
        assert_eq!(ran.records(name).len(), due(&simulator, name).len());
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
