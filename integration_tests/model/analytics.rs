//! Rows of analytics in paused time: what all reads wrote, merged by the key, is exactly what Dixa has, under every setting of its
//! switches and over random histories.

mod history;
mod table;

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::time::Duration;

use dixa_simulator::api::rate::Limits;
use dixa_simulator::api::switches::{AboveMax, Analytics, Bound, FilterRule, NextPage, Switches};
use dixa_simulator::data::account::Account;
use serde_json::{Value, json};
use source_dixa::airbyte::catalog::SyncMode;
use source_dixa::config::Config;
use source_dixa::epoch::EpochMs;
use tokio::time::sleep;

use super::dixa::Dixa;
use super::read::{Ran, config, paused, read};
use super::rows::metric;
use table::{Rows, Table, at_dixa, check_same};

use crate::support::sim::Sim;
use crate::support::time::{DAY, HOUR};

const STREAM: &str = "analytics_record_data";
/// A midnight.
const NOW: i64 = 1_767_225_600_000;
const KINDS: [&str; 3] = ["ratings", "closed_conversations", "first_response_time"];

/// Twelve days, with rows at midnight and a millisecond to each side of it, twins and triplets.
fn account() -> Account {
    let mut account = Account::empty();
    for kind in KINDS {
        account.add_record_id(kind, kind);
        for number in 0..60 {
            let day = NOW - (number % 12) * DAY;
            let at = day + [-1, 0, 1, 5 * HOUR, -HOUR][usize::try_from(number % 5).unwrap()];
            for _ in 0..=number % 3 {
                account.add_metric(kind, metric(number, at.min(NOW)));
            }
        }
    }
    account
}

fn thirteen_days() -> Config {
    Config {
        start_date: EpochMs(NOW - 13 * DAY),
        ..config()
    }
}

fn dixa(account: Account, analytics: Analytics) -> Rc<Dixa> {
    let switches = Switches {
        analytics,
        ..Switches::default()
    };
    let sim = Sim::new().account(account).switches(switches);
    let scenario = sim.limits(Limits::default()).scenario();
    Rc::new(Dixa::new(scenario, NOW + 5 * HOUR, 1))
}

/// A read from these states up to Dixa's now.
async fn incremental(dixa: &Rc<Dixa>, states: &HashMap<String, Value>, limit: usize) -> Ran {
    let streams = [(STREAM, SyncMode::Incremental)];
    read(
        dixa,
        &thirteen_days(),
        &streams,
        (states, dixa.now_ms()),
        limit,
    )
    .await
}

/// The last state of a read.
fn last_state(ran: &Ran) -> Option<Value> {
    let mut states = ran.messages.iter().rev();
    let state = states.find(|message| message["type"] == "STATE")?;
    Some(state["state"]["stream"]["stream_state"].clone())
}

