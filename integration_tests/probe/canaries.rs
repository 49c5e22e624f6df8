//! Nothing that Dixa sends is in the report: no value, no nested key, no id, no number, no header.

use std::rc::Rc;

use dixa_simulator::api::in_process::Reply;
use dixa_simulator::api::rate::Limits;
use dixa_simulator::api::switches::FilterRule;
use dixa_simulator::data::analytics::{CLOSED, DIRECTIONS, FIRST_RESPONSE, PRESENCE, RATINGS};
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::dixa::{Probed, World, probe};

/// The start of every canary, which no text of ours has.
const CANARY: &str = "canary";
/// Times that a probe has to understand; others are replaced, too.
const TIMES: [&str; 4] = ["updated_at", "created_at", "activityTimestamp", "timestamp"];
/// What requests for analytics have from responses.
const REQUESTED: [&str; 6] = [
    RATINGS,
    CLOSED,
    FIRST_RESPONSE,
    PRESENCE,
    DIRECTIONS[0].0,
    DIRECTIONS[1].0,
];
/// A longer row of digits may be an id, a time or a telephone number.
const MOST_DIGITS: usize = 6;

/// Replaces data by canaries: the same data always by the same, so that ids stay ids.
#[derive(Clone, Copy)]
struct Canaries {
    seed: u64,
    keeps_times: bool,
}

impl Canaries {
    fn text(self, text: &str) -> String {
        format!(
            "{CANARY}{:016x}",
            xxh3_64_with_seed(text.as_bytes(), self.seed)
        )
    }

    fn number(self, number: &str) -> u64 {
        // Below 2^31, since an id may have to fit.
        1_000_000_000 + xxh3_64_with_seed(number.as_bytes(), self.seed) % 1_000_000_000
    }

    /// `depth` counts from the record, whose own field names stay.
    fn replaced(self, value: Value, depth: usize) -> Value {
        match value {
            Value::String(text) => self.text(&text).into(),
            Value::Number(number) => self.number(&number.to_string()).into(),
            Value::Array(items) => {
                let items = items.into_iter().map(|item| self.replaced(item, depth + 1));
                items.collect()
            }
            Value::Object(members) => {
                let members = members.into_iter().map(|(name, value)| {
                    let is_kept = self.keeps_times && TIMES.contains(&&*name);
                    let value = if is_kept {
                        value
                    } else {
                        self.replaced(value, depth + 1)
                    };
                    let name = if depth == 0 || is_kept {
                        name
                    } else {
                        self.text(&name)
                    };
                    (name, value)
                });
                members.collect()
            }
            other => other,
        }
    }

    fn record(self, record: Value) -> Value {
        let mut record = self.replaced(record, 0);
        if let Value::Object(fields) = &mut record {
            fields.insert("surplus_field".to_owned(), self.text("surplus").into());
            fields.insert(format!("{CANARY} Berg"), 1.into());
            fields.insert(format!("{CANARY}+4520123456"), 1.into());
            fields.insert(format!("{CANARY}_4520123456"), 1.into());
        }
        record
    }

    /// The body of a list, with canaries in its records and in its link.
    fn body(self, body: Value) -> Value {
        let records = |value| match value {
            Value::Array(records) => records
                .into_iter()
                .map(|record| self.record(record))
                .collect(),
            Value::Object(_) => self.record(value),
            other => other,
        };
        match body {
            Value::Object(mut envelope) if envelope.contains_key("data") => {
                let data = envelope.remove("data").unwrap_or_default();
                envelope.insert("data".to_owned(), records(data));
                self.link(&mut envelope);
                Value::Object(envelope)
            }
            Value::Array(_) => records(body),
            other => self.replaced(other, 0),
        }
    }

    /// The simulator ignores what follows a dot in a page key.
    fn link(self, envelope: &mut Map<String, Value>) {
        if let Some(Value::String(next)) = envelope
            .get_mut("meta")
            .and_then(|meta| meta.get_mut("next"))
        {
            *next = format!("{next}.{}", self.text("link"));
        }
    }

    /// The body of a request, with what was replaced in responses.
    fn restored(self, body: &str) -> String {
        let all = REQUESTED.iter();
        all.fold(body.to_owned(), |body, text| {
            body.replace(&self.text(text), text)
        })
    }

