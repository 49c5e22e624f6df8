//! Times the parts of the hot path: `cargo bench --bench hot_path`.
#![expect(clippy::expect_used, reason = "a benchmark fails by panicking")]

mod forms;
mod parts;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};

/// Some 22 MB.
const RECORDS: usize = 10_000;

fn main() {
    divan::main();
}

fn over(bencher: Bencher<'_, '_>, body: &[u8], part: impl Fn(&[u8]) -> usize + Sync) {
    bencher
        .counter(BytesCount::of_slice(body))
        .bench(|| part(black_box(body)));
}

#[divan::bench]
fn split_compact(bencher: Bencher<'_, '_>) {
    over(bencher, &parts::compact(RECORDS), parts::split);
}

#[divan::bench]
fn split_spaced(bencher: Bencher<'_, '_>) {
    over(
        bencher,
        &parts::spaced(&parts::compact(RECORDS)),
        parts::split,
    );
}

#[divan::bench]
fn split_pretty(bencher: Bencher<'_, '_>) {
    over(
        bencher,
        &parts::pretty(&parts::compact(RECORDS)),
        parts::split,
    );
}

#[divan::bench]
fn split_sparse(bencher: Bencher<'_, '_>) {
    over(
        bencher,
        &forms::sparse(&parts::compact(RECORDS)),
        parts::split,
    );
}

#[divan::bench]
fn split_shuffled(bencher: Bencher<'_, '_>) {
    over(
        bencher,
        &forms::shuffled(&parts::compact(RECORDS)),
        parts::split,
    );
}

#[divan::bench]
fn split_interleaved(bencher: Bencher<'_, '_>) {
    over(
        bencher,
        &forms::interleaved(&parts::compact(RECORDS)),
        parts::split,
    );
}

#[divan::bench]
fn split_pretty_shuffled(bencher: Bencher<'_, '_>) {
    over(
        bencher,
        &parts::pretty(&forms::shuffled(&parts::compact(RECORDS))),
        parts::split,
    );
}

#[divan::bench]
fn split_byte_by_byte(bencher: Bencher<'_, '_>) {
    over(bencher, &parts::compact(RECORDS / 10), |body| {
        parts::split_in(1, body)
    });
}

/// What a library takes just to find the records: it checks less (no UTF-8 in strings) and finds no keys.
#[divan::bench]
fn split_by_serde_json(bencher: Bencher<'_, '_>) {
    over(bencher, &parts::compact(RECORDS), |body| {
        let records: Vec<&serde_json::value::RawValue> =
            serde_json::from_slice(body).expect("it is a list");
        records.len()
    });
}

#[divan::bench]
fn unpack(bencher: Bencher<'_, '_>) {
    over(
        bencher,
        &parts::gzipped(&parts::compact(RECORDS)),
        parts::unpack,
    );
}

#[divan::bench]
fn remember(bencher: Bencher<'_, '_>) {
    let written = parts::written(RECORDS);
    bencher.bench(|| parts::remember(black_box(&written)));
}

#[divan::bench]
fn write(bencher: Bencher<'_, '_>) {
    let record = parts::record();
    bencher
        .counter(BytesCount::new(record.len() * RECORDS))
        .bench(|| parts::write(black_box(&record), RECORDS));
}

#[divan::bench]
fn read(bencher: Bencher<'_, '_>) {
    let body = parts::compact(RECORDS);
    bencher
        .counter(BytesCount::of_slice(&body))
        .bench(|| parts::read(black_box(&body)));
}

#[divan::bench]
fn read_typed(bencher: Bencher<'_, '_>) {
    let body = parts::compact(RECORDS);
    bencher
        .counter(BytesCount::of_slice(&body))
        .bench(|| parts::read_typed(black_box(&body)));
}
