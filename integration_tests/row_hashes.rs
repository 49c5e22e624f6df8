//! The key of rows of analytics, which Dixa does not give: the hash of a row's bytes and the number of its copy.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::expected::without_row_hash;
use crate::support::read::Read;
use crate::support::sim::Sim;

const STREAM: &str = "analytics_record_data";

/// The hash and the copy of each record, by the record without them.
type Keys = BTreeMap<String, BTreeSet<(String, u64)>>;

fn keys(records: &[&str]) -> Keys {
    let mut keys = Keys::new();
    for record in records {
        let parsed: Value = serde_json::from_str(record).unwrap();
        let copy = parsed["copy"].as_u64().unwrap();
        let row = without_row_hash(record).replacen(&format!(r#""copy":{copy},"#), "", 1);
        let key = (parsed["row_hash"].as_str().unwrap().to_owned(), copy);
        assert!(keys.entry(row).or_default().insert(key), "twice: {record}");
    }
    keys
}

#[test]
fn equal_rows_have_the_same_hash_and_are_numbered_from_one_in_every_read() {
    let simulator = Sim::new().start();
    let read = || Read::of(&simulator).streams([STREAM]).run().succeeded();
    let (ran, again) = (read(), read());
    let keys = keys(&ran.records(STREAM));
    let mut hashes = BTreeSet::new();
    let mut twins = 0;
    for row in keys.values() {
        let (hash, _) = row.first().unwrap();
        let numbered = row
            .iter()
            .zip(1..)
            .all(|(key, copy)| *key == (hash.clone(), copy));
        assert!(numbered, "{row:?}");
        twins += usize::from(row.len() > 1);
        hashes.insert(hash);
    }
    // Rows of two kinds may be equal, too: the id of the kind is part of the key.
    assert!(twins > 10 && hashes.len() > keys.len() * 9 / 10);
    assert_eq!(keys, self::keys(&again.records(STREAM)));
}

#[test]
fn the_added_fields_come_first_and_everything_else_is_dixas() {
    let simulator = Sim::new().start();
    let ran = Read::of(&simulator).streams([STREAM]).run().succeeded();
    for record in ran.records(STREAM) {
        let fields = serde_json::from_str::<Value>(record).unwrap();
        let names: Vec<_> = fields.as_object().unwrap().keys().take(4).collect();
        assert_eq!(
            names,
            ["record", "row_hash", "copy", "primaryTimestampField"]
        );
    }
}
