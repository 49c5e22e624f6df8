//! stdout: one buffer, one writer, whole lines only, in the order in which they were given.
//!
//! Lines gather in blocks; a thread writes block after block. A slow reader of stdout fills the short queue before that
//! thread, and then [`Output::room`] holds the reading of Dixa up; nothing is kept beyond that.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::mem;
use std::thread;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

use crate::airbyte::catalog::DiscoveredStream;
use crate::airbyte::format::{Format, singer_schema, singer_state};
use crate::airbyte::keeper::{Keeper, Save, StateFile};
use crate::airbyte::log::Level;
use crate::airbyte::message::{ConnectionStatus, Log, Message, Status};
use crate::epoch::EpochMs;
use crate::failure::Failure;

/// A block is handed over once it holds this many bytes, and sooner where somebody waits for its lines.
const BLOCK: usize = 512 * 1024;
/// A block, and what the pieces of a body or two add to it, have room in it.
const CAPACITY: usize = BLOCK + 128 * 1024;
/// A block that fills slowly is handed over after this long.
const LONGEST_STAY: Duration = Duration::from_secs(1);
/// So many blocks may wait for the writer.
const WAITING: usize = 2;

/// Whoever else is told what people are to read, on another way than stdout.
pub trait Aside {
    fn log(&self, level: Level, message: &str);
    fn error(&self, failure: &Failure, stream: Option<&str>);
}

/// Nobody else.
pub struct Nobody;

impl Aside for Nobody {
    fn log(&self, _: Level, _: &str) {}
    fn error(&self, _: &Failure, _: Option<&str>) {}
}

/// Whole lines, and what is to be kept once they have left.
struct Block {
    lines: Vec<u8>,
    save: Option<Save>,
}

/// The one way out.
pub struct Output {
    level: Level,
    format: Format,
    aside: Box<dyn Aside>,
    keeper: RefCell<Keeper>,
    block: RefCell<Vec<u8>>,
    full: mpsc::Sender<Block>,
    empty: RefCell<mpsc::Receiver<Vec<u8>>>,
    /// Lines wait for the writer, and nobody else may come to hand them over.
    is_behind: Notify,
    /// When the block before this one was handed over.
    taken: Cell<Instant>,
    written: oneshot::Receiver<io::Result<()>>,
    secrets: RefCell<Vec<String>>,
    /// What ends a record's line, with the time of its writing.
    record_end: RefCell<Vec<u8>>,
}

