//! Requests as they come in over a socket, up to the last byte of their head, which stays unread on purpose.

use std::io::{self, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::clock::Stop;

const LARGEST_HEAD: usize = 64 * 1024;
const SLOWEST_HEAD: Duration = Duration::from_secs(10);

/// One request, decoded.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// What stands after the `?`, as it came.
    pub query: String,
    /// The query's names and values, percent-decoded.
    pub pairs: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
}

/// The first value of this name.
pub fn named<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let pair = pairs.iter().find(|(known, _)| known == name);
    pair.map(|(_, value)| value.as_str())
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        named(&self.headers, name)
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        named(&self.pairs, name)
    }

    /// Path and query, as they came.
    pub fn target(&self) -> String {
        if self.query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, self.query)
        }
    }

    pub fn accepts_gzip(&self) -> bool {
        self.header("accept-encoding")
            .is_some_and(|value| value.contains("gzip"))
    }

    pub fn wants_close(&self) -> bool {
        self.header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// A GET of this target (path and query) with this `Authorization`.
    pub fn get(target: &str, authorization: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method: "GET".to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            pairs: pairs(query),
            headers: vec![("authorization".to_owned(), authorization.to_owned())],
        }
    }

    fn body_bytes(&self) -> usize {
        self.header("content-length")
            .and_then(|value| value.parse().ok())
            .unwrap_or(0)
    }
}

/// Reads the next request, all but the last byte of its head; `None` once the client is gone.
///
/// A socket that is closed with unread bytes makes Linux send RST instead of FIN. The one byte left over gives that
/// choice at any point of the answer: close it as it is for a reset, or `finish` first for a clean end.
pub fn receive(socket: &mut TcpStream, stop: &Stop) -> io::Result<Option<Request>> {
    let mut head = vec![0; LARGEST_HEAD];
    let began = Instant::now();
    loop {
        let seen = socket.peek(&mut head)?;
        if seen == 0 || stop.is_stopped() {
            return Ok(None);
        }
        if let Some(end) = head[..seen].windows(4).position(|four| four == b"\r\n\r\n") {
            head.truncate(end + 3);
            socket.read_exact(&mut head)?;
            return parsed(&head).map(Some);
        }
        if seen == LARGEST_HEAD || began.elapsed() > SLOWEST_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        stop.wait(Duration::from_millis(1));
    }
}

/// Reads what `receive` left: the head's last byte and the request's body.
pub fn finish(socket: &mut TcpStream, request: &Request) -> io::Result<()> {
    let rest = 1 + request.body_bytes() as u64;
    io::copy(&mut socket.take(rest), &mut io::sink()).map(drop)
}

fn parsed(head: &[u8]) -> io::Result<Request> {
    let head = str::from_utf8(head).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target)) = (first.next(), first.next()) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = lines.filter_map(|line| line.split_once(':'));
    Ok(Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        pairs: pairs(query),
        headers: headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect(),
    })
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

/// Percent-decoding as forms have it: `+` is a blank.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after
            .get(..2)
            .and_then(|two| str::from_utf8(two).ok())
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        rest = match (byte, code) {
            (b'%', Some(code)) => {
                bytes.push(code);
                &after[2..]
            }
            (b'+', _) => {
                bytes.push(b' ');
                after
            }
            _ => {
                bytes.push(byte);
                after
            }
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
