//! Dixa's shore: its two hosts, how they are asked, and how their bodies fall apart into records. Knows nothing of Airbyte.

pub mod body;
pub mod client;
pub mod error;
pub mod fields;
pub mod grammar;
pub mod head;
pub mod object;
pub mod pace;
pub mod page;
pub mod paths;
pub mod pieces;
pub mod record;
pub mod records;
pub mod retry;
pub mod skip;
pub mod slots;
pub mod times;
pub mod tls;
pub mod token;
pub mod transport;

use std::fmt;

/// The two hosts of Dixa's API; one token serves both (dixa-api.md 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// `exports.dixa.io`: whole windows of time in one body, 10 requests a minute.
    Exports,
    /// `dev.dixa.io`: lists, 10 requests a second.
    Api,
}

/// Dixa's own name for the host's API, as its documentation has it.
impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Exports => "Dixa's Exports API",
            Self::Api => "Dixa's main API",
        })
    }
}

/// What the client does and sees on the way, for whoever tells it. Never holds a token or any part of a body.
#[derive(Debug)]
pub enum Event<'a> {
    /// The head of an answer arrived, whatever its status.
    Answered(&'a head::Head),
    /// A body was read to its end.
    Finished {
        host: Host,
        wire_bytes: u64,
        body_bytes: u64,
    },
    /// Dixa refused for its rate (429); the whole host rests for this long.
    RateLimited {
        host: Host,
        pause: std::time::Duration,
    },
    /// A try failed and will be made again.
    Retrying {
        error: &'a error::Error,
        /// Of the endpoint.
        path: &'a str,
        tries: u32,
        wait: std::time::Duration,
    },
}

/// Whoever is told of events.
pub trait Watch {
    fn told(&self, event: &Event<'_>);
}
