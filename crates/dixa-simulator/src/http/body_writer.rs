//! A body on its way over the socket: chunks, and the faults that cut, stall or drip.

use std::io::{self, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::delivery::{Ending, SendOptions};
use super::stop::StopSignal;
use crate::api::faults::{Cut, Kind};

/// Room for a chunk's size, eight digits and a line break, before its bytes.
const CHUNK_HEAD: usize = 10;

/// Gathers a body's bytes into writes of the wanted size, one chunk each.
pub struct BodyWriter<'a> {
    socket: &'a mut TcpStream,
    stop: &'a StopSignal,
    chunked: bool,
    fault: Option<&'a Kind>,
    write_bytes: usize,
    frame: Vec<u8>,
    sent: usize,
    cut: Option<Cut>,
}

impl<'a> BodyWriter<'a> {
    pub fn new(socket: &'a mut TcpStream, options: &SendOptions<'a>, chunked: bool) -> Self {
        let write_bytes = match options.fault {
            Some(Kind::Drip {
                bytes_per_write, ..
            }) => *bytes_per_write,
            _ => options.switches.write_bytes,
        };
        Self {
            socket,
            stop: options.stop,
            chunked,
            fault: options.fault,
            write_bytes: write_bytes.max(1),
            frame: vec![0; CHUNK_HEAD],
            sent: 0,
            cut: None,
        }
    }

    fn gathered(&self) -> usize {
        self.frame.len() - CHUNK_HEAD
    }

    /// Bytes until the offset at which the body is cut or stalls.
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

    pub fn end(mut self, written: io::Result<()>) -> io::Result<(usize, Ending)> {
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

impl Write for BodyWriter<'_> {
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

    /// Nothing: a chunk is sent when it is full, and at the end.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
