//! Decodes the bytes on the wire into the bytes of the body: unchanged, or decompressed from gzip in bounded pieces.

use flate2::{Decompress, FlushDecompress, Status};

use record_splitter::SplitError;

use crate::dixa::error::BodyFault;

/// The maximum length of a piece in bytes, however well the body is compressed. It fits in the processor's cache.
const PIECE: usize = 64 * 1024;

/// Decodes one body.
pub enum Decoder {
    Plain,
    Gzip {
        inflate: Box<Decompress>,
        piece: Vec<u8>,
        ended: bool,
    },
}

impl Decoder {
    /// A decoder for a `Content-Encoding`, a list; `None` if it is not one that we requested. Servers also write there that the
    /// body is not encoded, or its character set.
    pub fn of(encoding: Option<&str>) -> Option<Self> {
        let encoding = encoding.unwrap_or_default().to_ascii_lowercase();
        let encodings = encoding.split(',').map(str::trim);
        let mut encodings =
            encodings.filter(|name| !matches!(*name, "" | "identity" | "none" | "utf-8" | "utf8"));
        match (encodings.next(), encodings.next()) {
            (None, _) => Some(Self::Plain),
            (Some("gzip" | "x-gzip"), None) => Some(Self::Gzip {
                inflate: inflate(),
                piece: vec![0; PIECE],
                ended: false,
            }),
            _ => None,
        }
    }

    /// Decodes the next piece of the body from the front of `wire`; `None` once `wire` is used up.
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
            if *ended {
                // Some servers pad the compressed body with zeros.
                let padding = wire.iter().take_while(|byte| **byte == 0).count();
                *wire = &wire[padding..];
                if wire.is_empty() {
                    return Ok(None);
                }
                *inflate = self::inflate();
                *ended = false;
            }
            let (read, written) = (inflate.total_in(), inflate.total_out());
            let status = inflate
                .decompress(wire, piece, FlushDecompress::None)
                .map_err(|_| BodyFault::NotGzip)?;
            let (read, written) = (
                length(inflate.total_in() - read),
                length(inflate.total_out() - written),
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

    /// Ends the body: an error if the compressed stream is incomplete.
    pub fn finish(&self) -> Result<(), BodyFault> {
        match self {
            Self::Gzip { ended: false, .. } => Err(BodyFault::Json(SplitError::Unfinished)),
            _ => Ok(()),
        }
    }
}

fn inflate() -> Box<Decompress> {
    Box::new(Decompress::new_gzip(15))
}

fn length(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