impl Output {
    /// Airbyte messages to stdout; LOG only from this level up.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that writes to stdout"
    )]
    pub fn to_stdout(level: Level) -> Self {
        Self::to(level, io::stdout())
    }

    /// In another format.
    #[must_use]
    pub fn in_format(mut self, format: Format) -> Self {
        self.format = format;
        self.record_end = RefCell::new(format.record_end(EpochMs::now()));
        self
    }

    /// With somebody else to tell.
    #[must_use]
    pub fn beside(self, aside: Box<dyn Aside>) -> Self {
        Self { aside, ..self }
    }

    /// Airbyte messages to any place that takes bytes.
    pub fn to(level: Level, out: impl Write + Send + 'static) -> Self {
        let (full, blocks) = mpsc::channel(WAITING);
        let (used, empty) = mpsc::channel(WAITING);
        let (end, written) = oneshot::channel();
        thread::spawn(move || end.send(write_blocks(out, blocks, &used)));
        let block = RefCell::new(Vec::with_capacity(CAPACITY));
        Self {
            level,
            format: Format::Airbyte,
            aside: Box::new(Nobody),
            keeper: RefCell::default(),
            block,
            full,
            empty: RefCell::new(empty),
            is_behind: Notify::new(),
            taken: Cell::new(Instant::now()),
            written,
            secrets: RefCell::default(),
            record_end: RefCell::new(Format::Airbyte.record_end(EpochMs::now())),
        }
    }

    /// From now on, no text that people read holds any of these.
    pub fn conceal(&self, secrets: Vec<String>) {
        *self.secrets.borrow_mut() = secrets;
    }

    /// These states were given, and the newest of all streams are kept in this file from now on.
    pub fn keep(&self, states: BTreeMap<String, Value>, file: Option<StateFile>) {
        self.keeper.borrow_mut().begin(states, file);
    }

    /// The form in which records and states are written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// A line, on its way at once unless the reader of stdout is behind.
    pub fn message(&self, message: &Message<'_>) {
        self.line(message);
    }

    fn line(&self, line: &impl Serialize) {
        {
            let mut block = self.block.borrow_mut();
            let written = serde_json::to_writer(&mut *block, line);
            debug_assert!(
                written.is_ok(),
                "messages have string keys and a buffer takes all bytes"
            );
            block.push(b'\n');
        }
        self.hand_over();
    }

    /// Text that is no message.
    pub fn text(&self, text: &[u8]) {
        self.block.borrow_mut().extend_from_slice(text);
        self.hand_over();
    }

    pub fn log(&self, level: Level, message: &str) {
        if level < self.level {
            return;
        }
        let message = &self.concealed(message);
        self.aside.log(level, message);
        if self.format == Format::Airbyte {
            self.line(&Message::Log {
                log: Log { level, message },
            });
        }
    }

    /// Whether a message of this level would be written.
    pub fn logs(&self, level: Level) -> bool {
        level >= self.level
    }

    pub fn status(&self, stream: &str, status: Status) {
        if self.format == Format::Airbyte {
            self.line(&Message::status(stream, status, EpochMs::now()));
        }
    }

    /// Records of this stream follow.
    pub fn stream<'a>(&self, discovered: impl FnOnce() -> DiscoveredStream<'a>) {
        if self.format == Format::Singer {
            self.line(&singer_schema(&discovered()));
        }
    }

    /// A stream's checkpoint, with the number of its records since the one before.
    pub fn state(&self, stream: &str, state: &Value, records: u64) {
        self.keeper.borrow_mut().put(stream, state);
        match self.format {
            Format::Airbyte => self.line(&Message::state(stream, state, records)),
            Format::Singer => {
                let state = singer_state(self.keeper.borrow().states());
                self.line(&state);
            }
            Format::Jsonl => self.hand_over(),
        }
    }

    pub fn error(&self, failure: &Failure, stream: Option<&str>) {
        let failure = self.concealed_failure(failure);
        self.aside.error(&failure, stream);
        if self.format == Format::Airbyte {
            self.line(&Message::error(&failure, stream, EpochMs::now()));
        }
    }

    /// The answer of a check: what the user can mend, if there is something.
    pub fn connection_status(&self, refused: Option<&Failure>) {
        let refused = refused.map(|failure| self.concealed_failure(failure));
        if let Some(failure) = &refused {
            self.aside.error(failure, None);
        }
        let connection_status = match &refused {
            None => ConnectionStatus::Succeeded,
            Some(Failure { message, .. }) => ConnectionStatus::Failed { message },
        };
        self.message(&Message::ConnectionStatus { connection_status });
    }

    fn concealed_failure(&self, failure: &Failure) -> Failure {
        let cause = failure.cause.as_deref();
        Failure {
            kind: failure.kind,
            message: self.concealed(&failure.message).into_owned(),
            cause: cause.map(|cause| self.concealed(cause).into_owned()),
        }
    }

    fn concealed<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::from(text);
        for secret in self.secrets.borrow().iter() {
            if text.contains(secret) {
                text = text.replace(secret, "***").into();
            }
        }
        text
    }

    /// A record, as the bytes that it came in, a single JSON object without line breaks; `begin` is what
    /// [`Format::record_begin`] gave for its stream.
    pub fn record(&self, begin: &[u8], data: &[u8]) {
        let mut block = self.block.borrow_mut();
        block.extend_from_slice(begin);
        block.extend_from_slice(data);
        block.extend_from_slice(&self.record_end.borrow());
    }

    /// The records to come are written now.
    pub fn stamp(&self) {
        *self.record_end.borrow_mut() = self.format.record_end(EpochMs::now());
    }

    /// Waits until there is room for more records; `false` when nobody reads them any more.
    pub async fn room(&self) -> bool {
        let is_full = || self.block.borrow().len() >= BLOCK;
        if is_full() {
            let Ok(place) = self.full.reserve().await else {
                return false;
            };
            // Another body may have sent it meanwhile.
            if is_full() {
                place.send(self.take_block());
            }
        } else if self.taken.get().elapsed() > LONGEST_STAY {
            self.hand_over();
        }
        !self.full.is_closed()
    }

    /// Sends what has gathered on its way, if the writer can take it.
    pub fn hand_over(&self) {
        if self.block.borrow().is_empty() {
            return;
        }
        match self.full.try_reserve() {
            Ok(place) => place.send(self.take_block()),
            Err(_) => self.is_behind.notify_one(),
        }
    }

    /// Waits until a write has failed: nobody reads, or nobody can be written to, any more. Meanwhile what the writer could not
    /// take at once is handed over as soon as it can.
    pub async fn closed(&self) {
        loop {
            tokio::select! {
                () = self.full.closed() => return,
                () = self.is_behind.notified() => {}
            }
            let Ok(place) = self.full.reserve().await else {
                return;
            };
            if !self.block.borrow().is_empty() {
                place.send(self.take_block());
            }
        }
    }

    /// Writes what is left and ends; the error of the first write that failed, if one did.
    pub async fn close(self) -> io::Result<()> {
        let last = Block {
            lines: self.block.take(),
            save: self.keeper.borrow_mut().save(),
        };
        let _ = self.full.send(last).await;
        drop(self.full);
        self.written
            .await
            .unwrap_or_else(|_| Err(io::Error::other("the writer of stdout panicked")))
    }

    fn take_block(&self) -> Block {
        self.taken.set(Instant::now());
        let empty = self
            .empty
            .borrow_mut()
            .try_recv()
            .unwrap_or_else(|_| Vec::with_capacity(CAPACITY));
        Block {
            lines: mem::replace(&mut self.block.borrow_mut(), empty),
            save: self.keeper.borrow_mut().save(),
        }
    }
}

