//! Faults of the simulator that more than one test uses.

use dixa_simulator::api::faults::Kind;

/// A response with this status and header.
pub fn status_with(status: u16, header: (&str, &str)) -> Kind {
    Kind::Status {
        status,
        headers: vec![(header.0.to_owned(), header.1.to_owned())],
        body: "slow down".to_owned(),
    }
}

/// A 429 with this `Retry-After`.
pub fn rate_limited(retry_after: &str) -> Kind {
    status_with(429, ("Retry-After", retry_after))
}
