//! What a person sees on stderr: warnings and errors in a line each, and how far a read has come, if it is a terminal.

use std::env;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::airbyte::format::Format;
use crate::airbyte::log::Level;
use crate::airbyte::output::Aside;
use crate::failure::Failure;

/// So often a terminal shows something new.
pub const TICK: Duration = Duration::from_millis(200);

/// stderr, as far as people are told there.
#[derive(Clone)]
pub struct Terminal {
    is_seen: bool,
    has_colours: bool,
    is_quiet: bool,
    /// What is heavy enough to be told here; nothing, where all is told on stdout and nobody looks.
    from: Option<Level>,
    bars: MultiProgress,
}

impl Terminal {
    /// Messages of Airbyte's protocol are told on stdout, and here to a person only; in other formats everything is told here.
    pub fn new(format: Format, level: Level) -> Self {
        let is_seen = stderr().is_terminal();
        let is_told = is_seen || format != Format::Airbyte;
        // What is only told on the way needs to be asked for.
        let from = if level == Level::Debug {
            level
        } else {
            level.max(Level::Warn)
        };
        Self {
            is_seen,
            has_colours: is_seen && env::var_os("NO_COLOR").is_none_or(|no| no.is_empty()),
            is_quiet: level > Level::Info,
            from: is_told.then_some(from),
            bars: MultiProgress::new(),
        }
    }

    /// Where nobody looks.
    pub fn unseen() -> Self {
        Self {
            is_seen: false,
            has_colours: false,
            is_quiet: true,
            from: None,
            bars: MultiProgress::new(),
        }
    }

    /// Whether a person looks, and wants to be told more than what is wrong.
    pub fn is_watched(&self) -> bool {
        self.is_seen && !self.is_quiet
    }

    /// Whether bars would be seen: messages on the same screen would run through them.
    #[expect(
        clippy::disallowed_methods,
        reason = "it is looked at, and not written to"
    )]
    pub fn shows_progress(&self) -> bool {
        self.is_watched() && !stdout().is_terminal()
    }

    /// A bar for a stream, with windows or without.
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

    /// A line above the bars. Where it cannot be written, nobody is there to be told.
    pub fn line(&self, line: &str) {
        self.bars.suspend(|| drop(writeln!(stderr(), "{line}")));
    }

    /// A line with something in front that catches the eye.
    fn mark(&self, (mark, colour): (&str, u8), text: &str) {
        if self.has_colours {
            self.line(&format!("\u{1b}[1;{colour}m{mark}:\u{1b}[0m {text}"));
        } else {
            self.line(&format!("{mark}: {text}"));
        }
    }
}

impl Aside for Terminal {
    fn log(&self, level: Level, message: &str) {
        if self.from.is_some_and(|from| level >= from) {
            let mark = match level {
                Level::Debug => ("debug", 2),
                Level::Info => ("info", 36),
                Level::Warn => ("warning", 33),
                Level::Error => ("error", 31),
            };
            self.mark(mark, message);
        }
    }

    fn error(&self, failure: &Failure, _: Option<&str>) {
        if self.from.is_some() {
            self.mark(("error", 31), &failure.message);
        }
    }
}
