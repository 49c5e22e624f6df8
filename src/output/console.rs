//! The console on stderr: one line per warning, and on a terminal progress bars and a sum at the end. The errors of a failed run
//! are printed at its end, one paragraph per cause.

use std::cell::RefCell;
use std::env;
use std::io::{IsTerminal, Write, stderr};
use std::rc::Rc;

use chrono::SecondsFormat;

use crate::airbyte::log::{Level, escaped};
use crate::epoch::EpochMs;
use crate::failure::Failure;
use crate::output::Console;
use crate::output::bars::{Bar, Bars, ScreenSize};
use crate::output::format::Format;
use crate::output::wrap::wrapped;
use crate::stdio::StandardStream;

/// The label of an error, and its colour.
const ERROR: (&str, u8) = ("error", 31);
/// The size of a terminal that does not say its own.
const USUAL_SIZE: ScreenSize = ScreenSize {
    columns: 80,
    rows: 24,
};

/// An error to print when the run has failed.
struct PendingError {
    failure: Failure,
    stream: Option<String>,
}

/// Writes to stderr what people read.
#[derive(Clone)]
pub struct Terminal {
    is_tty: bool,
    has_colours: bool,
    is_quiet: bool,
    /// Messages are logged from this level up; `None` if stdout has them, and people see that or do not look at stderr.
    min_level: Option<Level>,
    bars: Rc<RefCell<Bars>>,
    /// Errors not printed yet, each with its stream.
    pending_errors: Rc<RefCell<Vec<PendingError>>>,
    /// What a read has done, to print at its end.
    sum: Rc<RefCell<Option<String>>>,
}

impl Terminal {
    /// Airbyte messages go to stdout, so stderr repeats them only on a terminal that does not show stdout. Other formats have no
    /// messages, so stderr always shows their warnings.
    pub fn new(format: Format, level: Level) -> Self {
        let is_tty = stderr().is_terminal();
        let is_logged = (is_tty && !terminal_shows_stdout()) || format != Format::Airbyte;
        // INFO is for stdout only; `--debug` shows everything here, too.
        let min_level = if level == Level::Debug {
            level
        } else {
            level.max(Level::Warn)
        };
        Self {
            is_tty,
            has_colours: is_tty && env::var_os("NO_COLOR").is_none_or(|no| no.is_empty()),
            is_quiet: level > Level::Info,
            min_level: is_logged.then_some(min_level),
            bars: Rc::default(),
            pending_errors: Rc::default(),
            sum: Rc::default(),
        }
    }

    /// A console that prints nothing until a run fails.
    pub fn hidden() -> Self {
        Self {
            is_tty: false,
            has_colours: false,
            is_quiet: true,
            min_level: None,
            bars: Rc::default(),
            pending_errors: Rc::default(),
            sum: Rc::default(),
        }
    }

    pub fn is_tty(&self) -> bool {
        self.is_tty
    }

    /// Whether stderr is a terminal and not limited to warnings by `--quiet`.
    pub fn is_interactive(&self) -> bool {
        self.is_tty && !self.is_quiet
    }

    /// Whether to show progress bars. Messages printed to the same terminal would garble them.
    pub fn shows_progress(&self) -> bool {
        self.is_interactive() && !terminal_shows_stdout()
    }

    /// Whether LOG messages of the level INFO are printed here, so that nothing else needs to say what they say.
    pub fn logs_info(&self) -> bool {
        self.min_level.is_some_and(|level| level <= Level::Info)
    }

    /// Shows the bar of a stream, or what is new in it.
    pub fn show_bar(&self, bar: Bar) {
        self.bars.borrow_mut().set(bar);
        if self.bars.borrow().is_due() {
            self.draw("");
        }
    }

    pub fn remove_bar(&self, stream: &str) {
        self.bars.borrow_mut().remove(stream);
        self.draw("");
    }

    pub fn remove_bars(&self) {
        self.bars.borrow_mut().clear();
        self.draw("");
    }

    /// Prints a line above the bars.
    pub fn line(&self, line: &str) {
        self.write(&format!("{}{}", self.time(), escaped(line)));
    }

    /// Prints lines of more than one part: only long ones are wrapped.
    pub fn text(&self, text: &str) {
        self.write(text);
    }

    /// Prints a line that people copy, so it is not wrapped.
    pub fn command(&self, command: &str) {
        self.draw(&format!("  {}\n", escaped(command)));
    }

    /// Keeps what a read has done until its end.
    pub fn set_sum(&self, sum: String) {
        *self.sum.borrow_mut() = Some(sum);
    }

    /// What the read has done, if there was one.
    pub fn take_sum(&self) -> Option<String> {
        self.sum.borrow_mut().take()
    }

    /// Prints the pending errors of a command that did what it was asked to: a `check` that found something. For people only, and
    /// only if they do not see it in stdout anyway.
    pub fn succeed(&self) {
        if self.is_tty && !terminal_shows_stdout() {
            self.fail(None);
        }
    }

