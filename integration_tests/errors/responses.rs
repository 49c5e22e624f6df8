//! What a server may answer.

use std::io::Write;

use dixa_simulator::api::faults::Kind;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Case, case};
use crate::support::bench::Bench;

const JSON: &str = r#"{"message":"There was an internal server error"}"#;
const PAGE: &str = "<!DOCTYPE html><title>Just a moment...</title>";

/// A read whose every request gets this response.
fn read(status: &str, headers: &str, body: &str) -> Bench {
    bytes(status, headers, body.as_bytes())
}

fn bytes(status: &str, headers: &str, body: &[u8]) -> Bench {
    let mut response =
        format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n").into_bytes();
    response.extend_from_slice(body);
    Bench::read().raw(response)
}

pub fn statuses() -> Vec<Case> {
    let html = "Content-Type: text/html\r\n";
    vec![
        case("401", "", read("401 Unauthorized", "", JSON)),
        case("403 from Dixa", "", read("403 Forbidden", "", JSON)),
        case("403 with a web page", "", read("403 Forbidden", html, PAGE)),
        case(
            "401 with a web page",
            "",
            read("401 Unauthorized", html, PAGE),
        ),
        case("400", "", read("400 Bad Request", "", JSON)),
        case("404", "", read("404 Not Found", "", JSON)),
        case("404 with a web page", "", read("404 Not Found", html, PAGE)),
        case("405", "", read("405 Method Not Allowed", "", JSON)),
        case("407", "", read("407 Proxy Authentication Required", "", "")),
        case("410", "", read("410 Gone", "", JSON)),
        case("101", "", read("101 Switching Protocols", "", "")),
        case("205", "", read("205 Reset Content", "", "")),
        case(
            "302",
            "",
            read("302 Found", "Location: https://login.example.com\r\n", ""),
        ),
        case("304", "", read("304 Not Modified", "", "")),
        case("999", "", read("999 Request denied", "", "")),
        case("408", "", read("408 Request Timeout", "", "")),
        case("500", "", read("500 Internal Server Error", "", JSON)),
        case(
            "502 with a web page",
            "",
            read("502 Bad Gateway", html, PAGE),
        ),
        case(
            "503",
            "",
            read("503 Service Unavailable", "Retry-After: 1\r\n", JSON),
        ),
        case(
            "511",
            "",
            read("511 Network Authentication Required", html, PAGE),
        ),
    ]
}

pub fn bodies() -> Vec<Case> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(br#"{"data":[]}"#).unwrap();
    let packed = packed.finish().unwrap();
    let deep = format!(
        r#"{{"data":[{{"a":{}1{}}}]}}"#,
        "[".repeat(600),
        "]".repeat(600)
    );
    let answered = |body: &str| Bench::read().fault("/v1/", Kind::body(body));
    let lines = "X-Line: 1\r\n".repeat(1001);
    vec![
        case(
            "an encoding that was not requested",
            "",
            read("200 OK", "Content-Encoding: br\r\n", "x"),
        ),
        case(
            "two encodings",
            "",
            read("200 OK", "Content-Encoding: gzip, gzip\r\n", "x"),
        ),
        case(
            "more than 1,000 header lines",
            "",
            read("200 OK", &lines, r#"{"data":[]}"#),
        ),
        case("a web page with status 200", "", answered(PAGE)),
        case("text instead of JSON", "", answered("OK")),
        case("nothing instead of JSON", "", answered("")),
        case("JSON of another form", "", answered(r#"{"items":[]}"#)),
        case("a list of numbers", "", answered(r#"{"data":[1]}"#)),
        case("null instead of the list", "", answered(r#"{"data":null}"#)),
        case(
            "JSON that is cut off",
            "",
            answered(r#"{"data":[{"id":"1""#),
        ),
        case(
            "JSON with something behind it",
            "",
            answered(r#"{"data":[]} x"#),
        ),
        case("a gzip body that is cut off", "", {
            let half = &packed[..packed.len() / 2];
            let mut response =
                b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: gzip\r\n\r\n".to_vec();
            response.extend_from_slice(half);
            Bench::read().raw(response)
        }),
        case(
            "a body that is not the gzip it claims to be",
            "",
            read("200 OK", "Content-Encoding: gzip\r\n", r#"{"data":[]}"#),
        ),
        case(
            "a record of more than 512 levels",
            "",
            read("200 OK", "", &deep),
        ),
        case(
            "fewer bytes than Content-Length says",
            "",
            read("200 OK", "Content-Length: 1000\r\n", r#"{"data":["#),
        ),
    ]
}

pub fn links() -> Vec<Case> {
    let page = |next: &str| {
        read(
            "200 OK",
            "",
            &format!(r#"{{"data":[{{"id":"1"}}],"meta":{{"next":{next}}}}}"#),
        )
        .replaced_stream("endusers")
    };
    vec![
        case(
            "a link to another host",
            "",
            page(r#""https://other.example.com/v1/endusers?pageKey=2""#),
        ),
        case(
            "a link to the same page",
            "",
            page(r#""/v1/endusers?pageKey=2""#),
        ),
        case("a link that is not text", "", page("5")),
        case(
            "a link of more than 64 KB",
            "",
            page(&format!("\"/v1/endusers?pageKey={}\"", "x".repeat(70_000))),
        ),
    ]
}
