//! The writer of stdout: lines gather in blocks, and a thread writes block after block, in order.
//!
//! A slow reader of stdout fills the short queue in front of that thread, and then [`Writer::ready`] holds up the reading from
//! Dixa; nothing is buffered beyond that. States travel with the block that ends the records they cover, and are saved once
//! that block is written.

use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::mem;
use std::thread;
use std::time::{self, Duration};

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, interval};

use crate::output::state_file::{LatestStates, PendingWrite};
use crate::stdio::StandardStream;

/// A block is sent once it holds this many bytes, and sooner if somebody waits for its lines.
const BLOCK: usize = 512 * 1024;
/// The capacity of a block: its target size plus what a chunk of one or two bodies adds to it.
const CAPACITY: usize = BLOCK + 128 * 1024;
/// A block that fills slowly is sent after this long.
const MAX_FLUSH_DELAY: Duration = Duration::from_secs(1);
/// This many blocks may wait for the thread.
const QUEUE_DEPTH: usize = 2;
/// A file behind stdout is synced at most this often, and the state file waits for it.
const SYNC_INTERVAL: Duration = Duration::from_secs(10);

/// Whole lines, and the states to save once they are written.
struct Block {
    lines: Vec<u8>,
    states: Option<PendingWrite>,
}

/// Takes lines without waiting and writes them in order.
pub struct Writer {
    pub states: RefCell<LatestStates>,
    block: RefCell<Vec<u8>>,
    full: mpsc::Sender<Block>,
    empty: RefCell<mpsc::Receiver<Vec<u8>>>,
    /// Lines wait for the thread, and no other call may come to send them.
    is_behind: Notify,
    /// States wait until stdout is synced, and somebody has to remind the thread of it.
    is_synced: bool,
    /// When the block before this one was sent.
    last_flush: Cell<Instant>,
    written: oneshot::Receiver<io::Result<()>>,
}

impl Writer {
    /// To any place that takes bytes. `file` is the same place, if the state file has to wait until that is on the disk.
    pub fn new(out: impl Write + Send + 'static, file: Option<StandardStream>) -> Self {
        let is_synced = file.is_some();
        let (full, blocks) = mpsc::channel(QUEUE_DEPTH);
        let (used, empty) = mpsc::channel(QUEUE_DEPTH);
        let (end, written) = oneshot::channel();
        let saver = StateSaver::new(file);
        thread::spawn(move || end.send(write_blocks(out, saver, blocks, &used)));
        Self {
            states: RefCell::default(),
            block: RefCell::new(Vec::with_capacity(CAPACITY)),
            full,
            empty: RefCell::new(empty),
            is_behind: Notify::new(),
            is_synced,
            last_flush: Cell::new(Instant::now()),
            written,
        }
    }

    /// Appends whole lines to the current block.
    pub fn append(&self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.block.borrow_mut());
    }

    /// Waits until there is room for more lines; `false` once the reader has closed them.
    pub async fn ready(&self) -> bool {
        let is_full = || self.block.borrow().len() >= BLOCK;
        if is_full() {
            let Ok(permit) = self.full.reserve().await else {
                return false;
            };
            // Another body may have sent it meanwhile.
            if is_full() {
                permit.send(self.take_block());
            }
        } else if self.last_flush.get().elapsed() > MAX_FLUSH_DELAY {
            self.flush();
        }
        !self.full.is_closed()
    }

    /// Sends what has gathered, if the thread can take it.
    pub fn flush(&self) {
        if self.block.borrow().is_empty() {
            return;
        }
        match self.full.try_reserve() {
            Ok(permit) => permit.send(self.take_block()),
            Err(_) => self.is_behind.notify_one(),
        }
    }

    /// Waits until a write has failed, so that nothing can be written any more. Meanwhile what the thread could not take at
    /// once is sent as soon as it can.
    pub async fn closed(&self) {
        let mut syncs = interval(SYNC_INTERVAL);
        loop {
            let is_due = tokio::select! {
                () = self.full.closed() => return,
                () = self.is_behind.notified() => false,
                _ = syncs.tick(), if self.is_synced => self.states.borrow().has_file(),
            };
            let Ok(permit) = self.full.reserve().await else {
                return;
            };
            if is_due || !self.block.borrow().is_empty() {
                permit.send(self.take_block());
            }
        }
    }

    /// Writes what is left and ends; the error of the first write that failed, if one did.
    pub async fn close(self) -> io::Result<()> {
        let last = Block {
            lines: self.block.take(),
            states: self.states.borrow_mut().pending_write(),
        };
        let _ = self.full.send(last).await;
        drop(self.full);
        self.written
            .await
            .unwrap_or_else(|_| Err(io::Error::other("the writer of stdout panicked")))
    }

    fn take_block(&self) -> Block {
        self.last_flush.set(Instant::now());
        let empty = self
            .empty
            .borrow_mut()
            .try_recv()
            .unwrap_or_else(|_| Vec::with_capacity(CAPACITY));
        Block {
            lines: mem::replace(&mut self.block.borrow_mut(), empty),
            states: self.states.borrow_mut().pending_write(),
        }
    }
}

fn write_blocks(
    mut out: impl Write,
    mut saver: StateSaver,
    mut blocks: mpsc::Receiver<Block>,
    used: &mpsc::Sender<Vec<u8>>,
) -> io::Result<()> {
    while let Some(Block { mut lines, states }) = blocks.blocking_recv() {
        out.write_all(&lines)?;
        out.flush()?;
        saver.put(states)?;
        lines.clear();
        // One very large record must not keep its memory for ever.
        lines.shrink_to(CAPACITY);
        let _ = used.try_send(lines);
    }
    saver.finish()
}

/// Saves states once the records they cover have arrived: on the disk, if stdout is a file.
struct StateSaver {
    file: Option<StandardStream>,
    synced: Option<time::Instant>,
    waiting: Option<PendingWrite>,
}

impl StateSaver {
    fn new(file: Option<StandardStream>) -> Self {
        Self {
            file,
            synced: None,
            waiting: None,
        }
    }

    /// Takes the newest states, and writes them unless they have to wait.
    fn put(&mut self, states: Option<PendingWrite>) -> io::Result<()> {
        self.waiting = states.or(self.waiting.take());
        let is_early = |synced: time::Instant| synced.elapsed() < SYNC_INTERVAL;
        if self.file.is_some() && self.synced.is_some_and(is_early) {
            return Ok(());
        }
        self.finish()
    }

    /// Writes the states that wait.
    fn finish(&mut self) -> io::Result<()> {
        let Some(states) = self.waiting.take() else {
            return Ok(());
        };
        if let Some(file) = &self.file {
            file.sync()?;
            self.synced = Some(time::Instant::now());
        }
        states.write()
    }
}
