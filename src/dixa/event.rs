//! What the client does and sees on the way, for whoever logs it. Never holds a token or any part of a body.

use std::time::Duration;

use crate::dixa::error::Error;
use crate::dixa::host::Host;
use crate::dixa::response::ResponseHead;

/// Something that happened between us and Dixa.
#[derive(Debug)]
pub enum Event<'a> {
    /// The head of a response arrived, whatever its status.
    Answered(&'a ResponseHead),
    /// A body was read to its end.
    Finished {
        host: Host,
        wire_bytes: u64,
        body_bytes: u64,
    },
    /// Dixa rate-limited a request (429); its host, or only this endpoint, is paused.
    RateLimited {
        host: Host,
        /// `None`: the whole host.
        endpoint: Option<&'a str>,
        pause: Duration,
    },
    /// An attempt failed and will be repeated.
    Retrying {
        host: Host,
        error: &'a Error,
        /// Of the endpoint.
        path: &'a str,
        tries: u32,
        wait: Duration,
    },
}

/// Receives events.
pub trait Observer {
    fn on_event(&self, event: &Event<'_>);
}
