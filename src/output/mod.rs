//! Everything that is written: messages in one of three formats to stdout, what people read to a console, states to a file.
//!
//! `format` knows the lines, `writer` writes them, `redact` hides the token, `state_file` keeps the states, and `console` is
//! what a person sees on stderr, with the `bars` of a read at its end and lines that `wrap` has broken at words.

pub mod bars;
pub mod console;
pub mod format;
mod redact;
pub mod state_file;
mod wrap;
mod writer;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use crate::airbyte::catalog::DiscoveredStream;
use crate::airbyte::log::Level;
use crate::airbyte::message::{ConnectionStatus, Message, Status};
use crate::epoch::EpochMs;
use crate::failure::Failure;
use crate::output::format::Format;
use crate::output::redact::Redactor;
use crate::output::state_file::{SavedStates, StateFile};
use crate::output::writer::Writer;
use crate::stdio::StandardStream;

/// A place where people read messages, other than stdout.
pub trait Console {
    fn log(&self, level: Level, message: &str);
    /// A failure, of this stream or of the whole command.
    fn error(&self, failure: &Failure, stream: Option<&str>);
}

/// All output of a run. Text that people read is redacted; records are written as they are.
pub struct Output {
    level: Level,
    format: Format,
    console: Option<Box<dyn Console>>,
    redactor: Redactor,
    writer: Writer,
    /// What ends a record's line, with the time at which it is written.
    record_suffix: RefCell<Vec<u8>>,
}

impl Output {
    /// Airbyte messages to stdout; LOG only from this level up. Fails where stdout cannot be written.
    pub fn to_stdout(level: Level) -> io::Result<Self> {
        let stdout = StandardStream::stdout()?;
        if stdout.is_read_only()? {
            return Err(io::Error::other("it is open for reading only"));
        }
        let file = match stdout.regular_file() {
            Some(_) => Some(StandardStream::stdout()?),
            None => None,
        };
        Ok(Self::through(level, Writer::new(stdout, file)))
    }

    /// Airbyte messages to any place that takes bytes.
    pub fn to(level: Level, out: impl Write + Send + 'static) -> Self {
        Self::through(level, Writer::new(out, None))
    }

    fn through(level: Level, writer: Writer) -> Self {
        let format = Format::Airbyte;
        Self {
            level,
            format,
            console: None,
            redactor: Redactor::default(),
            writer,
            record_suffix: RefCell::new(format.record_suffix(EpochMs::now())),
        }
    }

    /// In another format.
    #[must_use]
    pub fn in_format(self, format: Format) -> Self {
        let record_suffix = RefCell::new(format.record_suffix(EpochMs::now()));
        Self {
            format,
            record_suffix,
            ..self
        }
    }

    /// With a console for people.
    #[must_use]
    pub fn with_console(self, console: Box<dyn Console>) -> Self {
        Self {
            console: Some(console),
            ..self
        }
    }

    /// From now on, no text that people read holds this secret.
    pub fn redact(&self, secret: &str) {
        self.redactor.hide(secret);
    }

    /// A text of several lines, each redacted.
    pub fn redacted_lines(&self, text: &str) -> String {
        let lines = text.lines().map(|line| self.redactor.text(line));
        let lines: Vec<_> = lines.collect();
        lines.join("\n")
    }

    /// Starts from the given states, and from now on keeps the latest state of every stream in this file.
    pub fn track_states(&self, states: BTreeMap<String, Value>, file: Option<StateFile>) {
        self.writer.states.borrow_mut().begin(states, file);
    }

    /// What was saved since the start.
    pub fn saved(&self) -> SavedStates {
        self.writer.states.borrow().saved()
    }

    /// The form in which records and states are written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// A line, sent at once unless the reader of stdout is behind.
    pub fn message(&self, message: &Message<'_>) {
        self.line(message);
    }

