//! A random history of an account and of the reads of it, and what must hold in the end.

mod chance;

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::time::Duration;

use chrono::DateTime;
use fastrand::Rng;
use serde_json::Value;
use source_dixa::airbyte::catalog::SyncMode;
use source_dixa::config::Config;
use tokio::time::sleep;

use super::dixa::Dixa;
use super::{Ran, paused, read};
use crate::protocol;
use crate::simulator::account::Row;

/// One record as a client knows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    stream: String,
    /// With that of its parent, if it has one.
    key: String,
    /// Its cursor, in milliseconds.
    at: Option<i64>,
}

/// The values of one history.
struct History {
    random: Rng,
    /// Whether conversations are updated while they are read.
    moves: bool,
    /// The part of the requests that go wrong.
    troubles: f64,
    /// How late an update shows, at most.
    lag_ms: i64,
    /// How far the host's clock may be from Dixa's.
    skew_ms: i64,
    streams: Vec<(&'static str, SyncMode)>,
    config: Config,
    /// Everything that a client has received, and from where it would go on.
    received: BTreeSet<Seen>,
    states: HashMap<String, Value>,
}

impl History {
    /// Takes in what a read wrote, in order, and holds it to the laws that need no end.
    fn receive(&mut self, ran: &Ran, dixa: &Dixa) {
        let mut written = BTreeSet::new();
        for message in &ran.messages {
            match message["type"].as_str().unwrap() {
                "RECORD" => {
                    let record = &message["record"];
                    let seen = Seen::of(record["stream"].as_str().unwrap(), &record["data"]);
                    assert!(written.insert(seen.clone()), "twice in one read: {seen:?}");
                    self.received.insert(seen);
                }
                "STATE" => {
                    let state = &message["state"]["stream"];
                    let name = state["stream_descriptor"]["name"].as_str().unwrap();
                    let blob = state["stream_state"].clone();
                    self.check_state(name, &blob, dixa);
                    self.states.insert(name.to_owned(), blob);
                }
                _ => {}
            }
        }
    }

    /// A state is never ahead of what was written, and never ahead of Dixa's clock.
    fn check_state(&self, stream: &str, blob: &Value, dixa: &Dixa) {
        let Some(position) = protocol::position(blob) else {
            return;
        };
        assert!(position <= dixa.now_ms() + 999, "{stream} is ahead of time");
        if self.moves {
            return;
        }
        for row in due(dixa, stream) {
            let is_due = row.at.is_some_and(|at| at < position);
            assert!(
                !is_due || self.received.contains(&row),
                "{row:?} was not written before {blob}"
            );
        }
    }

    /// Every record in its last version, once the last read has ended.
    fn check_complete(&self, dixa: &Dixa) {
        for (stream, _) in &self.streams {
            for row in due(dixa, stream) {
                assert!(self.received.contains(&row), "{row:?} was lost");
            }
        }
    }

    /// One read from where the last one ended.
    async fn read(&mut self, dixa: &Rc<Dixa>, skew_ms: i64, room: usize) -> Ran {
        // A full refresh that does not go on from where one was cut off begins anew, and what came before is void.
        if self
            .streams
            .iter()
            .any(|(_, mode)| *mode == SyncMode::FullRefresh)
        {
            let states = &self.states;
            let goes_on = |stream: &str| {
                states
                    .get(stream)
                    .is_some_and(|blob| blob["unfinished"] == true)
            };
            self.received.retain(|seen| goes_on(&seen.stream));
        }
        let now = dixa.now_ms() + skew_ms;
        let from = (&self.states, now);
        let ran = read(dixa, &self.config, &self.streams, from, room).await;
        self.receive(&ran, dixa);
        ran
    }

