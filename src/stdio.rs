//! Standard input, output and error. They bypass std's buffers, which hide some errors, and wait if a descriptor is
//! non-blocking. Also determines what each of them is, and whether two files are the same.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::Errno;
use rustix::termios::tcgetwinsize;

/// A descriptor that the process was started with. Reads and writes block even if another process has made the descriptor
/// non-blocking. Its flags are shared with other processes and are left unchanged.
#[derive(Debug)]
pub struct StandardStream(File);

/// The identity of a file, the same for all its links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl StandardStream {
    pub fn stdin() -> io::Result<Self> {
        Self::of(&io::stdin())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "for `output`, which writes to it, and for checks of what it is"
    )]
    pub fn stdout() -> io::Result<Self> {
        Self::of(&io::stdout())
    }

    pub fn stderr() -> io::Result<Self> {
        Self::of(&io::stderr())
    }

    fn of(stream: &impl AsFd) -> io::Result<Self> {
        let own = stream.as_fd().try_clone_to_owned()?;
        Ok(Self(own.into()))
    }

    pub fn is_terminal(&self) -> bool {
        self.0.is_terminal()
    }

    /// The columns and rows of the terminal, if it is one and says so.
    pub fn screen_size(&self) -> Option<(usize, usize)> {
        let size = tcgetwinsize(&self.0).ok()?;
        let is_known = size.ws_col > 0 && size.ws_row > 0;
        is_known.then(|| (size.ws_col.into(), size.ws_row.into()))
    }

    /// The path of the regular file behind the stream, where the system tells it.
    pub fn path(&self) -> Option<PathBuf> {
        let descriptor = self.0.as_raw_fd();
        let path = fs::read_link(format!("/proc/self/fd/{descriptor}")).ok()?;
        let is_same = self.regular_file() == FileId::of_regular_file(&path);
        (is_same && self.regular_file().is_some()).then_some(path)
    }

    /// Whether the stream was opened for reading only.
    pub fn is_read_only(&self) -> io::Result<bool> {
        Ok(self.access()? == OFlags::RDONLY)
    }

    /// Whether the stream is /dev/null, open for reading and writing. That is how Rust's runtime reopens a closed descriptor, and
    /// what Python's `subprocess.DEVNULL` is. A shell's `> /dev/null` is open for writing only.
    pub fn is_closed_or_null(&self) -> io::Result<bool> {
        let (own, null) = (self.0.metadata()?, fs::metadata("/dev/null")?);
        let is_null = own.file_type().is_char_device() && own.rdev() == null.rdev();
        Ok(is_null && self.access()? == OFlags::RDWR)
    }

    /// The file behind the stream, if it is a regular file.
    pub fn regular_file(&self) -> Option<FileId> {
        let metadata = self.0.metadata().ok()?;
        metadata.is_file().then(|| FileId::from(&metadata))
    }

    /// Waits until written data is on disk. Succeeds for files that cannot be synced.
    pub fn sync(&self) -> io::Result<()> {
        match self.0.sync_data() {
            Err(error) if is_unsupported(&error) => Ok(()),
            synced => synced,
        }
    }

    fn access(&self) -> io::Result<OFlags> {
        Ok(fcntl_getfl(&self.0)? & OFlags::ACCMODE)
    }

    /// Repeats an attempt until it does not block, and waits for the descriptor in between.
    fn wait<T>(
        &self,
        until: PollFlags,
        mut attempt: impl FnMut(&File) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            match attempt(&self.0) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    match poll(&mut [PollFd::new(&self.0, until)], None) {
                        // The next attempt returns any error of the descriptor itself.
                        Ok(_) | Err(Errno::INTR) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                done => return done,
            }
        }
    }
}

impl Read for StandardStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait(PollFlags::IN, |mut file| file.read(buffer))
    }
}

impl Write for StandardStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wait(PollFlags::OUT, |mut file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl FileId {
    /// The identity of the regular file at a path, through symbolic links; `None` if there is none.
    pub fn of_regular_file(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        metadata.is_file().then(|| Self::from(&metadata))
    }
}

impl From<&Metadata> for FileId {
    fn from(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

/// The regular file that an option names as its input, where `-` means stdin; `None` if it is not a regular file.
pub fn input_file(path: &Path) -> Option<FileId> {
    if path.as_os_str() == "-" {
        return StandardStream::stdin().ok()?.regular_file();
    }
    FileId::of_regular_file(path)
}

/// Whether an error means that this kind of file cannot be synced at all.
fn is_unsupported(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;
    use std::thread;

    #[test]
    fn a_non_blocking_stream_blocks_in_both_directions() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut ours = StandardStream::of(&ours).unwrap();
        let text = vec![b'x'; 3_000_000];
        let expected = text.len();
        let reader = thread::spawn(move || {
            let mut theirs = theirs;
            let mut received = vec![0; expected];
            theirs.read_exact(&mut received).unwrap();
            theirs.write_all(b"late").unwrap();
        });
        ours.write_all(&text).unwrap();
        let mut reply = [0; 4];
        ours.read_exact(&mut reply).unwrap();
        reader.join().unwrap();
        assert_eq!(&reply, b"late");
        let flags = fcntl_getfl(&ours.0).unwrap();
        assert!(flags.contains(OFlags::NONBLOCK), "the flag is unchanged");
    }

    #[test]
    fn a_wait_ends_when_the_reader_hangs_up() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut ours = StandardStream::of(&ours).unwrap();
        let hanging_up = thread::spawn(move || {
            let wait = PollFd::new(&theirs, PollFlags::IN);
            poll(&mut [wait], None).unwrap();
            drop(theirs);
        });
        let error = ours.write_all(&vec![b'x'; 30_000_000]).unwrap_err();
        hanging_up.join().unwrap();
        let kinds = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset];
        assert!(kinds.contains(&error.kind()), "{error}");
    }

    #[test]
    fn a_null_device_open_for_both_differs_from_one_open_for_writing() {
        let open = |read| File::options().read(read).write(true).open("/dev/null");
        let stream = |read| StandardStream::of(&open(read).unwrap()).unwrap();
        assert!(stream(true).is_closed_or_null().unwrap());
        assert!(!stream(false).is_closed_or_null().unwrap());
        let read_only = StandardStream::of(&File::open("/dev/null").unwrap()).unwrap();
        assert!(read_only.is_read_only().unwrap() && !stream(true).is_read_only().unwrap());
        assert!(stream(false).sync().is_ok(), "there is nothing to sync");
    }

    #[test]
    fn a_file_is_the_same_under_all_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let name = |name: &str| folder.path().join(name);
        fs::write(name("file"), "").unwrap();
        fs::write(name("other"), "").unwrap();
        fs::hard_link(name("file"), name("hard")).unwrap();
        std::os::unix::fs::symlink("hard", name("soft")).unwrap();
        let id = |path: &str| FileId::of_regular_file(&name(path));
        assert!(id("file").is_some() && id("file") == id("hard") && id("file") == id("soft"));
        assert_ne!(id("file"), id("other"));
        assert_eq!(id(""), None, "a folder");
    }
}
