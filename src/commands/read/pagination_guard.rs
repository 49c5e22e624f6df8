//! Stops pages that link to each other for ever, or bring nothing new, in memory that depends neither on the length of their keys nor
//! on the number of records.

use std::collections::HashSet;

use record_splitter::Record;
use xxhash_rust::xxh3::xxh3_64;

use crate::commands::read::record_writer::RecordWriter;
use crate::dixa::error::Error;
use crate::dixa::request::Request;
use crate::dixa::sink::{Sink, Wait};

/// This many pages in a row may bring no new record.
const MAX_STALE_PAGES: u32 = 100;
/// At least this many of the last records are remembered: pages that repeat have far fewer.
const MAX_KNOWN_RECORDS: usize = 200_000;

/// The pages read so far in one list or window. Whether their records are written does not matter here: those outside the
/// dates, and those that another window brought, are new, too.
#[derive(Default)]
pub struct PaginationGuard {
    keys: HashSet<u128>,
    records: HashSet<u64>,
    page_has_new: bool,
    stale: u32,
}

impl PaginationGuard {
    /// A page is requested; an error if it was requested before.
    pub fn begin(&mut self, request: &Request) -> Result<(), Error> {
        self.page_has_new = false;
        if self.keys.insert(request.page()) {
            Ok(())
        } else {
            Err(Error::RepeatedLink { host: request.host })
        }
    }

    /// A page links to another one; an error if it was the last of too many that brought nothing new.
    pub fn check_progress(&mut self, request: &Request) -> Result<(), Error> {
        self.stale = if self.page_has_new { 0 } else { self.stale + 1 };
        if self.stale < MAX_STALE_PAGES {
            return Ok(());
        }
        Err(Error::NothingNew {
            host: request.host,
            pages: self.stale,
        })
    }

    /// A page brought a record, for the first time or again.
    fn record(&mut self, record: &[u8]) {
        if self.records.len() == MAX_KNOWN_RECORDS {
            self.records.clear();
        }
        self.page_has_new |= self.records.insert(xxh3_64(record));
    }
}

/// Passes the records of pages on, and shows each to the guard.
pub struct GuardedSink<'a, 'b, 'c> {
    pub guard: &'a mut PaginationGuard,
    pub records: &'a mut RecordWriter<'b, 'c>,
}

impl Sink for GuardedSink<'_, '_, '_> {
    fn sent(&mut self) {
        self.records.sent();
    }

    fn begin(&mut self) {
        self.records.begin();
    }

    fn record(&mut self, record: Record<'_>) {
        if !record.is_empty {
            self.guard.record(record.bytes);
        }
        self.records.record(record);
    }

    fn on_bytes(&mut self, bytes: usize) {
        self.records.on_bytes(bytes);
    }

    fn end(&mut self) {
        self.records.end();
    }

    fn waiting_for(&mut self, wait: Option<Wait>) {
        self.records.waiting_for(wait);
    }

    fn idle(&mut self) {
        self.records.idle();
    }

    async fn ready(&mut self) -> Result<(), Error> {
        self.records.ready().await
    }
}
