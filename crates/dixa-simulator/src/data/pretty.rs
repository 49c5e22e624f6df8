//! Adds indentation between JSON tokens. The tokens themselves stay byte for byte.

use std::io::{self, Write};

/// A writer that indents compact JSON.
pub struct PrettyWriter<'a> {
    out: &'a mut dyn Write,
    line_break: &'static str,
    depth: usize,
    inside: Inside,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Tokens,
    /// Just after `{` or `[`: an empty one is closed on the same line.
    Opening,
    Text,
    Escape,
}

impl<'a> PrettyWriter<'a> {
    pub fn new(out: &'a mut dyn Write, line_break: &'static str) -> Self {
        Self {
            out,
            line_break,
            depth: 0,
            inside: Inside::Tokens,
        }
    }

    fn put(&mut self, byte: u8, laid: &mut Vec<u8>) {
        match self.inside {
            Inside::Escape => self.inside = Inside::Text,
            Inside::Text if byte == b'\\' => self.inside = Inside::Escape,
            Inside::Text if byte == b'"' => self.inside = Inside::Tokens,
            Inside::Text => {}
            Inside::Tokens | Inside::Opening => return self.put_token(byte, laid),
        }
        laid.push(byte);
    }

    fn put_token(&mut self, byte: u8, laid: &mut Vec<u8>) {
        let opening = self.inside == Inside::Opening;
        let closes = matches!(byte, b'}' | b']');
        self.depth = self.depth.saturating_sub(usize::from(closes));
        if opening != closes {
            self.break_line(laid);
        }
        laid.push(byte);
        self.inside = Inside::Tokens;
        match byte {
            b'"' => self.inside = Inside::Text,
            b'{' | b'[' => {
                self.depth += 1;
                self.inside = Inside::Opening;
            }
            b',' => self.break_line(laid),
            b':' => laid.push(b' '),
            _ => {}
        }
    }

    fn break_line(&self, laid: &mut Vec<u8>) {
        laid.extend_from_slice(self.line_break.as_bytes());
        laid.resize(laid.len() + 2 * self.depth, b' ');
    }
}

impl Write for PrettyWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut laid = Vec::with_capacity(bytes.len() * 2);
        for &byte in bytes {
            self.put(byte, &mut laid);
        }
        self.out.write_all(&laid)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
