//! The latest state of every stream, and the optional state file: which paths are accepted, how the file is locked, and how it is
//! replaced.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, Permissions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;
use rustix::io::Errno;
use serde_json::Value;
use tempfile::{Builder, NamedTempFile};

use crate::airbyte::message::Message;
use crate::failure::Failure;

/// The longest accepted chain of symbolic links, as on Linux.
const MAX_LINKS: usize = 40;

/// The mode of a new state file, before the umask.
const NEW_FILE_MODE: u32 = 0o666;
/// The mode of a temporary file until it gets that of the file it replaces.
const PRIVATE_MODE: u32 = 0o600;

/// The latest state of each stream, by name: as given at the start, or as saved since.
#[derive(Default)]
pub struct LatestStates {
    states: BTreeMap<String, Value>,
    /// The streams whose state was saved since the start.
    saved: BTreeSet<String>,
    file: Option<Arc<StateFile>>,
    has_changed: bool,
}

/// The states of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedStates {
    /// The streams whose state was saved.
    pub streams: Vec<String>,
    /// Among them is every stream of the state that was given.
    pub is_complete: bool,
}

/// A regular file that is replaced atomically, and locked until this value is dropped.
#[derive(Debug)]
pub struct StateFile {
    /// The resolved path of the file, in an existing folder. The file itself may not exist yet.
    path: PathBuf,
    folder: PathBuf,
    /// The lock file, or the reason why it could not be locked.
    lock: io::Result<File>,
}

/// The next content of the state file.
pub struct PendingWrite {
    file: Arc<StateFile>,
    text: String,
}

impl LatestStates {
    /// Starts with these states, and writes later ones to this file.
    pub fn begin(&mut self, states: BTreeMap<String, Value>, file: Option<StateFile>) {
        *self = Self {
            states,
            saved: BTreeSet::new(),
            file: file.map(Arc::new),
            has_changed: false,
        };
    }

    pub fn put(&mut self, stream: &str, state: &Value) {
        self.states.insert(stream.to_owned(), state.clone());
        self.saved.insert(stream.to_owned());
        self.has_changed = true;
    }

    pub fn states(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.states.iter()
    }

    /// What was saved since the start.
    pub fn saved(&self) -> SavedStates {
        SavedStates {
            streams: self.saved.iter().cloned().collect(),
            is_complete: self.states.keys().all(|name| self.saved.contains(name)),
        }
    }

    /// Whether there is a state file.
    pub fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// The content to write once all output so far has reached stdout; `None` if nothing has changed since the last call.
    pub fn pending_write(&mut self) -> Option<PendingWrite> {
        let file = Arc::clone(self.file.as_ref()?);
        if !std::mem::take(&mut self.has_changed) {
            return None;
        }
        let states = self.states.iter();
        let states: Vec<_> = states
            .map(|(name, blob)| Message::saved(name, blob))
            .collect();
        let text = format!("[\n{}\n]\n", states.join(",\n"));
        Some(PendingWrite { file, text })
    }
}

