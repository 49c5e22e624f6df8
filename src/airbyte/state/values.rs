//! Finds where the JSON values of a file start and end: one per line, over several lines, or as entries of a list. Knows
//! nothing about their content, and holds at most the start of one value in memory.

/// A value, or what should have been one.
#[derive(Clone, Copy)]
pub enum Scanned<'a> {
    /// A complete value. `begin` is all of it if `length` does not exceed the limit.
    Whole { begin: &'a [u8], length: u64 },
    /// A line or value that is truncated or not an object.
    Broken { begin: &'a [u8], length: u64 },
}

impl<'a> Scanned<'a> {
    pub fn parts(&self) -> (&'a [u8], u64) {
        let (Self::Whole { begin, length } | Self::Broken { begin, length }) = self;
        (begin, *length)
    }
}

/// The position of the scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// Between values.
    Between,
    /// In an object, or in a list nested in another, outside strings.
    Value,
    /// In a value, right after a string or an inner value.
    After,
    String,
    /// After a backslash.
    Escape,
    /// In something that is not a value, up to the end of its line.
    Junk,
}

/// Splits bytes, in pieces of any length, into values. A value is an object or an entry of a list. A truncated value, as left by
/// a kill, ends with its line if it was cut within a string, and otherwise before the next line that starts with `{`.
pub struct ValueScanner {
    /// How many bytes of a value are held.
    limit: usize,
    begin: Vec<u8>,
    length: u64,
    position: Position,
    /// The number of open brackets within the value.
    depth: u64,
    /// The values are entries of a list.
    is_in_list: bool,
    is_line_start: bool,
}

impl ValueScanner {
    /// Holds the first `limit` bytes of each value.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            begin: Vec::new(),
            length: 0,
            position: Position::Between,
            depth: 0,
            is_in_list: false,
            is_line_start: true,
        }
    }

    /// The bytes scanned of the current value.
    pub fn current_length(&self) -> u64 {
        self.length
    }

    /// The bytes scanned of the current line if it is not a value.
    pub fn junk_length(&self) -> u64 {
        if self.position == Position::Junk {
            self.length
        } else {
            0
        }
    }

    pub fn feed(&mut self, bytes: &[u8], mut on_value: impl FnMut(Scanned<'_>)) {
        let mut rest = bytes;
        while let Some(&byte) = rest.first() {
            let plain = self.plain_length(rest);
            if plain > 0 {
                self.hold(&rest[..plain]);
                self.is_line_start = false;
                rest = &rest[plain..];
                continue;
            }
            self.byte(byte, &mut on_value);
            self.is_line_start = byte == b'\n';
            rest = &rest[1..];
        }
    }

    /// Ends the input.
    pub fn finish(&mut self, mut on_value: impl FnMut(Scanned<'_>)) {
        self.end_of_junk(&mut on_value);
        if self.position != Position::Between || self.is_in_list {
            self.abandon(&mut on_value);
        }
    }

    /// The number of leading bytes that do not change the position.
    fn plain_length(&self, bytes: &[u8]) -> usize {
        let is_plain = |byte: &u8| match self.position {
            Position::String => !matches!(byte, b'"' | b'\\' | b'\n'),
            Position::Value => !matches!(byte, b'"' | b'{' | b'[' | b'}' | b']' | b'\n'),
            Position::Junk => *byte != b'\n',
            Position::Between | Position::After | Position::Escape => false,
        };
        let end = bytes.iter().position(|byte| !is_plain(byte));
        end.unwrap_or(bytes.len())
    }

    fn byte(&mut self, byte: u8, on_value: &mut impl FnMut(Scanned<'_>)) {
        let is_in_value = matches!(self.position, Position::Value | Position::After);
        if is_in_value && self.is_line_start && byte == b'{' && self.depth > 0 {
            self.abandon(on_value);
        }
        match (self.position, byte) {
            (Position::String | Position::Escape, b'\n') => self.abandon(on_value),
            (Position::Junk, b'\n') => self.end_of_junk(on_value),
            (Position::Between, b'{') => self.open(byte),
            (Position::Between, b'[') if self.is_in_list => self.open(byte),
            (Position::Between, b'[') => self.is_in_list = true,
            (Position::Between, b']') if self.is_in_list => self.is_in_list = false,
            // Each of several concatenated files may start with a byte order mark.
            (Position::Between, b' ' | b'\t' | b'\r' | b'\n' | b',' | 0xef | 0xbb | 0xbf) => {}
            (Position::Between, _) => {
                self.position = Position::Junk;
                self.hold(&[byte]);
            }
            (Position::Value, b'"') => self.advance(Position::String, byte),
            (Position::Value, b'{' | b'[') => {
                self.depth += 1;
                self.hold(&[byte]);
            }
            (Position::Value | Position::After, b'}' | b']') => {
                self.depth -= 1;
                self.advance(Position::After, byte);
                if self.depth == 0 {
                    on_value(Scanned::Whole {
                        begin: &self.begin,
                        length: self.length,
                    });
                    self.clear();
                }
            }
            (Position::After, b':' | b',') => self.advance(Position::Value, byte),
            (Position::After, b' ' | b'\t' | b'\r' | b'\n') => self.hold(&[byte]),
            (Position::After, _) => self.advance(Position::Junk, byte),
            (Position::String, b'"') => self.advance(Position::After, byte),
            (Position::String, b'\\') => self.advance(Position::Escape, byte),
            (Position::Escape, _) => self.advance(Position::String, byte),
            (Position::Value | Position::String | Position::Junk, _) => self.hold(&[byte]),
        }
    }

    fn open(&mut self, byte: u8) {
        self.depth = 1;
        self.advance(Position::Value, byte);
    }

    fn advance(&mut self, position: Position, byte: u8) {
        self.position = position;
        self.hold(&[byte]);
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = self.limit - self.begin.len();
        self.begin
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.length += bytes.len() as u64;
    }

    /// Ends a line that is not a value. `null` is an empty state and is not reported.
    fn end_of_junk(&mut self, on_value: &mut impl FnMut(Scanned<'_>)) {
        if self.position == Position::Junk {
            if self.begin.trim_ascii_end() == b"null" {
                self.clear();
            } else {
                self.abandon(on_value);
            }
        }
    }

    /// Reports the current value as broken, and leaves the list that it may be in.
    fn abandon(&mut self, on_value: &mut impl FnMut(Scanned<'_>)) {
        on_value(Scanned::Broken {
            begin: &self.begin,
            length: self.length,
        });
        self.is_in_list = false;
        self.clear();
    }

    fn clear(&mut self) {
        self.begin.clear();
        self.length = 0;
        self.depth = 0;
        self.position = Position::Between;
    }
}
