//! The rate limits in paused time: as fast as they allow, never faster, whatever the delays and faults.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use dixa_simulator::api::in_process::InProcess;
use dixa_simulator::data::account::Account;
use proptest::prelude::*;
use source_dixa::airbyte::catalog::SyncMode;
use source_dixa::config::Config;
use source_dixa::epoch::EpochMs;
use tokio::time::Instant;

use super::dixa::{Delays, Dixa, Fault};
use super::read::{Ran, config, paused, read};
use super::scripted::{NOW, dixa, read_with, thirty_days};
use crate::support::sim::Sim;
use crate::support::time::DAY;

/// The duration of a read of a span, and its number of requests, when each response takes up to this long.
fn backfill(from: i64, to: i64, response: Duration) -> (Duration, usize) {
    paused().block_on(async {
        let dixa = Rc::new(dixa());
        dixa.delays.set(Delays {
            response,
            ..Delays::default()
        });
        let config = Config {
            start_date: EpochMs(from),
            end_date: Some(EpochMs(to)),
            ..config()
        };
        let streams = [("conversations", SyncMode::Incremental)];
        let begin = (&HashMap::new(), NOW);
        let ran = read(&dixa, &config, &streams, begin, usize::MAX).await;
        assert_eq!(ran.done, Some(true));
        assert!(dixa.refused.take().is_empty(), "never over the rate limit");
        (ran.took, dixa.arrived.get())
    })
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "ARCHITECTURE.md quotes these figures: run it with --nocapture"
)]
fn a_backfill_of_61_windows_takes_no_longer_than_the_rate_requires() {
    let response = Duration::from_secs(50);
    let month = 30 * DAY;
    let (together, windows) = backfill(NOW - 61 * month, NOW, response);
    assert_eq!(windows, 61);
    let bound = Duration::from_secs(6) * 60 + response;
    let one_by_one: Duration = (1..=61)
        .map(|back| backfill(NOW - back * month, NOW - (back - 1) * month, response).0)
        .sum();
    println!(
        "61 windows: {together:?}; the rate's own bound: {bound:?}; one at a time: {one_by_one:?}"
    );
    assert!(together <= bound.mul_f64(1.05), "{together:?} of {bound:?}");
    assert!(one_by_one > 2 * together, "{one_by_one:?}");
}

/// When the exports of a read in windows of a day arrived, with these delays and faults.
fn exports_at(
    delays: Delays,
    script: impl FnMut(&str) -> Option<Fault> + 'static,
    rate: u64,
    windows: i64,
) -> Vec<Duration> {
    paused().block_on(async {
        let mut dixa = dixa();
        dixa.simulator = InProcess::new(Sim::new().account(Account::empty()).scenario());
        let dixa = Rc::new(dixa);
        dixa.delays.set(delays);
        *dixa.script.borrow_mut() = Box::new(script);
        let mut config = Config {
            start_date: EpochMs(NOW - windows * DAY),
            window_days: 1,
            ..config()
        };
        config.settings.exports_requests_per_minute = rate;
        let streams = ["conversations", "messages"].map(|name| (name, SyncMode::Incremental));
        let started = Instant::now();
        read(&dixa, &config, &streams, (&HashMap::new(), NOW), usize::MAX).await;
        let at = dixa.exports_at.borrow();
        at.iter().map(|at| *at - started).collect()
    })
}

/// The most of these within any minute.
fn most_in_a_minute(arrived: &[Duration]) -> usize {
    let minute = Duration::from_secs(60);
    let count_from = |first: &Duration| {
        let within = |at: &&Duration| *at >= first && **at < *first + minute;
        arrived.iter().filter(within).count()
    };
    arrived.iter().map(count_from).max().unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_rolling_minute_has_more_than_ten_exports_at_the_server(
        seed in 0_u64.., connection_ms in 0_u64..15_000, response_ms in 0_u64..60_000, part in 0.0..0.6,
    ) {
        fastrand::seed(seed);
        let mut random = fastrand::Rng::with_seed(seed);
        let delays = Delays {
            connection: Duration::from_millis(connection_ms),
            transit: Duration::from_secs(1),
            response: Duration::from_millis(response_ms),
            piece: Duration::ZERO,
        };
        let faults = [
            Fault::ConnectionRefused,
            Fault::ConnectTimeout,
            Fault::DeliveredDespiteTimeout,
            Fault::Status(503, None),
            Fault::Status(429, None),
            Fault::Status(429, Some(0)),
            Fault::Status(429, Some(7)),
            Fault::Reset(0),
        ];
        let script = move |_: &str| {
            let applies = random.f64() < part;
            applies.then(|| random.choice(faults).unwrap())
        };
        let arrived = exports_at(delays, script, 10, 40);
        prop_assert!(arrived.len() > 5);
        prop_assert!(most_in_a_minute(&arrived) <= 10, "{arrived:?}");
    }
}

