//! A minimal client: one connection per request, and the complete reply.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use dixa_simulator::{Scenario, Simulator};
use flate2::read::GzDecoder;
use serde_json::Value;

pub const BEARER: &str = "Authorization: Bearer simulated-token\r\n";
pub const BARE: &str = "Authorization: simulated-token\r\n";
/// All conversations of the default account.
pub const ALL: &str = "updated_after=1767225600000&updated_before=1769903999999";

/// The response.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    /// Without chunk frames.
    pub body: Vec<u8>,
    /// Whether HTTP's framing ended properly.
    pub complete: bool,
    pub error: Option<ErrorKind>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    pub fn text(&self) -> String {
        if self.header("Content-Encoding") != Some("gzip") {
            return String::from_utf8(self.body.clone()).unwrap();
        }
        let mut text = String::new();
        GzDecoder::new(&*self.body)
            .read_to_string(&mut text)
            .unwrap();
        text
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }
}

/// The default account with other switches, limits or faults.
pub fn start(change: impl FnOnce(&mut Scenario)) -> Simulator {
    let mut scenario = Scenario::default();
    change(&mut scenario);
    Simulator::start(scenario)
}

pub fn connect(simulator: &Simulator) -> TcpStream {
    TcpStream::connect(simulator.url().trim_start_matches("http://")).unwrap()
}

pub fn request(simulator: &Simulator, method: &str, target: &str, headers: &str) -> Reply {
    send(simulator, method, target, (headers, ""))
}

pub fn send(
    simulator: &Simulator,
    method: &str,
    target: &str,
    (headers, body): (&str, &str),
) -> Reply {
    let mut socket = connect(simulator);
    write!(
        socket,
        "{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n{body}"
    )
    .unwrap();
    reply(&mut socket)
}

/// A GET with the token in the form that the path's host takes.
pub fn get(simulator: &Simulator, target: &str) -> Reply {
    let headers = if target.contains("_export") {
        BEARER
    } else {
        BARE
    };
    request(simulator, "GET", target, headers)
}

/// A POST of this JSON with the token of the main API.
pub fn post(simulator: &Simulator, target: &str, body: &str) -> Reply {
    let length = body.len();
    let headers = format!("{BARE}Content-Type: application/json\r\nContent-Length: {length}\r\n");
    send(simulator, "POST", target, (&headers, body))
}

pub fn export(simulator: &Simulator, query: &str) -> Reply {
    get(simulator, &format!("/v1/conversation_export?{query}"))
}

fn reply(socket: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let error = socket
        .read_to_end(&mut bytes)
        .err()
        .map(|error| error.kind());
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Reply {
            status: 0,
            head: String::new(),
            body: bytes,
            complete: false,
            error,
        };
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut reply = Reply {
        status,
        head,
        body: bytes[end + 4..].to_vec(),
        complete: false,
        error,
    };
    if let Some(length) = reply.header("Content-Length") {
        reply.complete = length == reply.body.len().to_string();
    } else {
        (reply.body, reply.complete) = unchunked(&reply.body);
    }
    reply
}

fn unchunked(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        rest = &rest[end + 2..];
        if size == 0 {
            return (body, true);
        }
        body.extend_from_slice(&rest[..size.min(rest.len())]);
        rest = rest.get(size + 2..).unwrap_or_default();
    }
    (body, false)
}
