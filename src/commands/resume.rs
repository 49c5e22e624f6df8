//! What a person at a terminal reads when a read has ended: what was done, what is saved, and how to go on from there.

use std::env;
use std::path::{Path, PathBuf};

use crate::cli::resume::{EndedRead, Resume};
use crate::cli::{Command, ReadFiles};
use crate::commands::Ended;
use crate::config::TOKEN_VARIABLE;
use crate::output::Output;
use crate::output::console::Terminal;
use crate::output::format::Format;
use crate::output::state_file::SavedStates;
use crate::stdio::StandardStream;
use crate::streams::stream::Stream;
use crate::streams::table;

/// What there is to say once all output has left.
pub struct ClosingWords {
    saved: SavedStates,
    /// Redacted.
    resume: Option<Resume>,
    writes_states: bool,
    /// The token is in the environment, and so not in the command.
    needs_token: bool,
}

impl ClosingWords {
    /// The closing words of a read, as far as its output is now; `None` for any other command.
    pub fn new(command: &Command, output: &Output) -> Option<Self> {
        let files = files_of_read(command)?;
        let mut saved = output.saved();
        // Lists have no position: they are read in full each time.
        saved
            .streams
            .retain(|name| table::find(name).is_some_and(Stream::is_incremental));
        let writes_states = output.format() != Format::Jsonl;
        let arguments: Vec<_> = env::args_os().collect();
        let read = EndedRead {
            arguments: &arguments,
            files,
            stdout: stdout_file(),
            writes_states,
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
        Some(Self {
            saved,
            resume,
            writes_states: writes_states || files.state_out.is_some(),
            needs_token: files.config.config.is_none() && env::var_os(TOKEN_VARIABLE).is_some(),
        })
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
            "To read only what is new next time"
        } else {
            "To continue from there"
        };
        match &self.resume {
            Some(Resume::Command(command)) => {
                let token = if self.needs_token {
                    format!(" (with {TOKEN_VARIABLE} set, as before)")
                } else {
                    String::new()
                };
                terminal.text(&format!("{purpose}{token}:"));
                terminal.command(command);
            }
            Some(Resume::Options(options)) => {
                terminal.text(&format!(
                    "{purpose}, run the same command, but with this instead of its options for states and its `>`:"
                ));
                terminal.command(options);
            }
            None if ended == Ended::Succeeded && !self.writes_states => {
                terminal.text(&format!(
                    "{purpose}, add `--state-out FILE` to this command."
                ));
            }
            None => {}
        }
    }

    fn what_is_saved(&self) -> String {
        match (&self.resume, self.saved.streams.as_slice()) {
            _ if !self.writes_states => {
                "The output ends with a whole line, but holds no positions: the next read starts \
                over. With `--state-out FILE` it could continue."
                    .to_owned()
            }
            (_, []) => "No position is saved yet: run the same command again.".to_owned(),
            (None, streams) => format!(
                "The output ends with a whole line, and holds the positions of {}: add it to what `--state` reads.",
                streams.join(", ")
            ),
            (Some(_), streams) => format!(
                "The positions of {} are saved. The next read continues from there, and reads all lists again.",
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