    fn change(self, reply: &mut Reply) {
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        reply.body = match reply.status {
            200 => self.body(body).to_string(),
            _ => format!("{{\"message\":\"{}\"}}", self.text("message")),
        }
        .into_bytes();
        let canary = self.text("header");
        let headers = [
            ("Server", canary.clone()),
            ("ETag", format!("\"{canary}\"")),
            ("Set-Cookie", format!("session={canary}")),
            ("Content-Type", format!("application/json; {canary}=1")),
            ("X-Request-Id", canary.clone()),
            ("X-RateLimit-Remaining", self.number("left").to_string()),
            (&*format!("X-{canary}"), canary.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        reply.headers.extend(headers);
        if reply.status == 429 {
            let wait = ("Retry-After".to_owned(), WAIT.to_owned());
            reply.headers.push(wait);
        }
    }
}

/// Seconds, which no count in the report equals. A longer wait would end the probe.
const WAIT: &str = "299";

fn probed(keeps_times: bool, limits: Limits) -> Probed {
    let canaries = Canaries {
        seed: fastrand::u64(..),
        keeps_times,
    };
    let mut world = World {
        rewrite: Some(Rc::new(move |_, reply| canaries.change(reply))),
        restore: Some(Rc::new(move |body| canaries.restored(body))),
        ..World::default()
    };
    world.scenario.switches.analytics.filters = FilterRule::Required;
    world.scenario.limits = limits;
    probe(&world)
}

/// Panics if a text has a canary, or a number that may be data.
fn check(probed: &Probed) {
    let report = probed.report.as_ref().ok().unwrap().to_json();
    let answers = report["answers"].as_array().unwrap();
    let answer = answers
        .iter()
        .find(|answer| answer["id"] == "analytics_rows");
    assert_eq!(answer.unwrap()["found"]["bytes"], "same");
    for text in probed.texts() {
        let at = text.to_lowercase().find(CANARY);
        assert!(at.is_none(), "{}", &text[at.unwrap_or(0)..]);
        check_numbers(&text);
        assert!(text.contains("surplus_field"), "{text}");
    }
    let canaries = probed
        .received
        .iter()
        .filter(|received| received.contains(CANARY));
    assert!(canaries.count() > 50);
}

fn check_numbers(text: &str) {
    let version = env!("CARGO_PKG_VERSION");
    for line in text.lines().filter(|line| !line.contains(version)) {
        let numbers = line.split(|letter: char| !letter.is_ascii_digit());
        for number in numbers {
            assert!(number.len() <= MOST_DIGITS, "{line}");
        }
    }
}

#[test]
fn no_canary_is_in_the_report() {
    for keeps_times in [true, false] {
        check(&probed(keeps_times, Limits::default()));
    }
}

#[test]
fn no_canary_of_a_429_is_in_the_report() {
    let mut limits = Limits::default();
    limits.exports.count = 4;
    let probed = probed(true, limits);
    assert!(probed.texts()[0].contains("`forms`: seconds"));
    for text in probed.texts() {
        assert!(!text.contains(WAIT), "{text}");
    }
    check(&probed);
}

/// Every text and number in the responses that cannot be a documented word.
fn data(value: &Value, all: &mut Vec<String>) {
    let add = |text: &str, all: &mut Vec<String>| {
        let is_word = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
        if text.len() > 8 && !text.bytes().all(is_word) {
            all.push(text.to_owned());
        }
    };
    match value {
        Value::String(text) => add(text, all),
        Value::Number(number) => add(&number.to_string(), all),
        Value::Array(items) => items.iter().for_each(|item| data(item, all)),
        Value::Object(members) => {
            for (name, member) in members {
                add(name, all);
                data(member, all);
            }
        }
        _ => {}
    }
}

#[test]
fn no_text_or_number_of_a_response_is_in_the_report() {
    let probed = probe(&World::default());
    let mut all = Vec::new();
    for received in &probed.received {
        match serde_json::from_str(received) {
            Ok(body) => data(&body, &mut all),
            Err(_) => all.push(received.clone()),
        }
    }
    all.sort();
    all.dedup();
    assert!(all.len() > 1000);
    for text in probed.texts() {
        for data in &all {
            assert!(!text.contains(data), "{data}");
        }
    }
}
