//! Faults that take minutes to pass, in paused time, for each kind of stream: they cost the expected wait and no record.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use source_dixa::airbyte::catalog::SyncMode;
use source_dixa::config::Config;
use source_dixa::epoch::EpochMs;

use super::dixa::{Delays, Fault};
use super::read::{config, paused, read};
use super::scripted::{
    BY_DAYS, CHILDREN, KINDS, NOW, PAGED, SINGLE, Stream, WINDOWED, WINDOWED_IN_PAGES, dixa,
    read_with,
};
use crate::support::log_lines::waited;
use crate::support::time::DAY;

/// A fault of one request costs about this many seconds, and no record.
fn check(stream: Stream, fault: Fault, message: &str, seconds: std::ops::Range<u64>) {
    let mut first = true;
    let (ran, _) = read_with(&[stream.0], move |target| {
        let applies = target.starts_with(stream.1) && std::mem::take(&mut first);
        applies.then_some(fault)
    });
    assert_eq!(ran.done, Some(true));
    assert_eq!(ran.records(stream.0), 20);
    assert!(seconds.contains(&ran.took.as_secs()), "{:?}", ran.took);
    let has_message = |warning: &&str| warning.contains(message);
    assert_eq!(
        ran.warnings().iter().any(has_message),
        !message.is_empty(),
        "{:?}",
        ran.warnings()
    );
}

macro_rules! waits {
    ($($claim:ident: $fault:expr, $message:literal, $windowed:expr, $listed:expr;)*) => {$(
        mod $claim {
            use super::*;

            #[test]
            fn in_a_windowed_stream() {
                check(WINDOWED, $fault, $message, $windowed);
            }

            #[test]
            fn in_a_windowed_stream_of_pages() {
                check(WINDOWED_IN_PAGES, $fault, $message, $listed);
            }

            #[test]
            fn in_a_paged_stream() {
                check(PAGED, $fault, $message, $listed);
            }

            #[test]
            fn in_a_stream_of_one_body() {
                check(SINGLE, $fault, $message, $listed);
            }

            #[test]
            fn in_a_child_stream() {
                check(CHILDREN, $fault, $message, $listed);
            }

            #[test]
            fn in_a_stream_by_days() {
                check(BY_DAYS, $fault, $message, $listed);
            }
        }
    )*};
}

waits! {
    a_connection_timeout_passes: Fault::ConnectTimeout, "did not accept a connection for 20 seconds", 20..35, 20..35;
    a_refused_connection_passes: Fault::ConnectionRefused, "could not be reached", 0..15, 0..15;
    a_missing_response_passes: Fault::NoResponse, "sent no response for", 300..320, 60..70;
    a_stalled_body_passes: Fault::Stall(50), "stopped in the middle of a response for 60 seconds", 60..75, 60..70;
    a_body_that_stalls_at_its_first_byte_passes: Fault::Stall(0), "stopped in the middle", 60..75, 60..70;
    a_slow_body_is_read_to_its_end: Fault::Slow(Duration::from_secs(59)), "", 0..300, 0..300;
    a_429_without_retry_after_passes: Fault::Status(429, None), "rate-limited a request (429). Waiting", 60..90, 1..3;
    a_503_with_retry_after_passes: Fault::Status(503, Some(70)), "answered 503", 70..80, 70..72;
    a_408_with_retry_after_passes: Fault::Status(408, Some(70)), "answered 408", 70..80, 70..72;
    a_503_that_asks_for_a_day_waits_for_15_minutes: Fault::Status(503, Some(86_400)),
        "answered 503", 900..920, 900..920;
    a_request_that_arrives_despite_a_connection_timeout_passes: Fault::DeliveredDespiteTimeout, "did not accept a connection", 20..35, 20..35;
    a_429_with_a_long_retry_after_passes: Fault::Status(429, Some(600)), "rate-limited a request (429). Waiting", 600..620, 600..620;
    a_429_that_asks_for_a_day_waits_for_15_minutes: Fault::Status(429, Some(86_400)),
        "rate-limited a request (429). Waiting", 900..920, 900..920;
}

#[test]
fn a_body_cut_at_any_byte_is_read_again_without_duplicates() {
    for (stream, path) in KINDS {
        for percent in 0..100 {
            for fault in [Fault::Reset, Fault::EndEarly] {
                let mut first = true;
                let fault = fault(percent);
                let (ran, _) = read_with(&[stream], move |target| {
                    let applies = target.starts_with(path) && std::mem::take(&mut first);
                    applies.then_some(fault)
                });
                assert_eq!(
                    (ran.done, ran.records(stream)),
                    (Some(true), 20),
                    "{fault:?}"
                );
            }
        }
    }
}

#[test]
fn a_split_window_that_ends_after_dixas_now_saves_the_time_of_its_first_request() {
    // Dixa's now is in the first half: an update after the request for it is in neither half.
    let ran = paused().block_on(async {
        let dixa = Rc::new(dixa());
        let mut requests = 0;
        *dixa.script.borrow_mut() = Box::new(move |_| {
            requests += 1;
            match requests {
                1..=3 => Some(Fault::Status(500, None)),
                5 => Some(Fault::Stall(50)),
                _ => None,
            }
        });
        let config = Config {
            start_date: EpochMs(NOW - 10 * DAY),
            ..config()
        };
        let streams = [("conversations", SyncMode::Incremental)];
        let from = (&HashMap::new(), NOW + 20 * DAY);
        read(&dixa, &config, &streams, from, usize::MAX).await
    });
    assert_eq!(ran.done, Some(true));
    assert!(
        ran.took > Duration::from_secs(80),
        "the second half takes another minute"
    );
    let state = ran
        .messages
        .iter()
        .rfind(|message| message["type"] == "STATE");
    let position = &state.unwrap()["state"]["stream"]["stream_state"]["updated_at"];
    assert!(
        (NOW..NOW + 40_000).contains(&position.as_i64().unwrap()),
        "{position}"
    );
}

#[test]
fn the_last_lines_report_the_wait_times() {
    let ran = paused().block_on(async {
        let dixa = Rc::new(dixa());
        dixa.delays.set(Delays {
            response: Duration::from_secs(3),
            ..Delays::default()
        });
        let config = Config {
            start_date: EpochMs(NOW - 90 * DAY),
            ..config()
        };
        let streams = [
            ("conversations", SyncMode::Incremental),
            ("tags", SyncMode::FullRefresh),
        ];
        read(&dixa, &config, &streams, (&HashMap::new(), NOW), usize::MAX).await
    });
    let took = ran.took.as_secs_f64();
    let line = |begin: &str| {
        let logged = ran
            .messages
            .iter()
            .filter_map(|message| message["log"]["message"].as_str());
        logged
            .rev()
            .find(|text| text.starts_with(begin))
            .unwrap()
            .to_owned()
    };
    let [rate, dixa, reader] = waited(&line("tags: done, 20 records, "));
    assert!(
        rate < 0.2 && dixa <= 3.1 && reader < 0.1,
        "{rate} {dixa} {reader}"
    );
    for name in ["conversations: done, ", "All streams: "] {
        let [rate, dixa, reader] = waited(&line(name));
        // Three windows, one every 6.12 seconds: the second and the third wait while the first is in flight.
        assert!((12.2..12.4).contains(&rate), "{name}: {rate}");
        assert!(
            dixa <= 9.1 && dixa <= took && reader < 0.1,
            "{name}: {dixa} {reader} of {took}"
        );
    }
    let all = line("All streams: ");
    assert!(
        all.starts_with("All streams: 40 records, ") && all.contains("B in 4 requests; "),
        "{all}"
    );
}
