//! Faults that take minutes, in paused time, for each kind of stream; what giving up takes and what it tells; and that
//! nothing is waited for but Dixa.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;
use source_dixa::airbyte::catalog::SyncMode;
use source_dixa::config::Config;
use source_dixa::epoch::EpochMs;

use super::dixa::{Delays, Dixa, Trouble};
use super::{DAY, Ran, activity, config, conversation, listed, message, paused, read};
use crate::connector::TOKEN;
use crate::simulator::Scenario;
use crate::simulator::account::{Account, Row};
use crate::simulator::rate::Limits;
use crate::simulator::switches::Switches;
use crate::waited::waited;

/// 2026-01-01.
const NOW: i64 = 1_767_225_600_000;

/// A stream of its kind, and its path.
type Stream = (&'static str, &'static str);

const WINDOWED: Stream = ("conversations", "/v1/conversation_export");
const PAGED: Stream = ("agents", "/v1/agents");
const SINGLE: Stream = ("tags", "/v1/tags");
const WINDOWED_IN_PAGES: Stream = ("activity_logs", "/v1/conversations/activitylog");
const CHILDREN: Stream = ("team_members", "/v1/teams/");
const KINDS: [Stream; 5] = [WINDOWED, WINDOWED_IN_PAGES, PAGED, SINGLE, CHILDREN];

/// Thirty days with 20 conversations, 20 messages, 20 entries of the activity log, 20 agents, 20 tags, and 4 teams of 5.
fn dixa() -> Dixa {
    let mut account = Account::empty();
    for id in 0..20 {
        let at = NOW - 1000 - DAY * i64::try_from(id).unwrap();
        account.conversations.push(conversation(id, at));
        account.messages.push(message(id, at));
        account.activity.push(activity(id, at));
        account.agents.push(listed(id));
        account.tags.push(listed(id));
    }
    account.teams = (0..4).map(listed).collect();
    let members = |team: &Row| {
        let id = team.key.trim_matches('"').to_owned();
        (id, (0..5).map(listed).collect())
    };
    let members = account.teams.iter().map(members).collect();
    account.members.insert("team_members", members);
    let scenario = Scenario {
        account,
        token: TOKEN.to_owned(),
        switches: Switches::default(),
        limits: Limits::default(),
        faults: Vec::new(),
        port: 0,
    };
    Dixa::new(scenario, NOW, 1)
}

fn thirty_days() -> Config {
    Config {
        start_date: EpochMs(NOW - 30 * DAY),
        ..config()
    }
}

/// Reads these streams while the weather is so.
fn read_in(
    streams: &[&str],
    weather: impl FnMut(&str) -> Option<Trouble> + 'static,
) -> (Ran, Rc<Dixa>) {
    fastrand::seed(1);
    paused().block_on(async {
        let dixa = Rc::new(dixa());
        *dixa.weather.borrow_mut() = Box::new(weather);
        let streams: Vec<_> = streams
            .iter()
            .map(|name| (*name, SyncMode::Incremental))
            .collect();
        let from = (&HashMap::new(), NOW);
        let ran = read(&dixa, &thirty_days(), &streams, from, usize::MAX).await;
        (ran, dixa)
    })
}

fn records(ran: &Ran, stream: &str) -> usize {
    let records = ran
        .messages
        .iter()
        .filter(|message| message["record"]["stream"] == stream);
    records.count()
}

fn warnings(ran: &Ran) -> Vec<&str> {
    let warnings = ran
        .messages
        .iter()
        .filter(|message| message["log"]["level"] == "WARN");
    warnings
        .map(|message| message["log"]["message"].as_str().unwrap())
        .filter(|warning| !warning.starts_with("This machine's clock"))
        .collect()
}

fn errors(ran: &Ran) -> Vec<&Value> {
    let errors = ran
        .messages
        .iter()
        .map(|message| &message["trace"]["error"]);
    errors.filter(|error| error.is_object()).collect()
}

/// A trouble that strikes once costs so many seconds, more or less, and nothing else.
fn check(stream: Stream, trouble: Trouble, told: &str, seconds: std::ops::Range<u64>) {
    let mut first = true;
    let (ran, _) = read_in(&[stream.0], move |target| {
        let strikes = target.starts_with(stream.1) && std::mem::take(&mut first);
        strikes.then_some(trouble)
    });
    assert_eq!(ran.done, Some(true));
    assert_eq!(records(&ran, stream.0), 20);
    assert!(seconds.contains(&ran.took.as_secs()), "{:?}", ran.took);
    let told_of = |warning: &&str| warning.contains(told);
    assert_eq!(
        warnings(&ran).iter().any(told_of),
        !told.is_empty(),
        "{:?}",
        warnings(&ran)
    );
}

