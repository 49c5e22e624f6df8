//! The command line that goes on from where a read ended, as text that can be pasted into a shell.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::airbyte::log::escaped;
use crate::cli::ReadFiles;

/// The options that say where states come from and where they go.
const STATE_OPTIONS: [&str; 2] = ["--state", "--state-out"];

/// How to go on after a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resume {
    /// By this command.
    Command(String),
    /// By the command of the last read with these options in place of those for states and of its `>`: its input or output cannot be
    /// named.
    Options(String),
}

/// A read that has ended, and what the next one needs to know about it.
pub struct EndedRead<'a> {
    /// The whole command line, from the name of the program on.
    pub arguments: &'a [OsString],
    pub files: &'a ReadFiles,
    /// The file behind stdout, if it is one.
    pub stdout: Option<PathBuf>,
    /// Whether states are in stdout.
    pub writes_states: bool,
    /// The new states replace those that were given: none of them is missing.
    pub is_complete: bool,
}

impl EndedRead<'_> {
    /// How to go on; `None` if no file holds the states. `exists` tells which files there are: the next read overwrites none.
    pub fn resume(&self, exists: impl Fn(&Path) -> bool) -> Option<Resume> {
        let redirect = self.stdout.as_ref().map(|stdout| {
            let next = unused(stdout, &exists);
            format!(" > {}", quoted_path(&next))
        });
        if let Some(saved) = &self.files.state_out {
            let next = unused(saved, &exists);
            let options = format!(
                "--state {} --state-out {}",
                quoted_path(saved),
                quoted_path(&next)
            );
            return Some(self.with_options(&options, redirect.as_deref(), None));
        }
        let saved = self.stdout.as_ref().filter(|_| self.writes_states)?;
        let name = quoted_path(saved);
        match &self.files.state {
            Some(given) if !self.is_complete => {
                // The file of this read alone lacks the states of streams that got no new one.
                if has_no_name(given) || self.has_unnamed_input() {
                    return None;
                }
                let before = format!("cat {} {name} | ", quoted_path(given));
                Some(self.with_options("--state -", redirect.as_deref(), Some(&before)))
            }
            _ => Some(self.with_options(&format!("--state {name}"), redirect.as_deref(), None)),
        }
    }

    fn with_options(&self, options: &str, redirect: Option<&str>, before: Option<&str>) -> Resume {
        let (Some(redirect), false) = (redirect, self.has_unnamed_input()) else {
            // With the file to write to: the shell would empty the one that holds the states.
            return Resume::Options(format!("{options}{}", redirect.unwrap_or_default()));
        };
        let arguments = without_state_options(self.arguments);
        let arguments = arguments.iter().map(|argument| quoted(argument));
        let arguments: Vec<_> = arguments.collect();
        Resume::Command(format!(
            "{}{} {options}{redirect}",
            before.unwrap_or_default(),
            arguments.join(" ")
        ))
    }

    /// Whether the config or the catalog came from a place that another command does not find again.
    fn has_unnamed_input(&self) -> bool {
        let catalog = self.files.catalog.iter();
        self.files
            .config
            .paths()
            .chain(catalog)
            .any(|path| has_no_name(path))
    }
}

/// Standard input, or an open file of this process, as in `--config <(vault read …)`.
fn has_no_name(path: &Path) -> bool {
    path.as_os_str() == "-" || path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd")
}

/// The arguments without those about states, whose values may follow or be part of the argument. Only the tap knows `-s`.
fn without_state_options(arguments: &[OsString]) -> Vec<&OsString> {
    let mut kept = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let bytes = argument.as_bytes();
        let has_value = |option: &str| {
            bytes
                .strip_prefix(option.as_bytes())
                .is_some_and(|value| value.starts_with(b"="))
        };
        if STATE_OPTIONS.iter().any(|option| argument == option) || argument == "-s" {
            rest.next();
        } else if !(argument == "--allow-missing-state"
            || STATE_OPTIONS.iter().any(|option| has_value(option))
            || bytes.starts_with(b"-s"))
        {
            kept.push(argument);
        }
    }
    kept
}

/// The first of `name-2.jsonl`, `name-3.jsonl` … that does not exist, in the same folder.
fn unused(path: &Path, exists: impl Fn(&Path) -> bool) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().as_bytes();
    let digits = stem.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let (name, digits) = stem.split_at(stem.len() - digits.count());
    let number = str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse::<u32>().ok());
    let (name, first) = match (name.strip_suffix(b"-"), number) {
        (Some(name), Some(number)) if number < 1_000_000 => (name, number + 1),
        _ => (stem, 2),
    };
    let numbered = |number: u32| {
        let mut next = [name, format!("-{number}").as_bytes()].concat();
        if let Some(extension) = path.extension() {
            next.push(b'.');
            next.extend_from_slice(extension.as_bytes());
        }
        path.with_file_name(OsString::from_vec(next))
    };
    (first..u32::MAX)
        .map(numbered)
        .find(|next| !exists(next))
        .unwrap_or_else(|| unreachable!("a folder does not hold billions of files"))
}

