//! The parts of the hot path, each by itself and all of them together, over bodies in memory.

use std::hint::black_box;
use std::io;
use std::pin::Pin;

use bytes::Bytes;
use dixa_simulator::data::bulk::Bulk;
use flate2::Compression;
use flate2::write::GzEncoder;
use record_splitter::Record;
use record_splitter::Splitter;
use reqwest::header::HeaderMap;
use reqwest::{Response, Url};
use source_dixa::airbyte::catalog;
use source_dixa::airbyte::log::Level;
use source_dixa::airbyte::state::States;
use source_dixa::commands::read::{self, context::Job};
use source_dixa::config::Config;
use source_dixa::dedup::{Fingerprint, Overlap, SeenRecords};
use source_dixa::dixa::client::Client;
use source_dixa::dixa::error::Error;
use source_dixa::dixa::gzip::Decoder;
use source_dixa::dixa::rate_limit::Connections;
use source_dixa::dixa::transport::Transport;
use source_dixa::epoch::EpochMs;
use source_dixa::output::Output;
use source_dixa::output::console::Terminal;
use source_dixa::output::format::Format;
use source_dixa::streams::table;
use source_dixa::window::Window;
use tokio::runtime::Builder;

/// The first thirty days of 2026, in ms.
const JANUARY: std::ops::RangeInclusive<i64> = 1_767_225_600_000..=1_769_817_599_999;

/// An export of this many conversations, about 2.2 KB each, as Dixa would write it.
pub fn compact(records: usize) -> Bytes {
    let mut body = Vec::new();
    Bulk::new(records, &JANUARY)
        .render(&mut body)
        .expect("a vector takes all bytes");
    body.into()
}

/// The same with a space after each comma and colon, as many programs write JSON.
pub fn spaced(body: &[u8]) -> Bytes {
    rewritten(body, Spaced)
}

/// The same in lines, indented.
pub fn pretty(body: &[u8]) -> Bytes {
    rewritten(body, serde_json::ser::PrettyFormatter::new())
}

fn rewritten(body: &[u8], formatter: impl serde_json::ser::Formatter) -> Bytes {
    let value: serde_json::Value = serde_json::from_slice(body).expect("it is JSON");
    let mut text = Vec::new();
    let mut writer = serde_json::Serializer::with_formatter(&mut text, formatter);
    serde::Serialize::serialize(&value, &mut writer).expect("a vector takes all bytes");
    // Freeing a million small allocations would slow down the next ones, and those are measured.
    std::mem::forget(value);
    text.into()
}

struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: io::Write + ?Sized>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        out.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: io::Write + ?Sized>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.begin_array_value(out, first)
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }
}

pub fn gzipped(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    io::Write::write_all(&mut encoder, body)
        .and_then(|()| encoder.finish())
        .expect("a vector takes all bytes")
        .into()
}

/// Splits a body into records, checked to be JSON in UTF-8, with their keys and cursors; how many there are.
pub fn split(body: &[u8]) -> usize {
    split_in(64 * 1024, body)
}

/// The same of a body that arrives in pieces of this many bytes.
pub fn split_in(piece: usize, body: &[u8]) -> usize {
    let stream = table::find("conversations").expect("it is a stream");
    let (mut splitter, mut fields) = (Splitter::new(stream.frame), stream.fields());
    let mut records = 0;
    for piece in body.chunks(piece) {
        let emit = |record: Record<'_>| {
            black_box((record.bytes, record.key, record.cursor));
            records += 1;
        };
        splitter
            .feed(piece, &mut fields, emit)
            .unwrap_or_else(|_| unreachable!("it is an export"));
    }
    records
}

/// Decompresses a body; how many bytes it has.
pub fn unpack(mut wire: &[u8]) -> usize {
    let mut decoder = Decoder::of(Some("gzip")).expect("it is known");
    let mut bytes = 0;
    while let Ok(Some(piece)) = decoder.next(&mut wire) {
        bytes += black_box(piece).len();
    }
    bytes
}