    async fn live(mut self) {
        let dixa = Rc::new(self.dixa());
        let mut rested = true;
        for _ in 0..self.random.usize(..4) {
            *dixa.weather.borrow_mut() = self.weather();
            dixa.plan(self.changes(&dixa));
            let room = match self.random.u8(..3) {
                0 => usize::MAX,
                _ => self.random.usize(..12_000),
            };
            let skew = self.random.i64(-self.skew_ms..=self.skew_ms);
            let ran = self.read(&dixa, skew, room).await;
            self.check_end(&ran);
            // A read that follows at once does not know what the one before it has used of the minute.
            let allowed: &[_] = if rested {
                &[]
            } else {
                &["exports rate", "main rate"]
            };
            let refused = dixa.refused.take();
            assert!(
                refused.iter().all(|rule| allowed.contains(rule)),
                "{refused:?}"
            );
            let rest = self.random.choice([0, 0, 20, 61, 200]).unwrap();
            rested = rest > 60;
            sleep(Duration::from_secs(rest)).await;
        }
        // What is to show shows, what was said to rest has rested, and then the sky is blue.
        let settled = dixa.settles_at().map_or(0, |at| at - dixa.now_ms());
        sleep(Duration::from_millis(settled.max(0).unsigned_abs()) + Duration::from_secs(3600))
            .await;
        *dixa.weather.borrow_mut() = Box::new(|_| None);
        let arrived = dixa.arrived.get();
        let last = self.read(&dixa, 0, usize::MAX).await;
        assert_eq!(last.done, Some(true));
        assert_eq!(
            dixa.refused.take(),
            Vec::<&str>::new(),
            "never over the rate"
        );
        self.check_complete(&dixa);
        let arrived = u32::try_from(dixa.arrived.get() - arrived).unwrap();
        let rate = u32::try_from(self.config.settings.exports_requests_per_minute).unwrap();
        let turns = Duration::from_secs_f64(61.2) / rate * arrived;
        let delays = dixa.delays.get();
        let answer = delays.way + delays.answer + 50 * delays.piece;
        // Ten windows are under way at once, at most; a list's pages follow one another.
        let turns = turns.max(answer * arrived / 10);
        assert!(
            last.took <= turns + 8 * answer,
            "{:?} of waiting for {arrived} answers",
            last.took
        );
    }

    /// A read that was not killed failed if and only if it says so, stream by stream.
    fn check_end(&self, ran: &Ran) {
        let Some(done) = ran.done else { return };
        let traces = |kind: &str| {
            let of_kind = ran
                .messages
                .iter()
                .filter(|message| message["trace"]["type"] == kind)
                .map(|message| &message["trace"]);
            of_kind.cloned().collect::<Vec<_>>()
        };
        let ended = |status: &str| {
            let statuses = traces("STREAM_STATUS");
            let ended = statuses
                .iter()
                .filter(|trace| trace["stream_status"]["status"] == status);
            ended.count()
        };
        let failed = ended("INCOMPLETE");
        assert_eq!(ended("COMPLETE") + failed, self.streams.len());
        assert_eq!(traces("ERROR").len(), failed);
        assert_eq!(done, failed == 0);
        assert!(done || self.troubles > 0.0, "{:?}", traces("ERROR"));
    }
}

impl Seen {
    fn of(stream: &str, record: &Value) -> Self {
        let time = |field: &&str| match &record[field] {
            Value::String(text) => {
                let instant = DateTime::parse_from_rfc3339(text.trim_end_matches("[GMT]"));
                Some(instant.unwrap().timestamp_millis())
            }
            other => other.as_i64(),
        };
        let cursors = ["updated_at", "created_at", "activityTimestamp"];
        Self {
            stream: stream.to_owned(),
            key: format!("{} {}", record["team_id"], record["id"]),
            at: cursors.iter().find_map(time),
        }
    }
}

/// What a stream's records are to be, as things are.
fn due(dixa: &Dixa, stream: &str) -> Vec<Seen> {
    let rows = dixa.account(|account| account.rows());
    let seen = |row: &Row| Seen::of(stream, &serde_json::from_str(&row.json).unwrap());
    rows[stream].iter().map(seen).collect()
}

/// Lives through the histories of these seeds.
fn live(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let lived = std::panic::catch_unwind(|| {
            fastrand::seed(seed);
            paused().block_on(History::new(seed).live());
        });
        assert!(lived.is_ok(), "history {seed}");
    }
}

macro_rules! histories {
    ($($name:ident: $seeds:expr;)*) => {$(
        #[test]
        fn $name() {
            live($seeds);
        }
    )*};
}

histories! {
    nothing_is_lost_or_doubled_in_a_thousand_histories: 0..1_000;
    nor_in_a_thousand_others: 1_000..2_000;
    nor_in_a_third_thousand: 2_000..3_000;
}
