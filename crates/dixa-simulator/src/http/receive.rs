//! Requests as they come in over a socket, up to the last byte of their head, which stays unread on purpose.

use std::io::{self, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::stop::StopSignal;
use crate::api::request::Request;

const LARGEST_HEAD: usize = 128 * 1024;
const SLOWEST_HEAD: Duration = Duration::from_secs(10);

/// Reads the next request, all but the last byte of its head; `None` once the client is gone.
///
/// A socket that is closed with unread bytes makes Linux send RST instead of FIN. The one byte left over gives that
/// choice at any point of the response: close it as it is for a reset, or `read_rest` first for a clean end.
pub fn read_request(socket: &mut TcpStream, stop: &StopSignal) -> io::Result<Option<Request>> {
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
            return parse(&head).map(Some);
        }
        if seen == LARGEST_HEAD || began.elapsed() > SLOWEST_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        stop.wait(Duration::from_millis(1));
    }
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