type Setting = (&'static str, fn(&mut Analytics));

/// Every setting of every switch that is not the default.
const SETTINGS: &[Setting] = &[
    ("filters are required", |all| {
        all.filters = FilterRule::Required;
    }),
    ("at most 7 rows a page, refused above", |all| {
        all.max_page = 7;
    }),
    ("at most 50 rows a page, capped", |all| {
        (all.max_page, all.above_max) = (50, AboveMax::Capped);
    }),
    ("no pageLimit", |all| all.takes_page_limit = false),
    ("a key at the top level", |all| {
        all.next = NextPage::TopLevelKey;
    }),
    ("a key in meta.next", |all| {
        all.next = NextPage::BareKeyInMeta;
    }),
    ("the start is exclusive", |all| all.start = Bound::Exclusive),
    ("the end is inclusive", |all| all.end = Bound::Inclusive),
    ("a kind is refused with 403", |all| {
        all.refused.push((KINDS[1].to_owned(), 403));
    }),
    ("a kind is refused with 404", |all| {
        all.refused.push((KINDS[1].to_owned(), 404));
    }),
    ("a kind is refused with 400", |all| {
        all.refused.push((KINDS[1].to_owned(), 400));
    }),
    ("a kind is refused with 401", |all| {
        all.refused.push((KINDS[1].to_owned(), 401));
    }),
    ("unknown kinds are 404", |all| all.unknown_id = 404),
];

/// Two reads, the second after new rows; what they wrote is what Dixa has, of the kinds that it does not refuse.
fn check(name: &str, analytics: Analytics) {
    let refused: Vec<_> = analytics.refused.iter().map(|(id, _)| id.clone()).collect();
    let needs_filter = analytics.filters == FilterRule::Required;
    paused().block_on(async {
        let dixa = dixa(account(), analytics);
        let mut table = Table::default();
        let first = incremental(&dixa, &HashMap::new(), usize::MAX).await;
        assert_eq!(first.done, Some(true), "{name}: {:?}", first.errors());
        table.merge(&first);
        let warns_of = |text: &str| {
            first
                .warnings()
                .iter()
                .any(|warning| warning.contains(text))
        };
        assert_eq!(
            warns_of("which Dixa refuses"),
            !refused.is_empty(),
            "{name}"
        );
        assert_eq!(warns_of("without a filter"), needs_filter, "{name}");
        dixa.account(|account| {
            for kind in KINDS {
                // A twin of a row of today that was read, and two new ones.
                account.add_metric(kind, metric(1, NOW));
                account.add_metric(kind, metric(1000, NOW));
                account.add_metric(kind, metric(1001, NOW + 4 * HOUR));
            }
        });
        sleep(Duration::from_secs(3600)).await;
        let state = last_state(&first).unwrap();
        let states = HashMap::from([(STREAM.to_owned(), state)]);
        let second = incremental(&dixa, &states, usize::MAX).await;
        table.merge(&second);
        let mut expected = at_dixa(&dixa, 0);
        expected.retain(|kind, _| !refused.contains(kind));
        check_same(&table.rows(), &expected, name);
        assert!(second.records(STREAM) < first.records(STREAM) / 2, "{name}");
        assert!(!dixa.refused.take().contains(&"api rate"));
    });
}

#[test]
fn every_setting_and_every_pair_gives_exactly_dixas_rows() {
    check("the defaults", Analytics::default());
    for (index, (name, set)) in SETTINGS.iter().enumerate() {
        let mut one = Analytics::default();
        set(&mut one);
        check(name, one.clone());
        for (other, set) in &SETTINGS[index + 1..] {
            let mut two = one.clone();
            set(&mut two);
            check(&format!("{name}, {other}"), two);
        }
    }
}

#[test]
fn rows_whose_bytes_differ_from_call_to_call_are_doubled_but_not_lost() {
    paused().block_on(async {
        let analytics = Analytics {
            unstable_bytes: true,
            max_page: 7,
            ..Analytics::default()
        };
        let dixa = dixa(account(), analytics);
        let ran = incremental(&dixa, &HashMap::new(), usize::MAX).await;
        let rows: usize = at_dixa(&dixa, 0).values().map(Vec::len).sum();
        let written = ran.records(STREAM);
        // Those of the millisecond before a window are in two requests.
        assert!((rows..rows + 30).contains(&written), "{written} of {rows}");
        let mut table = Table::default();
        table.merge(&ran);
        let values = |rows: Rows| {
            let row = |row: String| {
                serde_json::from_str::<Value>(&row).unwrap()["value"]["value"].clone()
            };
            let values = rows
                .into_values()
                .flatten()
                .map(|text| row(text).to_string());
            values.collect::<BTreeSet<_>>()
        };
        assert_eq!(values(table.rows()), values(at_dixa(&dixa, 0)));
    });
}

#[test]
fn if_every_kind_is_refused_the_stream_fails_unless_none_is_found() {
    for (status, done) in [(400, false), (401, false), (403, false), (404, true)] {
        paused().block_on(async {
            let refused = KINDS.map(|kind| (kind.to_owned(), status)).to_vec();
            let analytics = Analytics {
                refused,
                ..Analytics::default()
            };
            let ran = incremental(&dixa(account(), analytics), &HashMap::new(), usize::MAX).await;
            assert_eq!(ran.done, Some(done), "{status}");
            if status == 403 {
                let message = ran.errors()[0]["message"].to_string();
                assert!(
                    message.contains("(POST /v1/analytics/records)"),
                    "{message}"
                );
            }
        });
    }
}

#[test]
fn a_refused_kind_is_named_even_if_another_one_fails() {
    paused().block_on(async {
        let refused = [(KINDS[0].to_owned(), 500), (KINDS[1].to_owned(), 403)];
        let analytics = Analytics {
            refused: refused.to_vec(),
            ..Analytics::default()
        };
        let ran = incremental(&dixa(account(), analytics), &HashMap::new(), usize::MAX).await;
        assert_eq!(ran.done, Some(false));
        let named = format!("{} (403)", KINDS[1]);
        let warnings = ran.warnings();
        assert!(
            warnings.iter().any(|warning| warning.contains(&named)),
            "{warnings:?}"
        );
        assert!(ran.errors()[0]["message"].to_string().contains("500"));
    });
}

#[test]
fn windows_are_whole_days_that_adjoin_and_grow() {
    let start = NOW - 100 * DAY + 7 * HOUR;
    paused().block_on(async {
        let mut account = Account::empty();
        account.add_record_id(KINDS[0], "");
        account.add_metric(KINDS[0], metric(1, start - 1));
        account.add_metric(KINDS[0], metric(2, start));
        let dixa = dixa(account, Analytics::default());
        let config = Config {
            start_date: EpochMs(start),
            ..config()
        };
        let streams = [(STREAM, SyncMode::FullRefresh)];
        let now = (&HashMap::new(), dixa.now_ms());
        let ran = read(&dixa, &config, &streams, now, usize::MAX).await;
        // The row before `start_date` is left out, without a warning.
        assert_eq!((ran.records(STREAM), ran.warnings()), (1, Vec::new()));
        let windows: Vec<_> = ran
            .messages
            .iter()
            .filter_map(|message| {
                let text = message["log"]["message"].as_str()?;
                let (_, span) = text
                    .strip_suffix(": 0 records.")
                    .or(text.strip_suffix(": 1 record."))?
                    .split_once(", ")?;
                let (start, end) = span.split_once(" to ")?;
                let days =
                    |time: &str| EpochMs::parse(time).map(|time| (time.0 % DAY, time.0 / DAY));
                Some((days(start)?, days(end)?))
            })
            .collect();
        let lengths: Vec<_> = windows
            .iter()
            .map(|((_, start), (_, end))| end - start)
            .collect();
        assert_eq!(lengths, [1, 2, 4, 8, 16, 30, 30, 10]);
        assert!(
            windows
                .iter()
                .all(|(start, end)| start.0 == 0 && end.0 == 0)
        );
        assert!(windows.windows(2).all(|pair| pair[0].1 == pair[1].0));
        let positions = &last_state(&ran).unwrap();
        assert_eq!(
            *positions,
            json!({"positions": {"ratings": {
                "covered_from": EpochMs(start).to_string(),
                "position": EpochMs(NOW + 5 * HOUR).to_string(),
            }}})
        );
    });
}

#[test]
fn a_read_waits_for_nothing_but_the_rate_limit() {
    paused().block_on(async {
        let mut account = Account::empty();
        account.add_record_id(KINDS[0], "");
        for row in 0..60_000 {
            account.add_metric(KINDS[0], metric(row, NOW - row * 10_000));
        }
        let dixa = dixa(account, Analytics::default());
        let ran = incremental(&dixa, &HashMap::new(), usize::MAX).await;
        assert_eq!(ran.records(STREAM), 60_000);
        let requests = u32::try_from(dixa.arrived.get()).unwrap();
        assert!((200..220).contains(&requests), "{requests} requests");
        assert!(
            ran.took < Duration::from_millis(102) * (requests + 1),
            "{:?}",
            ran.took
        );
    });
}
