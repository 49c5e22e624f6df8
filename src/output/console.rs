//! The console on stderr: one line per warning, and progress bars on a terminal. The errors of a failed run are printed at its
//! end, one paragraph per cause.

use std::cell::RefCell;
use std::env;
use std::io::{IsTerminal, Write, stderr};
use std::rc::Rc;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::airbyte::log::{Level, escaped};
use crate::failure::Failure;
use crate::output::Console;
use crate::output::format::Format;
use crate::stdio::StandardStream;

/// The label of an error, and its colour.
const ERROR: (&str, u8) = ("error", 31);
/// How often progress is redrawn.
pub const TICK: Duration = Duration::from_millis(200);

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
    bars: MultiProgress,
    /// Errors not printed yet, each with its stream.
    pending_errors: Rc<RefCell<Vec<PendingError>>>,
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
            bars: MultiProgress::new(),
            pending_errors: Rc::default(),
        }
    }

    /// A console that prints nothing until a run fails.
    pub fn hidden() -> Self {
        Self {
            is_tty: false,
            has_colours: false,
            is_quiet: true,
            min_level: None,
            bars: MultiProgress::new(),
            pending_errors: Rc::default(),
        }
    }

    /// Whether stderr is a terminal and not limited to warnings by `--quiet`.
    pub fn is_interactive(&self) -> bool {
        self.is_tty && !self.is_quiet
    }

    /// Whether to show progress bars. Messages printed to the same terminal would garble them.
    pub fn shows_progress(&self) -> bool {
        self.is_interactive() && !terminal_shows_stdout()
    }

    /// Adds the progress bar of a stream, with or without a count of windows.
    pub fn bar(&self, stream: &str, has_windows: bool) -> ProgressBar {
        let template = match (has_windows, self.has_colours) {
            (true, true) => {
                "{spinner} {prefix:24} {bar:10.cyan/dim} {pos}/{len} windows  {wide_msg}"
            }
            (true, false) => "{spinner} {prefix:24} {bar:10} {pos}/{len} windows  {wide_msg}",
            (false, _) => "{spinner} {prefix:24} {wide_msg}",
        };
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━╸ ");
        let bar = self.bars.add(ProgressBar::new(0));
        bar.set_style(style);
        bar.set_prefix(stream.to_owned());
        bar
    }

    /// Prints a line above the bars.
    pub fn line(&self, line: &str) {
        self.write(&escaped(line));
    }

    /// Prints lines as they are.
    pub fn text(&self, text: &str) {
        self.write(text);
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
        let text = escaped(text);
        if self.has_colours {
            self.write(&format!("\u{1b}[1;{colour}m{label}:\u{1b}[0m {text}"));
        } else {
            self.write(&format!("{label}: {text}"));
        }
    }

    /// Ignores a failed write, since it cannot be reported anywhere else.
    fn write(&self, line: &str) {
        let write = || {
            let line = format!("{line}\n");
            StandardStream::stderr().and_then(|mut stderr| stderr.write_all(line.as_bytes()))
        };
        self.bars.suspend(|| drop(write()));
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