/// A path as a shell takes it. No program takes it for an option.
fn quoted_path(path: &Path) -> String {
    if path.as_os_str().as_bytes().starts_with(b"-") {
        return quoted(Path::new(".").join(path).as_os_str());
    }
    quoted(path.as_os_str())
}

/// A word as a shell takes it. Characters that people cannot see, and bytes that are not UTF-8, are written as escapes.
pub fn quoted(word: &OsStr) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(byte);
    if !word.is_empty() && word.as_bytes().iter().all(is_plain) {
        return word.to_string_lossy().into_owned();
    }
    match word.to_str() {
        Some(text) if escaped(text) == text => format!("'{}'", text.replace('\'', r"'\''")),
        _ => {
            let escape = |byte: &u8| match byte {
                b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
                b' '..=b'~' => char::from(*byte).to_string(),
                _ => format!("\\x{byte:02x}"),
            };
            let escaped: String = word.as_bytes().iter().map(escape).collect();
            format!("$'{escaped}'")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Arguments, Command};
    use clap::Parser;

    /// How to go on after this command line, whose stdout was this file. These files exist.
    fn resume(
        command: &[&str],
        stdout: Option<&str>,
        is_complete: bool,
        files: &[&str],
    ) -> Option<Resume> {
        let parsed = Arguments::try_parse_from(command).unwrap();
        let Command::Read(read) = parsed.command else {
            panic!("not a read")
        };
        let arguments: Vec<_> = command.iter().map(OsString::from).collect();
        let ended = EndedRead {
            arguments: &arguments,
            files: &read,
            stdout: stdout.map(PathBuf::from),
            writes_states: true,
            is_complete,
        };
        ended.resume(|path| files.iter().any(|file| path == Path::new(file)))
    }

    #[test]
    fn the_command_is_that_of_the_last_read_with_its_states() {
        let start = ["source-dixa", "read", "--config", "my config.json"];
        let begin = "source-dixa read --config 'my config.json'";
        let out = Some("out.jsonl");
        for (more, stdout, is_complete, expected) in [
            (vec![], out, true, "--state out.jsonl > out-2.jsonl"),
            (
                vec!["--streams", "tags,agents", "--debug"],
                out,
                true,
                "--streams tags,agents --debug --state out.jsonl > out-2.jsonl",
            ),
            (
                vec!["--state", "old.jsonl", "--allow-missing-state"],
                out,
                true,
                "--state out.jsonl > out-2.jsonl",
            ),
            (
                vec!["--state=s.json", "--state-out=s.new"],
                Some("out-9.jsonl"),
                false,
                "--state s.new --state-out s-2.new > out-10.jsonl",
            ),
        ] {
            let command = [&start[..], &more].concat();
            let expected = Resume::Command(format!("{begin} {expected}"));
            assert_eq!(resume(&command, stdout, is_complete, &[]), Some(expected));
        }
        let command = [&start[..], &["--state", "old.jsonl"]].concat();
        let expected = format!("cat old.jsonl out.jsonl | {begin} --state - > out-3.jsonl");
        assert_eq!(
            resume(&command, out, false, &["out-2.jsonl"]),
            Some(Resume::Command(expected))
        );
    }

    #[test]
    fn what_cannot_be_named_is_left_to_the_user() {
        let options = |text: &str| Some(Resume::Options(text.to_owned()));
        let stdin = ["source-dixa", "read", "--config", "-"];
        assert_eq!(
            resume(&stdin, Some("out.jsonl"), true, &[]),
            options("--state out.jsonl > out-2.jsonl")
        );
        let open_file = ["source-dixa", "read", "--config", "/dev/fd/63"];
        assert_eq!(
            resume(&open_file, Some("-o.jsonl"), true, &[]),
            options("--state ./-o.jsonl > ./-o-2.jsonl")
        );
        let to_pipe = ["source-dixa", "read", "--state-out", "s.json"];
        assert_eq!(
            resume(&to_pipe, None, true, &["s-2.json"]),
            options("--state s.json --state-out s-3.json")
        );
        assert_eq!(resume(&["source-dixa", "read"], None, true, &[]), None);
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        for (word, expected) in [
            ("conversations,agents", "conversations,agents"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
            ("~", "'~'"),
            ("ü", "'ü'"),
            ("a\n'b\\", r"$'a\x0a\'b\\'"),
        ] {
            assert_eq!(quoted(OsStr::new(word)), expected);
        }
        assert_eq!(quoted(OsStr::from_bytes(b"a\xff")), r"$'a\xff'");
    }
}
