//! The request log: what arrived, in order, and what was sent back. It never holds the token.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::api::authorization::Authorization;
use crate::api::host::Host;
use crate::api::request::{Request, first_value};

/// How many characters of a text are kept.
const LONGEST_TEXT: usize = 2000;

/// One request as it arrived, and its response.
#[derive(Clone, Debug)]
pub struct LoggedRequest {
    /// When the request's head was complete.
    pub at: Instant,
    /// When the response, or the connection, ended; `None` while in flight.
    pub finished: Option<Instant>,
    pub host: Host,
    pub method: String,
    pub path: String,
    /// The part after the `?`, as received.
    pub query: String,
    /// The query's names and values, percent-decoded.
    pub pairs: Vec<(String, String)>,
    /// All headers except `authorization`, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The request's body, cut if it is very long.
    pub body: String,
    pub authorization: Authorization,
    /// Whether the token was anywhere except in the `authorization` header.
    pub leaked_token: bool,
    /// The status sent; `None` before, or when a fault left the request without one.
    pub status: Option<u16>,
    /// The rule that refused the request.
    pub refused: Option<&'static str>,
    /// Whether a fault of the scenario was applied.
    pub faulted: bool,
    /// Bytes of the response's body as sent, after compression and without chunk frames.
    pub body_bytes: usize,
}

impl LoggedRequest {
    pub fn header(&self, name: &str) -> Option<&str> {
        first_value(&self.headers, name)
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        first_value(&self.pairs, name)
    }
}

/// The log, shared by all connections.
#[derive(Default)]
pub struct RequestLog(Mutex<Vec<LoggedRequest>>);

impl RequestLog {
    /// Adds a request that has just arrived. Returns its index, for `update`, and its time, for the rules.
    pub fn add(&self, request: &Request, form: Authorization, token: &str) -> (usize, Instant) {
        let mut headers = request.headers.clone();
        headers.retain(|(name, _)| name != "authorization");
        let body = String::from_utf8_lossy(&request.body);
        let leaked_token = !token.is_empty()
            && (request.target().contains(token)
                || body.contains(token)
                || request
                    .pairs
                    .iter()
                    .chain(&headers)
                    .any(|(_, value)| value.contains(token)));
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = Instant::now();
        log.push(LoggedRequest {
            at,
            finished: None,
            host: Host::of(&request.path),
            method: request.method.clone(),
            path: redacted(&request.path, token),
            query: redacted(&request.query, token),
            pairs: redacted_values(&request.pairs, token),
            headers: redacted_values(&headers, token),
            body: redacted(&body, token),
            authorization: form,
            leaked_token,
            status: None,
            refused: None,
            faulted: false,
            body_bytes: 0,
        });
        (log.len() - 1, at)
    }

    pub fn update(&self, index: usize, change: impl FnOnce(&mut LoggedRequest)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)[index]);
    }

    pub fn entries(&self) -> Vec<LoggedRequest> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The text without the token, cut if it is very long.
fn redacted(text: &str, token: &str) -> String {
    let text = if token.is_empty() {
        text.to_owned()
    } else {
        text.replace(token, "***")
    };
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}

fn redacted_values(pairs: &[(String, String)], token: &str) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| (name.clone(), redacted(value, token)))
        .collect()
}