impl StateFile {
    /// Resolves and locks the state file at a path. Fails if the file could not be replaced later or is locked by another run.
    /// An existing file is not changed.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let name = path.display();
        let refused = |error: io::Error| {
            Failure::config(format!("The state file {name} cannot be written: {error}."))
        };
        let path = target(path).map_err(refused)?;
        existing(&path).map_err(refused)?;
        if is_mount_point(&path) {
            let advice = "it is a mount point, which cannot be replaced; mount its folder instead";
            return Err(refused(io::Error::other(advice)));
        }
        let folder = folder_of(&path).to_owned();
        let lock_path = folder.join(hidden(&path, ".lock"));
        let lock = match lock(&lock_path) {
            Ok(lock) => Ok(lock),
            Err(TryLockError::Error(error)) => Err(error),
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::config(format!(
                    "The state file {name} is in use by another run, which holds the lock {}. Wait until that run has ended, or \
                     use another file.",
                    lock_path.display()
                )));
            }
        };
        let file = Self { path, folder, lock };
        file.temporary(PRIVATE_MODE).map_err(refused)?;
        Ok(file)
    }

    /// The reason why the file could not be locked, if it could not.
    pub fn lock_error(&self) -> Option<&io::Error> {
        self.lock.as_ref().err()
    }

    /// A temporary file in the same folder, so that a rename replaces the state file atomically. It is removed when dropped.
    fn temporary(&self, mode: u32) -> io::Result<NamedTempFile> {
        Builder::new()
            .prefix(&hidden(&self.path, "."))
            .suffix(".tmp")
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(&self.folder)
    }

    fn replace(&self, text: &str) -> io::Result<()> {
        let existing = existing(&self.path)?;
        let mode = existing.as_ref().map_or(NEW_FILE_MODE, |_| PRIVATE_MODE);
        let mut temporary = self.temporary(mode)?;
        if let Some(existing) = existing {
            // Best effort: only root can change the owner.
            let _ = fchown(
                temporary.as_file(),
                Some(existing.uid()),
                Some(existing.gid()),
            );
            let mode = Permissions::from_mode(existing.mode() & 0o7777);
            temporary.as_file().set_permissions(mode)?;
        }
        temporary.write_all(text.as_bytes())?;
        temporary.as_file().sync_all()?;
        temporary.persist(&self.path).map_err(|error| error.error)?;
        // If the folder cannot be synced, a power failure may restore the previous state, which loses no records.
        let _ = File::open(&self.folder).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

impl PendingWrite {
    /// Replaces the file and syncs it to disk: a power failure leaves either the previous state or this one.
    pub fn write(&self) -> io::Result<()> {
        self.file.replace(&self.text).map_err(|error| {
            let path = self.file.path.display();
            io::Error::other(format!("the state file {path} cannot be written: {error}"))
        })
    }
}

/// Resolves a path through symbolic links. The file need not exist yet, but its folder must.
pub fn target(path: &Path) -> io::Result<PathBuf> {
    if path.as_os_str().as_bytes().ends_with(b"/") {
        return Err(io::Error::other("it is a folder"));
    }
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let folder = folder_of(&path).canonicalize()?;
        if folder.starts_with("/proc") || folder.starts_with("/dev/fd") {
            let reason = "it is an open file of a process, not a file in a folder";
            return Err(io::Error::other(reason));
        }
        let Some(name) = path.file_name() else {
            return Err(io::Error::other("it is a folder"));
        };
        let resolved = folder.join(name);
        match fs::read_link(&resolved) {
            Ok(next) => path = folder.join(next),
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound) => {
                return Ok(resolved);
            }
            Err(error) => return Err(error),
        }
    }
    Err(Errno::LOOP.into())
}

/// The metadata of an existing file; `None` if there is none, an error if it is not a regular file.
fn existing(path: &Path) -> io::Result<Option<Metadata>> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let kind = metadata.file_type();
    if kind.is_file() {
        return Ok(Some(metadata));
    }
    let kind = match kind {
        _ if kind.is_dir() => "a folder",
        _ if kind.is_symlink() => "now a symbolic link",
        _ if kind.is_fifo() => "a named pipe",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    };
    let reason = format!("it is {kind}, and only a regular file can be replaced");
    Err(io::Error::other(reason))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// The name of a hidden file next to this one: `.NAME` and a suffix.
fn hidden(path: &Path, suffix: &str) -> OsString {
    let name = path.file_name().unwrap_or(OsStr::new("state"));
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(suffix);
    hidden
}

/// Whether a file system or a single file is mounted here. The kernel does not allow a rename over a mount point.
fn is_mount_point(path: &Path) -> bool {
    let escaped: Vec<u8> =
        path.as_os_str()
            .as_bytes()
            .iter()
            .fold(Vec::new(), |mut escaped, byte| {
                match byte {
                    b' ' | b'\t' | b'\n' | b'\\' => escaped.extend(format!("\\{byte:03o}").bytes()),
                    _ => escaped.push(*byte),
                }
                escaped
            });
    let mounts = fs::read("/proc/self/mountinfo").unwrap_or_default();
    let mut mounts = mounts.split(|byte| *byte == b'\n');
    let mounted_at = |line: &'_ [u8]| line.split(|byte| *byte == b' ').nth(4).map(<[u8]>::to_vec);
    mounts.any(|line| mounted_at(line).as_ref() == Some(&escaped))
}

