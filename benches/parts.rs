//! The parts of the hot path, each by itself and all of them together, over bodies in memory.

use std::hint::black_box;
use std::io;
use std::pin::Pin;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::header::HeaderMap;
use reqwest::{Response, Url};
use source_dixa::airbyte::catalog;
use source_dixa::airbyte::format::Format;
use source_dixa::airbyte::log::Level;
use source_dixa::airbyte::output::Output;
use source_dixa::airbyte::state::States;
use source_dixa::commands::read::{self, Job};
use source_dixa::config::Config;
use source_dixa::dixa::body::Decoder;
use source_dixa::dixa::client::Client;
use source_dixa::dixa::error::Error;
use source_dixa::dixa::record::Record;
use source_dixa::dixa::records::Splitter;
use source_dixa::dixa::transport::Transport;
use source_dixa::epoch::EpochMs;
use source_dixa::seam::{Fingerprint, Place, Seam};
use source_dixa::streams;
use source_dixa::terminal::Terminal;
use source_dixa::window::Window;
use tokio::runtime::Builder;

use crate::simulator::bulk::Bulk;

/// The first thirty days of 2026, in ms.
const JANUARY: std::ops::RangeInclusive<i64> = 1_767_225_600_000..=1_769_817_599_999;

/// An export of so many conversations, about 2.2 KB each, as Dixa would write it.
pub fn compact(records: usize) -> Bytes {
    let mut body = Vec::new();
    Bulk::new(records, &JANUARY)
        .render(&mut body)
        .expect("a vector takes all bytes");
    body.into()
}

/// The same with a blank after each comma and colon, as many programs write JSON.
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
    // A million small pieces given back would slow down whoever allocates next, and that is what is measured.
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
    let stream = streams::find("conversations").expect("it is a stream");
    let (mut splitter, mut fields) = (Splitter::new(stream.frame), stream.fields());
    let mut records = 0;
    for piece in body.chunks(64 * 1024) {
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

/// Unpacks a body; how many bytes it has.
pub fn unpack(mut wire: &[u8]) -> usize {
    let mut decoder = Decoder::of(Some("gzip")).expect("it is known");
    let mut bytes = 0;
    while let Ok(Some(piece)) = decoder.next(&mut wire) {
        bytes += black_box(piece).len();
    }
    bytes
}

/// The places and fingerprints of so many records of a month, in the order of time.
pub fn written(records: usize) -> Vec<(Place, Fingerprint)> {
    let (start, end) = (EpochMs(*JANUARY.start()), EpochMs(*JANUARY.end() + 1));
    let length = end.0 - start.0;
    let count = i64::try_from(records).unwrap_or(i64::MAX);
    let written = |number: i64| {
        let cursor = EpochMs(start.0 + number * length / count);
        let (key, version) = (number.to_string(), cursor.0.to_string());
        let fingerprint = Fingerprint::new(key.as_bytes(), version.as_bytes());
        (Place::of(&Window { start, end }, Some(cursor)), fingerprint)
    };
    (0..count).map(written).collect()
}

/// Remembers records; how many were new.
pub fn remember(written: &[(Place, Fingerprint)]) -> usize {
    let mut seam = Seam::default();
    let is_new =
        |(place, fingerprint): &&(Place, Fingerprint)| seam.is_new(0, *place, *fingerprint);
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
    let begin = Format::Airbyte.record_begin("conversations");
    runtime().block_on(async {
        for number in 0..records {
            output.record(&begin, record);
            if number % 30 == 0 {
                output.room().await;
            }
        }
        output.close().await.expect("nothing takes all bytes");
    });
}

/// A whole read of one window, but for the socket: its body lies in memory.
pub fn read(body: &Bytes) {
    let config = r#"{"api_token":"t","start_date":"2026-01-01","end_date":"2026-01-31",
        "exports_base_url":"http://127.0.0.1:1","api_base_url":"http://127.0.0.1:1"}"#;
    let catalog = r#"{"streams":[{"stream":{"name":"conversations"},"sync_mode":"full_refresh"}]}"#;
    let job = Job {
        config: Config::parse(config).unwrap_or_else(|_| unreachable!("it is a config")),
        configured: catalog::parse(catalog).unwrap_or_else(|_| unreachable!("it is a catalog")),
        states: States::new(),
        now: EpochMs::now().floor_to_second(),
    };
    let way = || Box::new(Memory(body.clone()));
    let is_done = runtime().block_on(async {
        let client = Client::over(job.config.settings.clone(), way(), way());
        let output = Output::to(Level::Info, io::sink());
        let is_done = read::run(&job, &client, &output, &Terminal::unseen()).await;
        output.close().await.expect("nothing takes all bytes");
        is_done
    });
    assert!(is_done, "the body is an export");
}

struct Memory(Bytes);

impl Transport for Memory {
    fn get<'a>(
        &'a self,
        _: &'a Url,
        _: HeaderMap,
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
