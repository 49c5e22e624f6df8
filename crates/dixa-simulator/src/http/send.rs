//! Responses on their way over the socket: head, framing, compression.

use std::io::{self, Write};
use std::net::TcpStream;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::body_writer::BodyWriter;
use super::delivery::{Ending, SendOptions};
use crate::api::faults::{Cut, Kind};
use crate::api::response::Response;
use crate::api::switches::{DateHeader, Encoding, Framing};
use crate::data::clock::{http_date, now_ms};

/// Sends a response. Returns how many bytes of the body were sent, and how the connection goes on.
pub fn send(
    socket: &mut TcpStream,
    response: &Response,
    options: &SendOptions,
) -> io::Result<(usize, Ending)> {
    let gzip = response.status == 200
        && options.accepts_gzip
        && options.switches.encoding == Encoding::Gzip;
    let has_body = !matches!(response.status, 204 | 304);
    let held = (has_body && options.switches.framing == Framing::Length)
        .then(|| compressed(response, options, gzip, Vec::new()))
        .transpose()?;
    let mut headers = headers(response, options);
    if gzip {
        headers.push(("Content-Encoding".to_owned(), "gzip".to_owned()));
    }
    if let Some(body) = &held {
        headers.push((
            "Content-Length".to_owned(),
            content_length(body, options).to_string(),
        ));
    } else if has_body {
        headers.push(("Transfer-Encoding".to_owned(), "chunked".to_owned()));
    }
    socket.write_all(&head(response, &headers)?)?;
    if !has_body {
        return Ok((0, Ending::KeepAlive));
    }
    let mut writer = BodyWriter::new(socket, options, held.is_none());
    let written = match held {
        Some(body) => writer.write_all(&body),
        None => compressed(response, options, gzip, &mut writer).map(drop),
    };
    writer.end(written)
}

fn headers(response: &Response, options: &SendOptions) -> Vec<(String, String)> {
    let date = match options.switches.date {
        DateHeader::Correct => Some(now_ms()),
        DateHeader::Shifted(seconds) => Some(now_ms() + seconds * 1000),
        DateHeader::Absent => None,
    };
    let date = date.map(|date| ("Date".to_owned(), http_date(date)));
    let has_content_type = response
        .headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let content_type =
        (!has_content_type).then(|| ("Content-Type".to_owned(), response.content_type.to_owned()));
    let own = date.into_iter().chain(content_type);
    own.chain(response.headers.iter().cloned()).collect()
}

fn head(response: &Response, headers: &[(String, String)]) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    write!(
        head,
        "HTTP/1.1 {} {}\r\n",
        response.status,
        response.reason()
    )?;
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n")?;
    }
    head.extend_from_slice(b"\r\n");
    Ok(head)
}

/// Content-Length differs from the body only for the fault that ends the content too early.
fn content_length(body: &[u8], options: &SendOptions) -> usize {
    match options.fault {
        Some(Kind::CutBody {
            after_bytes,
            how: Cut::CleanChunkEnd,
        }) => body.len().min(*after_bytes),
        _ => body.len(),
    }
}

fn compressed<W: Write>(
    response: &Response,
    options: &SendOptions,
    gzip: bool,
    mut out: W,
) -> io::Result<W> {
    let layout = options.switches.layout;
    if gzip {
        let mut encoder = GzEncoder::new(out, Compression::fast());
        response.render(layout, &mut encoder)?;
        return encoder.finish();
    }
    response.render(layout, &mut out)?;
    Ok(out)
}
