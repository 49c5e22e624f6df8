//! The same Dixa for callers in this process: its data and its rules, without sockets, faults or a clock of its own.

use std::time::Instant;

use super::dixa::Dixa;
use super::request::Request;
use super::rules::judge;
use super::scenario::Scenario;
use crate::data::account::Account;

/// A Dixa that answers function calls instead of connections.
pub struct InProcess(Dixa);

/// A response, with its body rendered.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The rule that refused the request.
    pub refused: Option<&'static str>,
}

impl InProcess {
    pub fn new(scenario: Scenario) -> Self {
        Self(Dixa::new(scenario, String::new()))
    }

    /// Reads the data or changes it.
    pub fn account<T>(&self, change: impl FnOnce(&mut Account) -> T) -> T {
        change(&mut self.0.account())
    }

    /// The response to a GET of this target that arrives at `at`.
    pub fn get(&self, target: &str, authorization: &str, at: Instant) -> Reply {
        self.answer(&Request::get(target, authorization), at)
    }

    /// The response to a POST of this JSON that arrives at `at`.
    pub fn post(&self, target: &str, authorization: &str, body: &str, at: Instant) -> Reply {
        self.answer(&Request::post(target, authorization, body), at)
    }

    fn answer(&self, request: &Request, at: Instant) -> Reply {
        let verdict = judge(&self.0, request, at);
        let mut body = Vec::new();
        let layout = self.0.switches.layout;
        let Ok(()) = verdict.response.render(layout, &mut body) else {
            unreachable!("a vector takes all bytes");
        };
        Reply {
            status: verdict.response.status,
            headers: verdict.response.headers,
            body,
            refused: verdict.refused,
        }
    }
}
