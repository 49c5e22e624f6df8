//! Responses that break the rules harmlessly, as those of some proxies and firewalls do, are read as curl reads them.

use std::io::Write;

use dixa_simulator::api::faults::{Fault, Kind};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::bench::Bench;
use crate::support::read::Read;
use crate::support::sim::Sim;

const BODY: &str = r#"{"data":[{"id":"1"}]}"#;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// A response with these header lines has its one record read.
fn check(headers: &[u8], body: &[u8]) {
    let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n";
    let response = [&head[..], headers, b"\r\n", body].concat();
    let ran = Bench::read().raw(response).run().succeeded();
    let headers = String::from_utf8_lossy(headers);
    assert_eq!(ran.records("tags"), [r#"{"id":"1"}"#], "{headers}");
}

#[test]
fn header_lines_that_break_the_rules_are_skipped() {
    for headers in [
        &b"Set-Cookie: a=b\x01c\r\n"[..],
        b"X-A: 1\r\n  folded\r\n",
        b"X Bad: 1\r\n",
        b"X-Bad : 1\r\n",
        b"this line has none\r\n",
        b"X-Latin: caf\xe9\r\n",
        b": no name\r\n",
        b"X-Empty:\r\n",
        b"X-\xff: 1\r\n",
        b"Date: yesterday\r\nRetry-After: soon\r\n",
    ] {
        check(headers, BODY.as_bytes());
    }
    check("X-Line: 1\r\n".repeat(990).as_bytes(), BODY.as_bytes());
}

#[test]
fn a_content_encoding_that_encodes_nothing_is_ignored() {
    for encoding in ["", "identity", "none", "UTF-8", "utf8", "identity, none"] {
        let header = format!("Content-Encoding: {encoding}\r\n");
        check(header.as_bytes(), BODY.as_bytes());
    }
    let header = b"Content-Encoding: identity\r\nContent-Encoding: gzip\r\n";
    check(header, &gzip(BODY.as_bytes()));
}

#[test]
fn a_byte_order_mark_and_padding_are_skipped() {
    let marked = format!("\u{feff}{BODY}");
    check(b"", marked.as_bytes());
    let packed = b"Content-Encoding: gzip\r\n";
    check(packed, &gzip(marked.as_bytes()));
    let padded = [gzip(BODY.as_bytes()), vec![0; 70_000]].concat();
    check(packed, &padded);
    let (one, two) = BODY.as_bytes().split_at(7);
    check(
        packed,
        &[gzip(one), vec![0; 3], gzip(two), vec![0]].concat(),
    );
}

#[test]
fn a_page_size_that_is_rejected_with_422_is_asked_for_smaller() {
    let simulator = Sim::new()
        .fault(Fault::at("/v1/agents", 0, Kind::status(422)))
        .start();
    let ran = Read::of(&simulator).streams(["agents"]).run().succeeded();
    assert!(!ran.records("agents").is_empty());
}

#[test]
fn the_text_of_an_error_is_in_internal_message_short_and_without_the_token() {
    let long = "x".repeat(100_000);
    let body =
        format!(r#"{{"message":"the page key has expired for {{token}}{{token}}, {long}"}}"#);
    let body = body.replace("{token}", crate::support::config::TOKEN);
    let response = format!("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n{body}");
    let ran = Bench::read().raw(response).run();
    let cause = ran.errors()[0]["internal_message"].as_str().unwrap();
    assert!(
        cause.starts_with("the page key has expired for ******, xxx"),
        "{cause}"
    );
    assert_eq!(cause.chars().count(), 500);
}
