//! Requests as they come in over a socket. The last byte of the head and the body stay unread on purpose.

use std::io::{self, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::stop::StopSignal;
use crate::api::request::{LARGEST_BODY, Request};

/// Of a head and a body.
const LARGEST_REQUEST: usize = 128 * 1024;
const SLOWEST_REQUEST: Duration = Duration::from_secs(10);

/// Reads the next request; `None` once the client is gone. The last byte of its head and its body are only peeked at.
///
/// A socket that is closed with unread bytes makes Linux send RST instead of FIN. The bytes left over give that choice
/// at any point of the response: close it as it is for a reset, or `read_rest` first for a clean end.
pub fn read_request(socket: &mut TcpStream, stop: &StopSignal) -> io::Result<Option<Request>> {
    let mut bytes = vec![0; LARGEST_REQUEST];
    let began = Instant::now();
    loop {
        let seen = socket.peek(&mut bytes)?;
        if seen == 0 || stop.is_stopped() {
            return Ok(None);
        }
        if let Some((request, head)) = complete(&bytes[..seen])? {
            socket.read_exact(&mut bytes[..head - 1])?;
            return Ok(Some(request));
        }
        if seen == LARGEST_REQUEST || began.elapsed() > SLOWEST_REQUEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        stop.wait(Duration::from_millis(1));
    }
}

/// The request and the length of its head, once all of it has arrived. A body that is too large is not waited for.
fn complete(bytes: &[u8]) -> io::Result<Option<(Request, usize)>> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let Some(head) = end.map(|end| end + 4) else {
        return Ok(None);
    };
    let mut request = parse(&bytes[..head])?;
    let length = request.body_bytes();
    if length <= LARGEST_BODY {
        let Some(body) = bytes.get(head..head + length) else {
            return Ok(None);
        };
        request.body = body.to_vec();
    }
    Ok(Some((request, head)))
}

/// Reads what `read_request` left: the head's last byte and the request's body.
pub fn read_rest(socket: &mut TcpStream, request: &Request) -> io::Result<()> {
    let rest = 1 + request.body_bytes() as u64;
    io::copy(&mut socket.take(rest), &mut io::sink()).map(drop)
}

fn parse(head: &[u8]) -> io::Result<Request> {
    let head = str::from_utf8(head).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target)) = (first.next(), first.next()) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    Ok(Request::new(method, target, headers.collect()))
}
