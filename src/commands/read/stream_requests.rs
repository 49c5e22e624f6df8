//! What the requests of one stream share: how its records are found, the size of its pages, and how many requests were sent.

use std::cell::{Cell, RefCell};

use record_splitter::Fields;
use tokio::sync::Notify;

use crate::dixa::fetch::BodySpec;
use crate::streams::stream::Stream;

/// Shared by all requests of a stream.
pub struct StreamRequests {
    /// Pages of this many records are requested; of Dixa's default size if `None`.
    pub page_limit: Cell<Option<u32>>,
    pub fields: RefCell<Fields>,
    /// This many bodies, in order, were requested.
    sent: Cell<usize>,
    was_sent: Notify,
}

impl StreamRequests {
    pub fn new(stream: &Stream) -> Self {
        Self {
            page_limit: Cell::new(stream.page_limit()),
            fields: RefCell::new(stream.fields()),
            sent: Cell::new(0),
            was_sent: Notify::new(),
        }
    }

    /// How the records of its bodies are found.
    pub fn body_spec(&self, stream: &Stream) -> BodySpec<'_> {
        BodySpec {
            frame: stream.frame,
            fields: &self.fields,
        }
    }

    /// The body with this number was requested.
    pub fn mark_sent(&self, number: usize) {
        self.sent.set(self.sent.get().max(number + 1));
        self.was_sent.notify_one();
    }

    /// How many bodies, in order, were requested.
    pub fn sent(&self) -> usize {
        self.sent.get()
    }

    /// Waits until another body is requested.
    pub async fn next_sent(&self) {
        self.was_sent.notified().await;
    }
}