/// The overlaps and fingerprints of this many records of a month, in time order.
pub fn written(records: usize) -> Vec<(Overlap, Fingerprint)> {
    let (start, end) = (EpochMs(*JANUARY.start()), EpochMs(*JANUARY.end() + 1));
    let length = end.0 - start.0;
    let count = i64::try_from(records).unwrap_or(i64::MAX);
    let written = |number: i64| {
        let cursor = EpochMs(start.0 + number * length / count);
        let (key, version) = (number.to_string(), cursor.0.to_string());
        let fingerprint = Fingerprint::new(key.as_bytes(), version.as_bytes());
        (
            Overlap::of(&Window { start, end }, Some(cursor)),
            fingerprint,
        )
    };
    (0..count).map(written).collect()
}

/// Remembers records; how many were new.
pub fn remember(written: &[(Overlap, Fingerprint)]) -> usize {
    let mut seen = SeenRecords::default();
    let is_new =
        |(place, fingerprint): &&(Overlap, Fingerprint)| seen.insert(0, *place, *fingerprint);
    written.iter().filter(is_new).count()
}

/// One record, without the list around it.
pub fn record() -> Bytes {
    let list = compact(1);
    list.slice(1..list.len() - 1)
}

/// Writes a record again and again, to nothing.
pub fn write(record: &[u8], records: usize) {
    let output = Output::to(Level::Info, io::sink());
    let begin = Format::Airbyte.record_prefix("conversations", None);
    runtime().block_on(async {
        for number in 0..records {
            output.record(&begin, record);
            if number % 30 == 0 {
                output.ready().await;
            }
        }
        output.close().await.expect("nothing takes all bytes");
    });
}

/// A whole read of one window, without a socket: its body is in memory.
pub fn read(body: &Bytes) {
    let catalog = r#"{"streams":[{"stream":{"name":"conversations"},"sync_mode":"full_refresh"}]}"#;
    read_as(false, catalog, Format::Airbyte, body);
}

/// The same for Singer, with typed values and without two fields.
pub fn read_typed(body: &Bytes) {
    let catalog = r#"{"streams":[{"tap_stream_id":"conversations","metadata":[
        {"breadcrumb":[],"metadata":{"selected":true,"replication-method":"FULL_TABLE"}},
        {"breadcrumb":["properties","requester_email"],"metadata":{"selected":false}},
        {"breadcrumb":["properties","ratings","items","properties","rating_message"],"metadata":{"selected":false}}]}]}"#;
    read_as(true, catalog, Format::Singer, body);
}

fn read_as(typed_values: bool, catalog: &str, format: Format, body: &Bytes) {
    let config = format!(
        r#"{{"api_token":"t","start_date":"2026-01-01","end_date":"2026-01-31","typed_values":{typed_values},
        "exports_base_url":"http://127.0.0.1:1","api_base_url":"http://127.0.0.1:1"}}"#
    );
    let job = Job {
        config: Config::parse(&config).unwrap_or_else(|_| unreachable!("it is a config")),
        configured: catalog::parse(catalog).unwrap_or_else(|_| unreachable!("it is a catalog")),
        states: States::new(),
        now: EpochMs::now().floor_to_second(),
    };
    let way = || Box::new(Memory(body.clone()));
    let is_done = runtime().block_on(async {
        let client = Client::with_transports(job.config.settings.clone(), way(), way());
        let output = Output::to(Level::Info, io::sink()).in_format(format);
        let is_done = read::run(&job, &client, &output, &Terminal::hidden()).await;
        output.close().await.expect("nothing takes all bytes");
        is_done
    });
    assert!(is_done, "the body is an export");
}

struct Memory(Bytes);

impl Transport for Memory {
    fn send<'a>(
        &'a self,
        _: &'a Url,
        _: HeaderMap,
        _: Option<&'a str>,
        _: &'a Connections,
    ) -> Pin<Box<dyn Future<Output = Result<Response, Error>> + 'a>> {
        let response = http::Response::new(self.0.clone());
        Box::pin(async { Ok(response.into()) })
    }
}

fn runtime() -> tokio::runtime::Runtime {
    Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime of one thread")
}
