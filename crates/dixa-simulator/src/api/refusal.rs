//! Why a request is refused: the status and message that Dixa sends, and the rule's name for the log.

use std::time::Duration;

/// Why a request is refused.
pub struct Refusal {
    pub status: u16,
    /// The rule's name in the log.
    pub rule: &'static str,
    pub message: &'static str,
    pub retry_after: Option<Duration>,
}

impl Refusal {
    pub fn new(status: u16, rule: &'static str, message: &'static str) -> Self {
        Self {
            status,
            rule,
            message,
            retry_after: None,
        }
    }

    /// What does not exist (docs/dixa-api.md 2.2: SPEC, with the message).
    pub fn not_found() -> Self {
        Self::new(
            404,
            "unknown path",
            "The requested resource could not be found",
        )
    }

    /// An id in a path that nothing has, where 404 is not documented (docs/dixa-api.md 2.6: SPEC).
    pub fn invalid_id() -> Self {
        Self::invalid_value("unknown id")
    }

    /// A body, or a parameter next to one, that cannot be used (docs/dixa-api.md 2.2: SPEC).
    pub fn invalid_value(rule: &'static str) -> Self {
        Self::new(400, rule, "Invalid value in request")
    }

    /// A parameter of the main API that cannot be decoded (docs/dixa-api.md 2.2: the message of a bad `pageLimit` or
    /// `pageKey`, SPEC).
    pub fn undecodable(rule: &'static str) -> Self {
        Self::new(400, rule, "Decoding failure in request")
    }

    /// Parameters that the exports refuse. 400 is documented as "invalid query parameters" (docs/dixa-api.md 1.4: D-exp,
    /// B); the words are ours.
    pub fn invalid_parameters(rule: &'static str) -> Self {
        Self::new(400, rule, "Invalid query parameters")
    }

    /// A status that a switch chose, with the message that goes with it (docs/dixa-api.md 2.2).
    pub fn with_status(status: u16, rule: &'static str) -> Self {
        let message = match status {
            400 => "Invalid value in request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "The requested resource could not be found",
            _ => "There was an internal server error while processing the request",
        };
        Self::new(status, rule, message)
    }

    /// Above the rate: 429 (docs/dixa-api.md 1.4: B; 2.1: A).
    pub fn rate_limited(rule: &'static str, wait: Duration) -> Self {
        Self {
            retry_after: Some(wait),
            ..Self::new(429, rule, "Too Many Requests")
        }
    }
}
