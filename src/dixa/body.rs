//! The bytes on the wire into the bytes of the body: as they are, or unpacked from gzip, a bounded piece at a time.

use flate2::{Decompress, FlushDecompress, Status};

use crate::dixa::error::BodyFault;

/// A body comes in pieces of at most this many bytes, however well it is packed: so much stays in the processor's cache.
const PIECE: usize = 64 * 1024;

/// Unpacks one body.
pub enum Decoder {
    Plain,
    Gzip {
        inflate: Box<Decompress>,
        piece: Vec<u8>,
        ended: bool,
    },
}

impl Decoder {
    /// For the value of an answer's `Content-Encoding`; `None` if it is one that was not asked for.
    pub fn of(encoding: Option<&str>) -> Option<Self> {
        match encoding.map(str::to_ascii_lowercase).as_deref() {
            None | Some("" | "identity") => Some(Self::Plain),
            Some("gzip" | "x-gzip") => Some(Self::Gzip {
                inflate: inflate(),
                piece: vec![0; PIECE],
                ended: false,
            }),
            Some(_) => None,
        }
    }

    /// The next piece of the body that `wire` yields, taking from its front; `None` once it yields no more.
    pub fn next<'a, 'wire: 'a>(
        &'a mut self,
        wire: &mut &'wire [u8],
    ) -> Result<Option<&'a [u8]>, BodyFault> {
        let (inflate, piece, ended) = match self {
            Self::Plain if wire.is_empty() => return Ok(None),
            Self::Plain => {
                let (piece, rest) = wire.split_at(wire.len().min(PIECE));
                *wire = rest;
                return Ok(Some(piece));
            }
            Self::Gzip {
                inflate,
                piece,
                ended,
            } => (inflate, piece, ended),
        };
        loop {
            if *ended && wire.is_empty() {
                return Ok(None);
            }
            if *ended {
                *inflate = self::inflate();
                *ended = false;
            }
            let (read, written) = (inflate.total_in(), inflate.total_out());
            let status = inflate
                .decompress(wire, piece, FlushDecompress::None)
                .map_err(|_| BodyFault::NotGzip)?;
            let (read, written) = (
                counted(inflate.total_in() - read),
                counted(inflate.total_out() - written),
            );
            *wire = &wire[read..];
            *ended = status == Status::StreamEnd;
            if written > 0 {
                return Ok(Some(&piece[..written]));
            }
            if read == 0 && !*ended {
                return Ok(None);
            }
        }
    }

    /// The wire is over: an error if the compressed stream is not.
    pub fn finish(&self) -> Result<(), BodyFault> {
        match self {
            Self::Gzip { ended: false, .. } => Err(BodyFault::Unfinished),
            _ => Ok(()),
        }
    }
}

fn inflate() -> Box<Decompress> {
    Box::new(Decompress::new_gzip(15))
}

fn counted(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