#[test]
fn one_request_of_the_first_minute_is_reserved_for_a_preceding_check() {
    for rate in [1, 2, 10, 60] {
        let mut arrived = exports_at(Delays::default(), |_| None, rate, 70);
        // The request of a `check` just before.
        arrived.insert(0, Duration::ZERO);
        let rate = usize::try_from(rate).unwrap();
        assert_eq!(most_in_a_minute(&arrived), rate, "{rate}");
        let expected = Duration::from_secs_f64(61.2) * 140 / u32::try_from(rate).unwrap();
        let late = arrived[140].saturating_sub(expected);
        assert!(
            late < Duration::from_secs(1),
            "at most one interval later: {late:?}"
        );
    }
}

/// A read during which one endpoint always answers 429.
fn always_rate_limited(retry_after: Option<u64>) -> (Ran, Rc<Dixa>) {
    read_with(&["tags", "agents", "teams"], move |target| {
        target
            .starts_with("/v1/tags")
            .then_some(Fault::Status(429, retry_after))
    })
}

#[test]
fn an_endpoint_that_is_always_rate_limited_fails_after_half_an_hour_and_stops_no_other() {
    for retry_after in [None, Some(1), Some(600)] {
        let (ran, _) = always_rate_limited(retry_after);
        assert_eq!(ran.done, Some(false));
        let errors = ran.errors();
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0]["stream_descriptor"]["name"], "tags");
        let minutes = ran.took.as_secs() / 60;
        assert!((30..=40).contains(&minutes), "{retry_after:?}: {minutes}");
        assert_eq!(ran.records("agents"), 20);
        let reported = |stream: &str| {
            let limited = ran.messages.iter().filter(|message| {
                let status = &message["trace"]["stream_status"];
                status["stream_descriptor"]["name"] == stream
                    && status["reasons"][0]["type"] == "RATE_LIMITED"
            });
            limited.count()
        };
        // The system clock stands still in paused time: pauses of the same length end at the same instant, and are reported once.
        let least = if retry_after.is_none() { 2 } else { 1 };
        assert!(
            reported("tags") >= least,
            "{retry_after:?}: {}",
            reported("tags")
        );
        assert!(reported("agents") <= 1 && reported("teams") <= 1);
    }
}

#[test]
fn a_429_without_retry_after_pauses_the_main_api_for_a_second_and_longer_each_time() {
    let mut rate_limits = 4;
    let (ran, _) = read_with(&["tags"], move |_| {
        rate_limits -= 1;
        (rate_limits >= 0).then_some(Fault::Status(429, None))
    });
    assert_eq!(ran.done, Some(true));
    // 1, 2, 4 and 8 s, each up to a tenth longer.
    assert!((15..=17).contains(&ran.took.as_secs()), "{:?}", ran.took);
}

#[test]
fn consecutive_runs_stay_within_the_rate_limit_of_the_main_api() {
    let refused = paused().block_on(async {
        let dixa = Rc::new(dixa());
        let streams = ["tags", "agents", "teams", "team_members"];
        let streams = streams.map(|name| (name, SyncMode::FullRefresh));
        for _ in 0..20 {
            let from = (&HashMap::new(), NOW);
            let ran = read(&dixa, &thirty_days(), &streams, from, usize::MAX).await;
            assert_eq!(ran.done, Some(true));
        }
        dixa.refused.take()
    });
    assert_eq!(refused, Vec::<&str>::new());
}
