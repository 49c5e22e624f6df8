//! What must hold for any bytes at all. The fuzz targets call these, and so do the tests (`integration_tests/fuzzed.rs`).

use std::str;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use source_dixa::airbyte::catalog;
use source_dixa::airbyte::state::{self, States};
use source_dixa::checkpoint::Saved;
use source_dixa::dixa::Host;
use source_dixa::dixa::body::Decoder;
use source_dixa::dixa::client::{Client, Settings};
use source_dixa::dixa::error::BodyFault;
use source_dixa::dixa::fields::Fields;
use source_dixa::dixa::records::{Frame, Splitter};
use source_dixa::dixa::times::Times;
use source_dixa::dixa::token::Token;
use url::Url;

const BARE: Frame = Frame::Array(&[]);
const LIST: Frame = Frame::Array(&["data"]);

/// Everything that a body told.
#[derive(Clone, Debug, Default, PartialEq)]
struct Taken {
    records: Vec<String>,
    tokens: Vec<[Option<String>; 2]>,
    cursors: Vec<Option<i64>>,
    next: Option<String>,
    undeclared: Vec<String>,
}

fn fields() -> Fields {
    Fields::new(
        ["id", "updated_at"].into_iter(),
        Some("id"),
        Some("updated_at"),
    )
}

/// The body in pieces of this length, with what was learned from others.
fn take(fields: &mut Fields, frame: Frame, body: &[u8], length: usize) -> Result<Taken, BodyFault> {
    let mut splitter = Splitter::new(frame);
    let mut taken = Taken::default();
    for chunk in body.chunks(length.max(1)) {
        splitter.feed(chunk, fields, |record| {
            let text = |bytes: &[u8]| str::from_utf8(bytes).expect("a record is UTF-8").to_owned();
            taken.records.push(text(record.bytes));
            taken
                .tokens
                .push([record.key.map(text), record.cursor.map(text)]);
            taken.cursors.push(
                record
                    .cursor
                    .and_then(|cursor| Times::Milliseconds.read(cursor))
                    .map(|cursor| cursor.0),
            );
        })?;
    }
    taken.next = splitter.finish()?;
    taken.undeclared = fields.take_undeclared();
    Ok(taken)
}

/// The body in one piece, after it was seen that pieces of any length give the same.
fn take_in_any_pieces(frame: Frame, body: &[u8]) -> Result<Taken, BodyFault> {
    let mut known = fields();
    let whole = take(&mut known, frame, body, usize::MAX);
    for length in [1, 2, 3, 7, 64, 300] {
        let pieces = take(&mut fields(), frame, body, length);
        // Which of several faults is met first depends on the pieces; that there is one does not.
        assert_eq!(
            pieces.as_ref().ok(),
            whole.as_ref().ok(),
            "in pieces of {length}"
        );
    }
    // Nor does it matter that a body like it came before, but that undeclared fields are told once.
    let again = take(&mut known, frame, body, usize::MAX).ok();
    let undeclared = |taken: &Taken| taken.undeclared.clone();
    assert_eq!(
        again.map(|again| Taken {
            undeclared: whole.as_ref().map_or(Vec::new(), undeclared),
            ..again
        }),
        whole.as_ref().ok().cloned(),
        "after itself"
    );
    whole
}

/// A bare array is taken if and only if it is a JSON list of objects, and its records are the bytes of those.
pub fn body(data: &[u8]) {
    let taken = take_in_any_pieces(BARE, data);
    let list: Option<Vec<&RawValue>> = serde_json::from_slice(data).ok();
    let objects = list.filter(|list| list.iter().all(|value| value.get().starts_with('{')));
    match (taken, objects) {
        (Ok(taken), Some(objects)) => {
            let due: Vec<_> = objects
                .iter()
                .map(|object| object.get().replace(['\n', '\r'], ""))
                .collect();
            assert_eq!(taken.records, due);
            let tokens = taken.tokens.iter().flatten().flatten();
            tokens.for_each(|token| {
                _ = serde_json::from_str::<&RawValue>(token).expect("a token is JSON");
            });
        }
        (Err(fault), objects) => assert!(objects.is_none() || fault.lasts(), "{fault:?}"),
        (Ok(taken), None) => panic!("no list of objects: {taken:?}"),
    }
}

