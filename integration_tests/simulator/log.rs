//! The request log: what arrived, in order, and what was answered. It never holds the token.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::request::{Request, named};
use super::rules::Host;

/// One request as it arrived, and its answer.
#[derive(Clone, Debug)]
pub struct Logged {
    /// When the request's head was complete.
    pub at: Instant,
    /// When the answer, or the connection, ended; `None` while in flight.
    pub finished: Option<Instant>,
    pub host: Host,
    pub method: String,
    pub path: String,
    /// What stands after the `?`, as it came.
    pub query: String,
    /// The query's names and values, percent-decoded.
    pub pairs: Vec<(String, String)>,
    /// All headers but `authorization`, names in lower case.
    pub headers: Vec<(String, String)>,
    pub authorization: Authorization,
    /// Whether the token stood anywhere but in the `authorization` header.
    pub leaked_token: bool,
    /// The status sent; `None` before, or when a fault left the request without one.
    pub status: Option<u16>,
    /// The rule that refused the request.
    pub refused: Option<&'static str>,
    /// Whether a fault of the scenario was played.
    pub faulted: bool,
    /// Bytes of the answer's body as sent, after compression and without chunk frames.
    pub body_bytes: usize,
}

impl Logged {
    pub fn header(&self, name: &str) -> Option<&str> {
        named(&self.headers, name)
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        named(&self.pairs, name)
    }
}

/// In what form the token came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorization {
    /// `Bearer <token>`, in any case of `bearer`.
    Bearer,
    /// `<token>` alone.
    Bare,
    /// `Basic base64("bearer:" + token)`.
    Basic,
    None,
    /// Some other text.
    Wrong,
}

/// The log, shared by all connections.
#[derive(Default)]
pub struct Log(Mutex<Vec<Logged>>);

impl Log {
    /// Enters a request that has just arrived; its place serves `update`, its time the rules.
    pub fn enter(&self, request: &Request, form: Authorization, token: &str) -> (usize, Instant) {
        let mut headers = request.headers.clone();
        headers.retain(|(name, _)| name != "authorization");
        let leaked_token = !token.is_empty()
            && (request.target().contains(token)
                || request
                    .pairs
                    .iter()
                    .chain(&headers)
                    .any(|(_, value)| value.contains(token)));
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = Instant::now();
        log.push(Logged {
            at,
            finished: None,
            host: Host::of(&request.path),
            method: request.method.clone(),
            path: hidden(&request.path, token),
            query: hidden(&request.query, token),
            pairs: hidden_values(&request.pairs, token),
            headers: hidden_values(&headers, token),
            authorization: form,
            leaked_token,
            status: None,
            refused: None,
            faulted: false,
            body_bytes: 0,
        });
        (log.len() - 1, at)
    }

    pub fn update(&self, place: usize, change: impl FnOnce(&mut Logged)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)[place]);
    }

    pub fn entries(&self) -> Vec<Logged> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn hidden(text: &str, token: &str) -> String {
    if token.is_empty() {
        text.to_owned()
    } else {
        text.replace(token, "***")
    }
}

fn hidden_values(pairs: &[(String, String)], token: &str) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| (name.clone(), hidden(value, token)))
        .collect()
}