macro_rules! waits {
    ($($claim:ident: $trouble:expr, $told:literal, $windowed:expr, $listed:expr;)*) => {$(
        mod $claim {
            use super::*;

            #[test]
            fn in_a_windowed_stream() {
                check(WINDOWED, $trouble, $told, $windowed);
            }

            #[test]
            fn in_a_windowed_stream_of_pages() {
                check(WINDOWED_IN_PAGES, $trouble, $told, $listed);
            }

            #[test]
            fn in_a_paged_stream() {
                check(PAGED, $trouble, $told, $listed);
            }

            #[test]
            fn in_a_stream_of_one_body() {
                check(SINGLE, $trouble, $told, $listed);
            }

            #[test]
            fn in_a_stream_that_hangs_on_others() {
                check(CHILDREN, $trouble, $told, $listed);
            }
        }
    )*};
}

waits! {
    a_connection_that_does_not_come_passes: Trouble::NoConnection, "took no connection for 20 seconds", 20..35, 20..35;
    a_refused_connection_passes: Trouble::Unreachable, "could not be reached", 0..15, 0..15;
    no_answer_at_all_passes: Trouble::NoAnswer, "gave no answer for", 300..320, 60..70;
    a_stalled_body_passes: Trouble::Stall(50), "stopped in the middle of its answer for 60 seconds", 60..75, 60..70;
    a_body_that_stalls_at_its_first_byte_passes: Trouble::Stall(0), "stopped in the middle", 60..75, 60..70;
    a_slow_drip_is_borne_with: Trouble::Drip(Duration::from_secs(59)), "", 0..300, 0..300;
    a_429_without_a_time_to_wait_passes: Trouble::Status(429, None), "rate limit (429); waiting", 60..90, 60..90;
    a_429_with_a_long_time_to_wait_passes: Trouble::Status(429, Some(600)), "rate limit (429); waiting", 600..620, 600..620;
    a_429_that_asks_for_a_day_is_waited_for_a_quarter_of_an_hour: Trouble::Status(429, Some(86_400)),
        "rate limit (429); waiting", 900..920, 900..920;
}

#[test]
fn a_body_cut_at_any_byte_is_read_again_without_doubles() {
    for (stream, path) in KINDS {
        for percent in 0..100 {
            for trouble in [Trouble::Break, Trouble::End] {
                let mut first = true;
                let trouble = trouble(percent);
                let (ran, _) = read_in(&[stream], move |target| {
                    let strikes = target.starts_with(path) && std::mem::take(&mut first);
                    strikes.then_some(trouble)
                });
                assert_eq!(
                    (ran.done, records(&ran, stream)),
                    (Some(true), 20),
                    "{trouble:?}"
                );
            }
        }
    }
}

/// What stays broken, and how.
const LASTING: &[(&str, Trouble)] = &[
    ("a refused connection", Trouble::Unreachable),
    ("no connection", Trouble::NoConnection),
    ("no answer", Trouble::NoAnswer),
    ("a stalled body", Trouble::Stall(50)),
    ("a reset in the body", Trouble::Break(50)),
    ("a body that ends early", Trouble::End(50)),
    ("a body that goes on", Trouble::Append(b"]")),
    ("an HTML page", Trouble::Instead(b"<html>busy</html>")),
    ("an object", Trouble::Instead(b"{\"message\":\"no\"}")),
    ("a null", Trouble::Instead(b"null")),
    ("garbage", Trouble::Instead(b"[{\"id\":1}garbage")),
    (
        "bytes that are no UTF-8",
        Trouble::Instead(b"[{\"id\":\"\xff\"}]"),
    ),
    ("201", Trouble::Status(201, None)),
    ("302", Trouble::Status(302, None)),
    ("400", Trouble::Status(400, None)),
    ("401", Trouble::Status(401, None)),
    ("403", Trouble::Status(403, None)),
    ("404", Trouble::Status(404, None)),
    ("408", Trouble::Status(408, None)),
    ("429", Trouble::Status(429, None)),
    ("500", Trouble::Status(500, None)),
    ("503", Trouble::Status(503, None)),
];

/// Airbyte expects a RECORD or a STATE within three hours (metadata.yaml, airbyte.md 2.5); giving up must be sooner.
const LONGEST_SILENCE: Duration = Duration::from_hours(2);

#[test]
fn what_lasts_is_given_up_in_time_and_stops_no_other_stream() {
    for (name, trouble) in LASTING {
        // A child that is not found is gone, which is no failure.
        let is_gone = |kind: &Stream| *kind == CHILDREN && *name == "404";
        for (stream, path) in KINDS.into_iter().filter(|kind| !is_gone(kind)) {
            let others = KINDS.map(|(other, _)| other);
            let (ran, _) = read_in(&others, move |target| {
                target.starts_with(path).then_some(*trouble)
            });
            assert_eq!(ran.done, Some(false), "{name}");
            let errors = errors(&ran);
            assert_eq!(errors.len(), 1, "{name} {errors:?}");
            assert_eq!(errors[0]["stream_descriptor"]["name"], stream);
            assert!(ran.took < LONGEST_SILENCE, "{name} took {:?}", ran.took);
            for other in others.into_iter().filter(|other| *other != stream) {
                assert_eq!(records(&ran, other), 20, "{name}");
            }
        }
    }
}

