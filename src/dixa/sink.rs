//! Where the records of a body go, and what the sink learns on the way.

use record_splitter::Record;

use crate::dixa::error::Error;

/// What a body may wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The turn of its request: the rate limit, or a host that is paused.
    RateLimit,
    /// Dixa's response, that of another request if too many are in flight, or the next attempt after one that failed.
    Server,
    /// Room for its records.
    Output,
}

/// Takes the records of one body after another.
pub trait Sink {
    /// The request is sent, for the first time or again.
    fn sent(&mut self) {}

    /// A body begins, for the first time or again.
    fn begin(&mut self) {}

    /// Takes one record.
    fn record(&mut self, record: Record<'_>);

    /// This many bytes of the body arrived, decompressed.
    fn on_bytes(&mut self, _bytes: usize) {}

    /// The body has ended.
    fn end(&mut self) {}

    /// From now on the body waits for this; for nothing, if it is being read or has ended.
    fn waiting_for(&mut self, _wait: Option<Wait>) {}

    /// Nothing arrives from Dixa at the moment: what was taken may be flushed.
    fn idle(&mut self) {}

    /// Waits until there is room for more; an error when no more records are taken.
    fn ready(&mut self) -> impl Future<Output = Result<(), Error>>;
}