/// A page is taken only if it is JSON; its records are those under `data`, its link the one in `meta`; and no link leads
/// to another origin.
pub fn page(data: &[u8]) {
    if let Ok(taken) = take_in_any_pieces(LIST, data) {
        let whole: &RawValue = serde_json::from_slice(data).expect("what is taken is JSON");
        // What no `Value` can hold, a lone surrogate or deep nesting, is checked no further.
        if let Ok(page) = serde_json::from_str::<Value>(whole.get()) {
            let list = page["data"].as_array().expect("the list was found");
            assert_eq!(taken.records.len(), list.len());
            let next = page["meta"]["next"].as_str();
            assert_eq!(taken.next.as_deref(), next.filter(|next| !next.is_empty()));
            for (record, due) in taken.records.iter().zip(list) {
                assert_eq!(
                    serde_json::from_str::<Value>(record).ok().as_ref(),
                    Some(due)
                );
            }
            for (tokens, record) in taken.tokens.iter().zip(list) {
                for (token, name) in tokens.iter().zip(["id", "updated_at"]) {
                    let found = token
                        .as_ref()
                        .map(|token| serde_json::from_str::<Value>(token).ok());
                    assert_eq!(found.flatten().unwrap_or_default(), record[name]);
                }
            }
        }
        taken.next.iter().for_each(|next| follow(next));
    }
    str::from_utf8(data).into_iter().for_each(follow);
}

fn follow(link: &str) {
    let base_url = Url::parse("https://dev.dixa.io").expect("it is a URL");
    let settings = Settings {
        token: Token::new("no token"),
        exports_base_url: base_url.clone(),
        api_base_url: base_url,
        exports_requests_per_minute: 10,
        api_requests_per_second: 10,
    };
    let request = Client::new(settings).request(Host::Api, "/v1/agents", None, &[]);
    if let Ok(next) = request.follow(link, &[]) {
        assert_eq!(next.origin(), "https://dev.dixa.io", "{link}");
    }
}

/// Any bytes unpack to the same in pieces of any length, a bounded piece at a time, to an end or to a fault.
pub fn gzip(data: &[u8]) {
    let unpack = |length: usize| -> Result<Vec<u8>, BodyFault> {
        let mut decoder = Decoder::of(Some("gzip")).expect("gzip is known");
        let mut unpacked = Vec::new();
        for mut chunk in data.chunks(length) {
            while let Some(piece) = decoder.next(&mut chunk)? {
                assert!((1..=64 * 1024).contains(&piece.len()));
                unpacked.extend_from_slice(piece);
            }
            assert!(chunk.is_empty(), "all that came was looked at");
        }
        decoder.finish().map(|()| unpacked)
    };
    let whole = unpack(usize::MAX);
    for length in [1, 100] {
        assert_eq!(unpack(length).ok(), whole.as_ref().ok().cloned());
    }
}

/// Any text is a state or is refused, and a position that was read is read again as it was written.
pub fn state(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    for blob in state::parse(text).into_iter().flat_map(States::into_values) {
        if let Ok(Some(saved)) = Saved::parse(&blob, "updated_at", Times::Milliseconds) {
            let written = saved.to_blob("updated_at", Times::Milliseconds);
            assert_eq!(
                Saved::parse(&written, "updated_at", Times::Milliseconds)
                    .ok()
                    .flatten(),
                Some(saved)
            );
            let entry =
                json!([{"stream": {"stream_descriptor": {"name": "x"}, "stream_state": written}}]);
            assert_eq!(
                state::parse(&entry.to_string()).expect("it is a state")["x"],
                written
            );
        }
    }
}

/// Any text is a configured catalog or is refused.
pub fn catalog(data: &[u8]) {
    if let Ok(text) = str::from_utf8(data)
        && let Ok(streams) = catalog::parse(text)
    {
        let listed = serde_json::from_str::<Value>(text).expect("what is taken is JSON");
        assert_eq!(
            streams.len(),
            listed["streams"].as_array().map_or(0, Vec::len)
        );
    }
}