/// Locks a separate lock file, since the state file is a different file after each replacement. The lock file is never removed:
/// if it were, two runs could each lock a file of the same name.
fn lock(path: &Path) -> Result<File, TryLockError> {
    // Other users of the folder may have put anything here: follow no symbolic link, and never block on a pipe.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let open = |writable: bool| {
        let mut options = File::options();
        options.read(true).write(writable).create(writable);
        options.custom_flags(flags).open(path)
    };
    let file = match open(true) {
        // A file of another user can be locked without write access.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => open(false),
        opened => opened,
    };
    let file = file.map_err(TryLockError::Error)?;
    if !file.metadata().map_err(TryLockError::Error)?.is_file() {
        let reason = format!("{} is not a regular file", path.display());
        return Err(TryLockError::Error(io::Error::other(reason)));
    }
    file.try_lock()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    fn folder() -> TempDir {
        tempfile::tempdir().unwrap()
    }

    fn message(path: &Path) -> String {
        StateFile::open(path).unwrap_err().message
    }

    #[test]
    fn symbolic_links_are_resolved_whether_the_file_exists_or_not() {
        let folder = folder();
        let name = |name: &str| folder.path().join(name);
        fs::create_dir(name("deep")).unwrap();
        symlink("deep/two", name("one")).unwrap();
        symlink("../three", name("deep/two")).unwrap();
        symlink(name("new"), name("three")).unwrap();
        let expected = folder.path().canonicalize().unwrap().join("new");
        assert_eq!(target(&name("one")).unwrap(), expected);
        fs::write(name("new"), "").unwrap();
        assert_eq!(target(&name("one")).unwrap(), expected);
    }

    #[test]
    fn dangling_and_circular_links_are_refused() {
        let folder = folder();
        let name = |name: &str| folder.path().join(name);
        symlink("loop", name("loop")).unwrap();
        symlink("none/s.json", name("dangling")).unwrap();
        for refused in ["loop", "dangling", "none/s.json", "new/", ".."] {
            assert!(
                message(&name(refused)).contains("cannot be written"),
                "{refused}"
            );
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn open_files_of_a_process_are_refused_under_every_name() {
        for refused in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/null"] {
            assert!(
                message(Path::new(refused)).contains("cannot be written"),
                "{refused}"
            );
        }
    }

    #[test]
    fn a_second_run_on_the_same_file_is_refused_until_the_first_has_ended() {
        let folder = folder();
        let (file, link) = (folder.path().join("s.json"), folder.path().join("link"));
        symlink("s.json", &link).unwrap();
        let first = StateFile::open(&file).unwrap();
        assert!(first.lock_error().is_none());
        let reason = message(&link);
        assert!(
            reason.contains("in use by another run") && reason.contains("link"),
            "{reason}"
        );
        drop(first);
        StateFile::open(&link).unwrap();
    }

    #[test]
    fn a_failed_lock_does_not_prevent_writing() {
        let folder = folder();
        let (victim, path) = (folder.path().join("victim"), folder.path().join("s.json"));
        symlink(&victim, folder.path().join(".s.json.lock")).unwrap();
        let file = StateFile::open(&path).unwrap();
        assert!(file.lock_error().is_some());
        file.replace("[]").unwrap();
        assert!(!victim.exists(), "the link is not followed");
        assert_eq!(fs::read_to_string(path).unwrap(), "[]");
    }

    #[test]
    fn a_file_that_has_become_a_symbolic_link_is_not_replaced() {
        let folder = folder();
        let path = folder.path().join("s.json");
        let file = StateFile::open(&path).unwrap();
        symlink("elsewhere", &path).unwrap();
        let error = file.replace("[]").unwrap_err().to_string();
        assert!(error.contains("now a symbolic link"), "{error}");
        assert!(path.is_symlink() && !folder.path().join("elsewhere").exists());
    }

    #[test]
    fn only_the_exact_path_of_a_mount_point_counts() {
        assert!(is_mount_point(Path::new("/proc")) || !Path::new("/proc/self/mountinfo").exists());
        assert!(!is_mount_point(Path::new("/proc/self")));
        assert!(!is_mount_point(folder().path()));
    }
}
