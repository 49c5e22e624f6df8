//! What a person at a terminal reads when a read has ended: what was done, what is saved, and how to go on from there.

use std::env;
use std::path::{Path, PathBuf};

use crate::cli::resume::{EndedRead, Resume};
use crate::cli::{Command, ReadFiles};
use crate::commands::Ended;
use crate::output::Output;
use crate::output::console::Terminal;
use crate::output::format::Format;
use crate::output::state_file::SavedStates;
use crate::stdio::StandardStream;

/// What there is to say once all output has left.
pub struct ClosingWords {
    saved: SavedStates,
    /// Redacted.
    resume: Option<Resume>,
}

impl ClosingWords {
    /// The closing words of a read, as far as its output is now; `None` for any other command.
    pub fn new(command: &Command, output: &Output) -> Option<Self> {
        let files = files_of_read(command)?;
        let saved = output.saved();
        let arguments: Vec<_> = env::args_os().collect();
        let read = EndedRead {
            arguments: &arguments,
            files,
            stdout: stdout_file(),
            writes_states: output.format() != Format::Jsonl,
            // A state of Singer holds all streams.
            is_complete: saved.is_complete || output.format() == Format::Singer,
        };
        let resume = read
            .resume(Path::exists)
            .filter(|_| !saved.streams.is_empty());
        let resume = resume.map(|resume| match resume {
            Resume::Command(text) => Resume::Command(output.redacted_lines(&text)),
            Resume::Options(text) => Resume::Options(output.redacted_lines(&text)),
        });
        Some(Self { saved, resume })
    }

    /// Prints them, if a person is watching.
    pub fn print(&self, ended: Ended, terminal: &Terminal) {
        // A read that was cancelled has left its bars.
        terminal.remove_bars();
        let is_watched = if ended == Ended::Interrupted {
            terminal.is_interactive()
        } else {
            terminal.shows_progress()
        };
        // Without a sum, nothing was begun: the error says why.
        let Some(sum) = terminal.take_sum().filter(|_| is_watched) else {
            return;
        };
        if ended == Ended::Interrupted {
            terminal.text(&format!("Interrupted. {sum} {}", self.what_is_saved()));
        } else if !terminal.logs_info() {
            terminal.text(&sum);
        }
        let purpose = if ended == Ended::Succeeded {
            "To read what is new, the next time"
        } else {
            "To go on from there"
        };
        match &self.resume {
            Some(Resume::Command(command)) => {
                terminal.text(&format!("{purpose}:"));
                terminal.command(command);
            }
            Some(Resume::Options(options)) => {
                terminal.text(&format!("{purpose}, run the same command with:"));
                terminal.command(options);
            }
            None => {}
        }
    }

    fn what_is_saved(&self) -> String {
        match (&self.resume, self.saved.streams.as_slice()) {
            (_, []) => "No state is saved yet: run the same command again to begin where it began."
                .to_owned(),
            (None, streams) => format!(
                "What was written ends in whole lines, with states of {}.",
                streams.join(", ")
            ),
            (Some(_), streams) => format!(
                "Saved is the state of {}; what came after it, or of other streams, is read again.",
                streams.join(", ")
            ),
        }
    }
}

/// Whether this is a read, which ends in order when it is interrupted.
pub fn is_read(command: &Command) -> bool {
    files_of_read(command).is_some()
}

fn files_of_read(command: &Command) -> Option<&ReadFiles> {
    match command {
        Command::Read(files) => Some(files),
        Command::Tap(tap) if tap.action == crate::cli::tap::TapAction::Sync => Some(&tap.files),
        _ => None,
    }
}

/// The file behind stdout, as a path from the current folder if it is below that.
fn stdout_file() -> Option<PathBuf> {
    let path = StandardStream::stdout().ok()?.path()?;
    let folder = env::current_dir().ok();
    let relative = folder.and_then(|folder| path.strip_prefix(folder).ok().map(Path::to_owned));
    Some(relative.unwrap_or(path))
}
