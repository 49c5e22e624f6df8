//! Answers on their way over the socket: head, framing, compression, and the faults that cut, stall or drip.

use std::io::{self, Write};
use std::net::TcpStream;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::answer::Answer;
use super::clock::{Stop, http_date, now_ms};
use super::faults::{Cut, Kind};
use super::switches::{DateHeader, Encoding, Framing, Switches};

/// Room for a chunk's size, eight digits and a line break, before its bytes.
const CHUNK_HEAD: usize = 10;

/// How an answer is sent.
pub struct Delivery<'a> {
    pub switches: &'a Switches,
    pub stop: &'a Stop,
    pub fault: Option<&'a Kind>,
    pub accepts_gzip: bool,
}

/// What became of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    KeepAlive,
    Close,
    Reset,
}

/// Sends an answer; tells the body's bytes that went out and how the connection goes on.
pub fn send(
    socket: &mut TcpStream,
    answer: &Answer,
    delivery: &Delivery,
) -> io::Result<(usize, Ending)> {
    let gzip = answer.status == 200
        && delivery.accepts_gzip
        && delivery.switches.encoding == Encoding::Gzip;
    let has_body = !matches!(answer.status, 204 | 304);
    let held = (has_body && delivery.switches.framing == Framing::Length)
        .then(|| compressed(answer, delivery, gzip, Vec::new()))
        .transpose()?;
    let mut headers = headers(answer, delivery);
    if gzip {
        headers.push(("Content-Encoding".to_owned(), "gzip".to_owned()));
    }
    if let Some(body) = &held {
        headers.push((
            "Content-Length".to_owned(),
            told_length(body, delivery).to_string(),
        ));
    } else if has_body {
        headers.push(("Transfer-Encoding".to_owned(), "chunked".to_owned()));
    }
    socket.write_all(&head(answer, &headers)?)?;
    if !has_body {
        return Ok((0, Ending::KeepAlive));
    }
    let mut wire = Wire::new(socket, delivery, held.is_none());
    let written = match held {
        Some(body) => wire.write_all(&body),
        None => compressed(answer, delivery, gzip, &mut wire).map(drop),
    };
    wire.end(written)
}

fn headers(answer: &Answer, delivery: &Delivery) -> Vec<(String, String)> {
    let date = match delivery.switches.date {
        DateHeader::True => Some(now_ms()),
        DateHeader::Shifted(seconds) => Some(now_ms() + seconds * 1000),
        DateHeader::Absent => None,
    };
    let date = date.map(|date| ("Date".to_owned(), http_date(date)));
    let given = answer
        .headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let content_type =
        (!given).then(|| ("Content-Type".to_owned(), answer.content_type.to_owned()));
    let own = date.into_iter().chain(content_type);
    own.chain(answer.headers.iter().cloned()).collect()
}

fn head(answer: &Answer, headers: &[(String, String)]) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    write!(head, "HTTP/1.1 {} {}\r\n", answer.status, answer.reason())?;
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n")?;
    }
    head.extend_from_slice(b"\r\n");
    Ok(head)
}

/// Content-Length lies only where the fault is that the connection ends too early.
fn told_length(body: &[u8], delivery: &Delivery) -> usize {
    match delivery.fault {
        Some(Kind::CutBody {
            after_bytes,
            how: Cut::CleanChunkEnd,
        }) => body.len().min(*after_bytes),
        _ => body.len(),
    }
}

fn compressed<W: Write>(
    answer: &Answer,
    delivery: &Delivery,
    gzip: bool,
    mut out: W,
) -> io::Result<W> {
    let layout = delivery.switches.layout;
    if gzip {
        let mut encoder = GzEncoder::new(out, Compression::fast());
        answer.render(layout, &mut encoder)?;
        return encoder.finish();
    }
    answer.render(layout, &mut out)?;
    Ok(out)
}

/// A body's way out: gathers bytes into writes of the wanted size, one chunk each.
struct Wire<'a> {
    socket: &'a mut TcpStream,
    stop: &'a Stop,
    chunked: bool,
    fault: Option<&'a Kind>,
    write_bytes: usize,
    frame: Vec<u8>,
    sent: usize,
    cut: Option<Cut>,
}

impl<'a> Wire<'a> {
    fn new(socket: &'a mut TcpStream, delivery: &'a Delivery, chunked: bool) -> Self {
        let write_bytes = match delivery.fault {
            Some(Kind::Drip {
                bytes_per_write, ..
            }) => *bytes_per_write,
            _ => delivery.switches.write_bytes,
        };
        Self {
            socket,
            stop: delivery.stop,
            chunked,
            fault: delivery.fault,
            write_bytes: write_bytes.max(1),
            frame: vec![0; CHUNK_HEAD],
            sent: 0,
            cut: None,
        }
    }

    fn gathered(&self) -> usize {
        self.frame.len() - CHUNK_HEAD
    }

    /// Bytes until the place where the body is cut or stalls.
    fn until_mark(&self) -> Option<usize> {
        match self.fault {
            Some(Kind::CutBody { after_bytes, .. } | Kind::Stall { after_bytes, .. }) => {
                Some(after_bytes.saturating_sub(self.sent + self.gathered()))
            }
            _ => None,
        }
    }

    fn at_mark(&mut self) -> io::Result<()> {
        self.emit()?;
        match self.fault {
            Some(Kind::CutBody { how, .. }) => {
                self.cut = Some(*how);
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            Some(Kind::Stall { pause, .. }) => self.stop.wait(*pause),
            _ => {}
        }
        self.fault = None;
        Ok(())
    }

    fn emit(&mut self) -> io::Result<()> {
        let gathered = self.gathered();
        if gathered == 0 {
            return Ok(());
        }
        if self.chunked {
            write!(&mut self.frame[..CHUNK_HEAD], "{gathered:08x}\r\n")?;
            self.frame.extend_from_slice(b"\r\n");
            self.socket.write_all(&self.frame)?;
        } else {
            self.socket.write_all(&self.frame[CHUNK_HEAD..])?;
        }
        self.frame.truncate(CHUNK_HEAD);
        self.sent += gathered;
        if let Some(Kind::Drip { pause, .. }) = self.fault {
            self.stop.wait(*pause);
        }
        Ok(())
    }

    fn end(mut self, written: io::Result<()>) -> io::Result<(usize, Ending)> {
        if let (Ok(()), Some(Kind::CutBody { how, .. })) = (&written, self.fault) {
            self.emit()?;
            self.cut = Some(*how);
        }
        let ending = match (self.cut, written) {
            (Some(Cut::Reset), _) => {
                // A reset throws away what the kernel has not sent yet.
                self.stop.wait(Duration::from_millis(50));
                Ending::Reset
            }
            (Some(Cut::CleanClose), _) => Ending::Close,
            (Some(Cut::CleanChunkEnd), _) | (None, Ok(())) => {
                self.emit()?;
                if self.chunked {
                    self.socket.write_all(b"0\r\n\r\n")?;
                }
                Ending::KeepAlive
            }
            (None, Err(error)) => return Err(error),
        };
        Ok((self.sent, ending))
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.cut.is_some() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if self.until_mark() == Some(0) {
            self.at_mark()?;
        }
        let room = self.write_bytes - self.gathered();
        let taken = bytes
            .len()
            .min(room)
            .min(self.until_mark().unwrap_or(usize::MAX));
        self.frame.extend_from_slice(&bytes[..taken]);
        if taken == room {
            self.emit()?;
        }
        Ok(taken)
    }

    /// Nothing: a write of the body goes out when it is full, and at the end.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
