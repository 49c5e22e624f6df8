//! The newest state of every stream, and the file that it is kept in, if somebody wants it kept.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::airbyte::message::Message;

/// What is known of each stream, by its name: what was given, and what was saved since.
#[derive(Default)]
pub struct Keeper {
    states: BTreeMap<String, Value>,
    file: Option<StateFile>,
    is_new: bool,
}

/// A file that is replaced as a whole or not at all.
#[derive(Clone, Debug)]
pub struct StateFile {
    path: PathBuf,
    /// Beside it, so that a move between the two is one step.
    beside: PathBuf,
}

/// What the file is to hold next.
pub struct Save {
    file: StateFile,
    text: String,
}

impl Keeper {
    /// From now on these are known, and kept in this file.
    pub fn begin(&mut self, states: BTreeMap<String, Value>, file: Option<StateFile>) {
        *self = Self {
            states,
            file,
            is_new: false,
        };
    }

    pub fn put(&mut self, stream: &str, state: &Value) {
        self.states.insert(stream.to_owned(), state.clone());
        self.is_new = true;
    }

    pub fn states(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.states.iter()
    }

    /// What is to be kept once everything that was written so far has left; nothing, if that is kept already.
    pub fn save(&mut self) -> Option<Save> {
        let file = self.file.clone()?;
        if !std::mem::take(&mut self.is_new) {
            return None;
        }
        let states = self.states.iter();
        let states: Vec<_> = states
            .map(|(name, blob)| Message::saved(name, blob))
            .collect();
        let text = format!("[\n{}\n]\n", states.join(",\n"));
        Some(Save { file, text })
    }
}

impl StateFile {
    /// A file that can be written, as is tried at once.
    pub fn new(path: &Path) -> io::Result<Self> {
        let mut beside = path.as_os_str().to_owned();
        // A name that nobody else gives.
        beside.push(".source-dixa.part");
        let file = Self {
            path: path.to_owned(),
            beside: beside.into(),
        };
        if path.is_dir() {
            return Err(io::Error::new(
                io::ErrorKind::IsADirectory,
                "it is a folder",
            ));
        }
        File::create(&file.beside)?;
        fs::remove_file(&file.beside)?;
        Ok(file)
    }
}

impl Save {
    /// Replaces the file, at once and for good: what is lost with the power is the step, not the file.
    pub fn write(&self) -> io::Result<()> {
        let write = || {
            let mut part = File::create(&self.file.beside)?;
            part.write_all(self.text.as_bytes())?;
            part.sync_all()?;
            fs::rename(&self.file.beside, &self.file.path)
        };
        write().map_err(|error| {
            let place = self.file.path.display();
            io::Error::other(format!("the state file {place} cannot be written: {error}"))
        })
    }
}
