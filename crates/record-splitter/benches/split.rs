//! Times the splitter in comparison with `serde_json`: `cargo bench -p record-splitter`.
#![expect(clippy::expect_used, reason = "a benchmark fails by panicking")]

use std::fmt::Write;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use record_splitter::{Fields, RecordPath, Splitter};

/// Some 10 MB.
const RECORDS: u32 = 20_000;

fn main() {
    divan::main();
}

/// A list of records that are alike in their fields and differ in their values, with `gap` after each comma and colon.
fn body(gap: &str) -> String {
    let mut body = String::from("[");
    for number in 0..RECORDS {
        let separator = if number == 0 { "" } else { "," };
        write!(
            body,
            r#"{separator}{gap}{{"id":{gap}{number},{gap}"updated_at":{gap}{},{gap}"subject":{gap}"Order {number}: \"late\"",{gap}"#,
            1_770_000_000_000_u64 + u64::from(number) * 997
        )
        .expect("a string takes all text");
        write!(
            body,
            r#""tags":{gap}[{{"name":{gap}"vip"}},{gap}{{"name":{gap}"r{}"}}],{gap}"rating":{gap}{},{gap}"text":{gap}"{}"}}"#,
            number % 7,
            if number % 3 == 0 { "null" } else { "4.5" },
            "Thank you for your order. ".repeat(12)
        )
        .expect("a string takes all text");
    }
    body.push(']');
    body
}

/// The number of records in a body that arrives in chunks of 64 KiB.
fn split(body: &[u8]) -> usize {
    let names = ["id", "updated_at", "subject", "tags", "rating", "text"];
    let mut fields = Fields::new(names.into_iter(), Some("id"), Some("updated_at"));
    let mut splitter = Splitter::new(RecordPath::Array(&[]));
    let mut records = 0;
    for chunk in body.chunks(64 * 1024) {
        splitter
            .feed(chunk, &mut fields, |_| records += 1)
            .expect("the body is a list");
    }
    splitter.finish().expect("the body is whole");
    records
}

fn bench(bencher: Bencher<'_, '_>, body: &str, work: impl Fn(&[u8]) -> usize + Sync) {
    bencher
        .counter(BytesCount::of_str(body))
        .bench(|| work(black_box(body.as_bytes())));
}

#[divan::bench]
fn compact(bencher: Bencher<'_, '_>) {
    bench(bencher, &body(""), split);
}

#[divan::bench]
fn spaced(bencher: Bencher<'_, '_>) {
    bench(bencher, &body(" "), split);
}

/// Only finds the records: no check of UTF-8 in strings, no keys.
#[divan::bench]
fn serde_json_raw_values(bencher: Bencher<'_, '_>) {
    bench(bencher, &body(""), |body| {
        let records: Vec<&serde_json::value::RawValue> =
            serde_json::from_slice(body).expect("the body is a list");
        records.len()
    });
}
