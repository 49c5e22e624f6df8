//! A table of rows of analytics that merges by the key, compared with what Dixa has.

use std::collections::BTreeMap;

use dixa_simulator::data::clock::iso_date_ms;
use serde_json::Value;

use crate::model::dixa::Dixa;
use crate::model::read::Ran;

/// The rows of each kind, as often as they are there, without what the connector adds.
pub type Rows = BTreeMap<String, Vec<String>>;

/// A table that merges by the key.
#[derive(Default)]
pub struct Table(BTreeMap<[String; 3], String>);

impl Table {
    /// Merges the records of a read; no two of them have the same key.
    pub fn merge(&mut self, ran: &Ran) {
        let mut in_this_read = BTreeMap::new();
        for message in &ran.messages {
            let mut record = message["record"]["data"].clone();
            if let Some(fields) = record.as_object_mut() {
                let mut key = |name: &str| fields.shift_remove(name).unwrap().to_string();
                let key = [key("record"), key("row_hash"), key("copy")];
                let row = in_this_read.insert(key.clone(), record.to_string());
                assert_eq!(row, None, "{key:?} was written twice in one read");
            }
        }
        self.0.extend(in_this_read);
    }

    pub fn rows(&self) -> Rows {
        let mut rows = Rows::new();
        for ([kind, ..], row) in &self.0 {
            let kind = serde_json::from_str(kind).unwrap();
            rows.entry(kind).or_default().push(row.clone());
        }
        for rows in rows.values_mut() {
            rows.sort();
        }
        rows
    }
}

/// What Dixa has of the kinds in its catalogue from this time on.
pub fn at_dixa(dixa: &Dixa, from: i64) -> Rows {
    let mut rows = Rows::new();
    dixa.account(|account| {
        for (kind, row) in account.analytics_rows() {
            let row: Value = serde_json::from_str(&row).unwrap();
            let time = row["primaryTimestampField"]["timestamp"].as_str().unwrap();
            if account.has_record_id(kind) && *time >= *iso_date_ms(from) {
                rows.entry(kind.to_owned())
                    .or_default()
                    .push(row.to_string());
            }
        }
    });
    for rows in rows.values_mut() {
        rows.sort();
    }
    rows
}

/// The same rows, as often.
pub fn check_same(found: &Rows, expected: &Rows, name: &str) {
    assert!(found.keys().eq(expected.keys()), "{name}");
    for (kind, rows) in found {
        let count =
            |rows: &[String], row: &String| rows.iter().filter(|other| *other == row).count();
        for row in rows.iter().chain(&expected[kind]) {
            let counts = (count(rows, row), count(&expected[kind], row));
            assert_eq!(counts.0, counts.1, "{name}: {kind} {row}");
        }
    }
}
