//! A temporary folder for the files of a run.

use std::fs;
use std::path::PathBuf;
use std::rc::Rc;

use tempfile::TempDir;

/// A temporary folder, removed with its last clone.
#[derive(Clone)]
pub struct TestDir(Rc<TempDir>);

impl TestDir {
    pub fn new() -> Self {
        Self(Rc::new(tempfile::tempdir().unwrap()))
    }

    /// Writes a file and returns its path.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The names of everything in the folder, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }
}