    /// Prints the pending errors of a failed run, after stdout is complete, and then a final error, if any.
    pub fn fail(&self, last: Option<&str>) {
        // A read that cannot write has left its bars.
        self.remove_bars();
        let mut errors = self.pending_errors.take();
        // Streams fail in the order of responses, so sorted by name, two runs of one cause print the same.
        errors.sort_by(|a, b| a.stream.cmp(&b.stream));
        for paragraph in paragraphs(&errors) {
            self.print(ERROR, &paragraph);
        }
        if let Some(error) = last {
            self.print(ERROR, error);
        }
    }

    /// Prints a line with a coloured label in front.
    fn print(&self, (label, colour): (&str, u8), text: &str) {
        let time = self.time();
        let line = self.wrapped(&format!("{time}{label}: {}", escaped(text)));
        let line = match line.strip_prefix(&format!("{time}{label}:")) {
            Some(rest) if self.has_colours => {
                format!("{time}\u{1b}[1;{colour}m{label}:\u{1b}[0m{rest}")
            }
            _ => line,
        };
        self.draw(&format!("{line}\n"));
    }

    /// The time of day in front of each line, for those who look into details.
    fn time(&self) -> String {
        if self.min_level != Some(Level::Debug) {
            return String::new();
        }
        let now = EpochMs::now().to_rfc3339(SecondsFormat::Millis);
        let time = now.split_once('T').map(|(_, time)| time);
        format!("{} ", time.unwrap_or_default())
    }

    fn write(&self, lines: &str) {
        self.draw(&format!("{}\n", self.wrapped(lines)));
    }

    fn wrapped(&self, lines: &str) -> String {
        match StandardStream::stderr().map(|stderr| stderr.screen_size()) {
            Ok(Some((columns, _))) if self.is_tty => wrapped(lines, columns),
            _ => lines.to_owned(),
        }
    }

    /// Writes lines above the bars, and the bars. Ignores a failed write, since it cannot be reported anywhere else.
    fn draw(&self, above: &str) {
        let Ok(mut stderr) = StandardStream::stderr() else {
            return;
        };
        let size = stderr.screen_size();
        let size = size.map_or(USUAL_SIZE, |(columns, rows)| ScreenSize { columns, rows });
        let drawing = (self.bars.borrow_mut()).drawing(above, size, self.has_colours);
        let _ = stderr.write_all(drawing.as_bytes());
    }
}

/// Whether people see stdout, too.
fn terminal_shows_stdout() -> bool {
    StandardStream::stdout().is_ok_and(|stdout| stdout.is_terminal())
}

/// One paragraph for all errors with the same advice: each message once, with the streams that it happened to.
fn paragraphs(errors: &[PendingError]) -> Vec<String> {
    let key = |error: &PendingError| match &error.failure.advice {
        Some(advice) => (advice.clone(), String::new()),
        None => (String::new(), error.failure.headline()),
    };
    let messages = |of_paragraph: &[&PendingError]| -> String {
        let by_message = grouped(of_paragraph, |error| error.failure.message.clone());
        let sentences: Vec<_> = by_message.iter().map(|errors| sentence(errors)).collect();
        sentences.join("; ")
    };
    let errors: Vec<_> = errors.iter().collect();
    let by_advice = grouped(&errors, key);
    let paragraph = |errors: &Vec<&PendingError>| match &errors[0].failure.advice {
        Some(advice) => format!("{}. {advice}", messages(errors)),
        None => messages(errors),
    };
    by_advice.iter().map(paragraph).collect()
}

/// One message, with what it happened to.
fn sentence(errors: &[&PendingError]) -> String {
    let streams: Vec<_> = errors
        .iter()
        .filter_map(|error| error.stream.as_deref())
        .collect();
    if streams.len() < 2 {
        return errors[0].failure.headline();
    }
    let message = &errors[0].failure.message;
    format!(
        "{message} ({} streams: {})",
        streams.len(),
        streams.join(", ")
    )
}

/// The errors of each key, in the order in which the keys first occur.
fn grouped<'a, K: PartialEq>(
    errors: &[&'a PendingError],
    key: impl Fn(&PendingError) -> K,
) -> Vec<Vec<&'a PendingError>> {
    let mut groups: Vec<(K, Vec<&PendingError>)> = Vec::new();
    for error in errors {
        let key = key(error);
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, group)) => group.push(error),
            None => groups.push((key, vec![error])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

impl Console for Terminal {
    fn log(&self, level: Level, message: &str) {
        if self.min_level.is_some_and(|min_level| level >= min_level) {
            let label = match level {
                Level::Debug => ("debug", 2),
                Level::Info => ("info", 36),
                Level::Warn => ("warning", 33),
                Level::Error => ERROR,
            };
            self.print(label, message);
        }
    }

    fn error(&self, failure: &Failure, stream: Option<&str>) {
        self.pending_errors.borrow_mut().push(PendingError {
            failure: failure.clone(),
            stream: stream.map(str::to_owned),
        });
    }
}