/// Bodies that no later try would make better, or that only a list can have.
fn hostile() -> Vec<(&'static str, Stream, Trouble)> {
    let instead = |body: String| Trouble::Instead(body.leak().as_bytes());
    let page = |rest: &str| instead(format!("{{\"data\":[{{\"id\":\"a\"}}],{rest}}}"));
    vec![
        (
            "an element that is no record",
            WINDOWED,
            Trouble::Instead(b"[1]"),
        ),
        (
            "a million levels",
            WINDOWED,
            instead(format!("[{{\"a\":{}", "[".repeat(1_000_000))),
        ),
        (
            "a record of 65 MB",
            WINDOWED,
            instead(format!("[{{\"a\":\"{}\"}}]", "x".repeat(65 << 20))),
        ),
        (
            "a frame of 2 MB",
            PAGED,
            page(&format!("\"x\":\"{}\"", "x".repeat(2 << 20))),
        ),
        (
            "a link that is no text",
            PAGED,
            page("\"meta\":{\"next\":3}"),
        ),
        (
            "a link to elsewhere",
            PAGED,
            page("\"meta\":{\"next\":\"https://example.org/\"}"),
        ),
        (
            "a link to itself",
            PAGED,
            page("\"meta\":{\"next\":\"/v1/agents?pageLimit=1000\"}"),
        ),
    ]
}

#[test]
fn what_each_failure_tells() {
    let lasting = LASTING
        .iter()
        .map(|(name, trouble)| (*name, WINDOWED, *trouble));
    let mut told = Vec::new();
    for (name, (stream, path), trouble) in lasting.chain(hostile()) {
        let (ran, _) = read_in(&[stream], move |target| {
            target.starts_with(path).then_some(trouble)
        });
        let errors = errors(&ran);
        assert_eq!(errors.len(), 1, "{name}");
        let text = |key: &str| errors[0][key].as_str().unwrap_or_default().to_owned();
        let kind = text("failure_type");
        told.push(format!("{name}: {kind}\n  {}", text("message")));
    }
    insta::with_settings!({snapshot_path => "../snapshots"}, { insta::assert_snapshot!(told.join("\n")) });
}

#[test]
fn a_window_in_halves_that_ends_after_dixas_now_saves_when_its_first_half_was_asked_for() {
    // Dixa's now lies in the first half: what is updated after it was asked for is in neither.
    let ran = paused().block_on(async {
        let dixa = Rc::new(dixa());
        let mut requests = 0;
        *dixa.weather.borrow_mut() = Box::new(move |_| {
            requests += 1;
            match requests {
                1..=3 => Some(Trouble::Status(500, None)),
                5 => Some(Trouble::Stall(50)),
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
        "the second half took a minute more"
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
fn the_end_tells_what_was_waited_for() {
    let ran = paused().block_on(async {
        let dixa = Rc::new(dixa());
        dixa.delays.set(Delays {
            answer: Duration::from_secs(3),
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
        let told = ran
            .messages
            .iter()
            .filter_map(|message| message["log"]["message"].as_str());
        told.rev()
            .find(|told| told.starts_with(begin))
            .unwrap()
            .to_owned()
    };
    let [rate, dixa, reader] = waited(&line("tags: done, 20 records, "));
    assert!(
        rate < 0.1 && dixa <= 3.1 && reader < 0.1,
        "{rate} {dixa} {reader}"
    );
    for name in ["conversations: done, ", "All streams: "] {
        let [rate, dixa, reader] = waited(&line(name));
        // Three windows, a turn every 6.12 seconds: the second and the third wait for theirs while the first is answered.
        assert!((12.2..12.4).contains(&rate), "{name}: {rate}");
        assert!(
            dixa <= 9.1 && dixa <= took && reader < 0.1,
            "{name}: {dixa} {reader} of {took}"
        );
    }
    assert!(line("All streams: ").starts_with("All streams: 40 records, 0.0 MB in 4 requests; "));
}

/// Reads a span of time, at the start of a minute, from a Dixa whose answers take up to so long each.
fn backfill(from: i64, to: i64, answer: Duration) -> (Duration, usize) {
    paused().block_on(async {
        let dixa = Rc::new(dixa());
        dixa.delays.set(Delays {
            answer,
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
        assert!(dixa.refused.take().is_empty(), "never over the rate");
        (ran.took, dixa.arrived.get())
    })
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "ARCHITECTURE.md quotes these figures: run it with --nocapture"
)]
fn a_backfill_of_61_windows_takes_as_long_as_the_rate_asks_and_not_longer() {
    let answer = Duration::from_secs(50);
    let month = 30 * DAY;
    let (together, windows) = backfill(NOW - 61 * month, NOW, answer);
    assert_eq!(windows, 61);
    let bound = Duration::from_secs(6) * 60 + answer;
    let one_by_one: Duration = (1..=61)
        .map(|back| backfill(NOW - back * month, NOW - (back - 1) * month, answer).0)
        .sum();
    println!(
        "61 windows: {together:?}; the rate's own bound: {bound:?}; one at a time: {one_by_one:?}"
    );
    assert!(together <= bound.mul_f64(1.05), "{together:?} of {bound:?}");
    assert!(one_by_one > 2 * together, "{one_by_one:?}");
}