fn write_blocks(
    mut out: impl Write,
    mut blocks: mpsc::Receiver<Block>,
    used: &mpsc::Sender<Vec<u8>>,
) -> io::Result<()> {
    while let Some(Block { mut lines, save }) = blocks.blocking_recv() {
        out.write_all(&lines)?;
        out.flush()?;
        save.iter().try_for_each(Save::write)?;
        lines.clear();
        // One very large record must not keep its memory for ever.
        lines.shrink_to(CAPACITY);
        let _ = used.try_send(lines);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Taken(Arc<Mutex<Vec<Vec<u8>>>>);

    impl Write for Taken {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn lines_leave_whole_in_order_and_in_large_blocks() {
        let taken = Taken::default();
        let output = Output::to(Level::Info, taken.clone());
        let begin = Format::Airbyte.record_begin("tags");
        for number in 0..10_000 {
            output.record(&begin, format!(r#"{{"id":{number}}}"#).as_bytes());
            assert!(output.room().await);
        }
        output.log(Level::Info, "done");
        output.close().await.unwrap();
        let writes = taken.0.lock().unwrap();
        assert!(writes.len() < 20, "{} writes", writes.len());
        let text = String::from_utf8(writes.concat()).unwrap();
        assert_eq!(text.lines().count(), 10_001);
        for (number, line) in text.lines().take(10_000).enumerate() {
            assert!(line.starts_with(&format!(
                r#"{{"type":"RECORD","record":{{"stream":"tags","data":{{"id":{number}}},"#
            )));
        }
    }

    #[tokio::test]
    async fn a_closed_reader_ends_the_writing_with_its_error() {
        let output = Output::to(Level::Info, Closed);
        output.log(Level::Info, "to nobody");
        while output.room().await {
            output.record(b"", &[b' '; 1000]);
            tokio::task::yield_now().await;
        }
        assert_eq!(
            output.close().await.unwrap_err().kind(),
            io::ErrorKind::BrokenPipe
        );
    }

    #[tokio::test]
    async fn a_secret_is_concealed_in_what_people_read() {
        let taken = Taken::default();
        let output = Output::to(Level::Info, taken.clone());
        output.conceal(vec!["hush".to_owned()]);
        output.log(Level::Info, "a hush in a text");
        output.error(&Failure::config("hush!").because(&"hush?"), None);
        output.record(b"", br#"{"name":"hush"}"#);
        output.close().await.unwrap();
        let text = String::from_utf8(taken.0.lock().unwrap().concat()).unwrap();
        assert_eq!(text.matches("hush").count(), 1, "the record's: {text}");
        assert_eq!(text.matches("***").count(), 3);
    }

    #[tokio::test]
    async fn levels_below_the_one_asked_for_are_not_written() {
        let taken = Taken::default();
        let output = Output::to(Level::asked_for(false, false, None), taken.clone());
        output.log(Level::Debug, "detail");
        output.close().await.unwrap();
        assert_eq!(taken.0.lock().unwrap().concat(), b"");
    }
}
