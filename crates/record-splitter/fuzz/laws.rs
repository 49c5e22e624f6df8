//! The laws that hold for any bytes. The fuzz targets check them, and so does `tests/fuzz_corpus.rs`.

use std::str;

use record_splitter::{Fields, RecordPath, SplitError, Splitter};
use serde_json::Value;
use serde_json::value::RawValue;

const BARE: RecordPath = RecordPath::Array(&[]);
const LIST: RecordPath = RecordPath::Array(&["data"]);

/// The result of splitting a body.
#[derive(Clone, Debug, Default, PartialEq)]
struct Split {
    records: Vec<String>,
    tokens: Vec<[Option<String>; 2]>,
    frame: String,
    undeclared: Vec<String>,
}

fn fields() -> Fields {
    Fields::new(
        ["id", "updated_at"].into_iter(),
        Some("id"),
        Some("updated_at"),
    )
}

/// Splits a body in pieces of this length, with the structure learned from earlier bodies.
fn split(
    fields: &mut Fields,
    frame: RecordPath,
    body: &[u8],
    length: usize,
) -> Result<Split, SplitError> {
    let mut splitter = Splitter::new(frame);
    let mut result = Split::default();
    for chunk in body.chunks(length.max(1)) {
        splitter.feed(chunk, fields, |record| {
            let text = |bytes: &[u8]| str::from_utf8(bytes).expect("a record is UTF-8").to_owned();
            result.records.push(text(record.bytes));
            result
                .tokens
                .push([record.key.map(text), record.cursor.map(text)]);
        })?;
    }
    result.frame = splitter.finish()?.to_owned();
    result.undeclared = fields.take_undeclared();
    Ok(result)
}

/// Splits a body as a whole, and checks that pieces of any length give the same result.
fn split_in_any_pieces(frame: RecordPath, body: &[u8]) -> Result<Split, SplitError> {
    let mut known = fields();
    let whole = split(&mut known, frame, body, usize::MAX);
    for length in [1, 2, 3, 7, 64, 300] {
        let pieces = split(&mut fields(), frame, body, length);
        // The pieces determine which of several faults is found first, but not whether there is one.
        assert_eq!(
            pieces.as_ref().ok(),
            whole.as_ref().ok(),
            "in pieces of {length}"
        );
    }
    // A second time, the result is the same, except that undeclared fields are reported only once.
    let again = split(&mut known, frame, body, usize::MAX).ok();
    let undeclared = |split: &Split| split.undeclared.clone();
    assert_eq!(
        again.map(|again| Split {
            undeclared: whole.as_ref().map_or(Vec::new(), undeclared),
            ..again
        }),
        whole.as_ref().ok().cloned(),
        "after itself"
    );
    whole
}

/// A bare array is accepted if and only if it is a JSON list of objects, and its records are the bytes of these objects.
pub fn body(data: &[u8]) {
    let result = split_in_any_pieces(BARE, data);
    let list: Option<Vec<&RawValue>> = serde_json::from_slice(data).ok();
    let objects = list.filter(|list| list.iter().all(|value| value.get().starts_with('{')));
    match (result, objects) {
        (Ok(result), Some(objects)) => {
            let expected: Vec<_> = objects
                .iter()
                .map(|object| object.get().replace(['\n', '\r'], ""))
                .collect();
            assert_eq!(result.records, expected);
            let tokens = result.tokens.iter().flatten().flatten();
            tokens.for_each(|token| {
                _ = serde_json::from_str::<&RawValue>(token).expect("a token is JSON");
            });
        }
        (Err(fault), objects) => assert!(objects.is_none() || fault.is_permanent(), "{fault:?}"),
        (Ok(result), None) => panic!("not a list of objects: {result:?}"),
    }
}

/// A page is accepted only if it is JSON. Its records are those under `data`, and its frame is everything else.
pub fn page(data: &[u8]) {
    if let Ok(result) = split_in_any_pieces(LIST, data) {
        let whole: &RawValue = serde_json::from_slice(data).expect("an accepted page is JSON");
        // Pages that `Value` cannot represent, with an unpaired surrogate or deep nesting, are not checked further.
        if let Ok(page) = serde_json::from_str::<Value>(whole.get()) {
            let list = page["data"].as_array().expect("the list was found");
            assert_eq!(result.records.len(), list.len());
            let mut frame = page.clone();
            frame["data"] = Value::Array(Vec::new());
            assert_eq!(
                serde_json::from_str::<Value>(&result.frame).ok(),
                Some(frame)
            );
            for (record, expected) in result.records.iter().zip(list) {
                assert_eq!(
                    serde_json::from_str::<Value>(record).ok().as_ref(),
                    Some(expected)
                );
            }
            for (tokens, record) in result.tokens.iter().zip(list) {
                for (token, name) in tokens.iter().zip(["id", "updated_at"]) {
                    let found = token
                        .as_ref()
                        .map(|token| serde_json::from_str::<Value>(token).ok());
                    assert_eq!(found.flatten().unwrap_or_default(), record[name]);
                }
            }
        }
    }
}