    fn line(&self, line: &impl Serialize) {
        self.writer.append(|block| {
            let written = serde_json::to_writer(&mut *block, line);
            debug_assert!(
                written.is_ok(),
                "messages have string keys and a buffer takes all bytes"
            );
            block.push(b'\n');
        });
        self.writer.flush();
    }

    fn line_if_any(&self, line: Option<&impl Serialize>) {
        match line {
            Some(line) => self.line(line),
            None => self.writer.flush(),
        }
    }

    /// Text that is not a message.
    pub fn text(&self, text: &[u8]) {
        self.writer.append(|block| block.extend_from_slice(text));
        self.writer.flush();
    }

    pub fn log(&self, level: Level, message: &str) {
        if level < self.level {
            return;
        }
        let message = &self.redactor.text(message);
        if let Some(console) = &self.console {
            console.log(level, message);
        }
        self.line_if_any(self.format.log(level, message).as_ref());
    }

    /// Whether a message of this level would be written.
    pub fn logs(&self, level: Level) -> bool {
        level >= self.level
    }

    pub fn status(&self, stream: &str, status: Status) {
        let stream = &self.redactor.text(stream);
        self.line_if_any(self.format.status(stream, status).as_ref());
    }

    /// Records of this stream follow.
    pub fn schema<'a>(&self, discovered: impl FnOnce() -> DiscoveredStream<'a>) {
        self.line_if_any(self.format.schema(discovered).as_ref());
    }

    /// The table of a stream was read completely in this version.
    pub fn activate_version(&self, stream: &str, version: i64) {
        self.line_if_any(self.format.activate_version(stream, version).as_ref());
    }

    /// A stream's checkpoint, with the number of its records since the one before.
    pub fn state(&self, stream: &str, state: &Value, records: u64) {
        self.writer.states.borrow_mut().put(stream, state);
        let states = self.writer.states.borrow();
        let line = self.format.state(stream, state, records, &states);
        drop(states);
        self.line_if_any(line.as_ref());
    }

    pub fn error(&self, failure: &Failure, stream: Option<&str>) {
        let failure = self.redactor.failure(failure);
        let stream = stream.map(|stream| self.redactor.text(stream));
        let stream = stream.as_deref();
        if let Some(console) = &self.console {
            console.error(&failure, stream);
        }
        self.line_if_any(self.format.error(&failure, stream).as_ref());
    }

    /// The result of a check: what the user has to correct, if there is anything.
    pub fn connection_status(&self, refused: Option<&Failure>) {
        let refused = refused.map(|failure| self.redactor.failure(failure));
        if let (Some(failure), Some(console)) = (&refused, &self.console) {
            console.error(failure, None);
        }
        let message = refused.as_ref().map(Failure::text);
        let connection_status = match &message {
            None => ConnectionStatus::Succeeded,
            Some(message) => ConnectionStatus::Failed { message },
        };
        self.message(&Message::ConnectionStatus { connection_status });
    }

    /// A record: a single JSON object without line breaks. `prefix` is what [`Format::record_prefix`] returned for its stream.
    pub fn record(&self, prefix: &[u8], data: &[u8]) {
        self.writer.append(|block| {
            block.extend_from_slice(prefix);
            block.extend_from_slice(data);
            block.extend_from_slice(&self.record_suffix.borrow());
        });
    }

    /// The records from here on are written at the current time.
    pub fn refresh_timestamp(&self) {
        *self.record_suffix.borrow_mut() = self.format.record_suffix(EpochMs::now());
    }

    /// Waits until there is room for more records; `false` once the reader has closed them.
    pub async fn ready(&self) -> bool {
        self.writer.ready().await
    }

    /// Sends what has gathered, unless the reader of stdout is behind.
    pub fn flush(&self) {
        self.writer.flush();
    }

    /// Waits until stdout can no longer be written, and keeps it flushed meanwhile.
    pub async fn closed(&self) {
        self.writer.closed().await;
    }

    /// Writes what is left and ends; the error of the first write that failed, if one did.
    pub async fn close(self) -> io::Result<()> {
        self.writer.close().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

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
        let begin = Format::Airbyte.record_prefix("tags", None);
        for number in 0..10_000 {
            output.record(&begin, format!(r#"{{"id":{number}}}"#).as_bytes());
            assert!(output.ready().await);
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
        while output.ready().await {
            output.record(b"", &[b' '; 1000]);
            tokio::task::yield_now().await;
        }
        assert_eq!(
            output.close().await.unwrap_err().kind(),
            io::ErrorKind::BrokenPipe
        );
    }

    #[tokio::test]
    async fn a_secret_is_redacted_in_what_people_read() {
        let taken = Taken::default();
        let output = Output::to(Level::Info, taken.clone());
        output.redact("hush-hush");
        output.log(Level::Info, "a hush-hush in a text");
        output.error(
            &Failure::config("hush-hush!").with_cause(&"hush-hush?"),
            None,
        );
        output.record(b"", br#"{"name":"hush-hush"}"#);
        output.close().await.unwrap();
        let text = String::from_utf8(taken.0.lock().unwrap().concat()).unwrap();
        assert_eq!(text.matches("hush-hush").count(), 1, "the record's: {text}");
        assert_eq!(text.matches("***").count(), 3);
    }

    #[tokio::test]
    async fn untrusted_text_cannot_control_a_terminal() {
        let taken = Taken::default();
        let output = Output::to(Level::Info, taken.clone());
        output.log(Level::Warn, "\u{202e}a\nb\u{9b}31m");
        output.error(
            &Failure::config("\u{1b}[2J\u{7f}").with_cause(&"\u{7}"),
            None,
        );
        output.close().await.unwrap();
        for line in taken
            .0
            .lock()
            .unwrap()
            .concat()
            .split(|byte| *byte == b'\n')
        {
            let message: Value = serde_json::from_slice(line).unwrap_or_default();
            let is_plain = |text: &str| text.chars().all(|character| character.is_ascii_graphic());
            for text in [
                "/log/message",
                "/trace/error/message",
                "/trace/error/internal_message",
            ] {
                let text = message.pointer(text).and_then(Value::as_str);
                assert!(text.is_none_or(is_plain), "{text:?}");
            }
        }
    }

    /// What the state file says after each of these states, stdout being a file.
    #[tokio::test]
    async fn with_a_file_behind_stdout_states_wait_for_its_next_sync() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.json");
        let states = || std::fs::read_to_string(&path).unwrap_or_default();
        let file = StandardStream::stdout().unwrap();
        let output = Output::through(Level::Info, Writer::new(io::sink(), Some(file)));
        let state_file = StateFile::open(&path).unwrap();
        output.track_states(BTreeMap::new(), Some(state_file));
        output.state("tags", &Value::from("first"), 0);
        while !states().contains("first") {
            tokio::task::yield_now().await;
        }
        for position in 0..20 {
            output.state("tags", &Value::from(position), 0);
            tokio::time::timeout(Duration::from_millis(10), output.closed())
                .await
                .unwrap_err();
            assert!(states().contains("first"), "{}", states());
        }
        output.close().await.unwrap();
        assert!(states().contains("19"), "{}", states());
    }

    #[tokio::test]
    async fn no_state_is_saved_for_lines_that_could_not_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.json");
        let output = Output::to(Level::Info, Closed);
        output.track_states(BTreeMap::new(), Some(StateFile::open(&path).unwrap()));
        output.state("tags", &Value::from(1), 0);
        output.close().await.unwrap_err();
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn levels_below_the_one_asked_for_are_not_written() {
        let taken = Taken::default();
        let output = Output::to(Level::from_flags(false, false, None), taken.clone());
        output.log(Level::Debug, "detail");
        output.close().await.unwrap();
        assert_eq!(taken.0.lock().unwrap().concat(), b"");
    }
}
