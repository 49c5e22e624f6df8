//! The same Dixa for callers in this process: its data and its rules, without sockets, faults or a clock of its own.

use std::time::Instant;

use super::account::Account;
use super::request::Request;
use super::rules::judge;
use super::{Scenario, World};

/// A Dixa that is asked by a call.
pub struct Offline(World);

/// What it answers.
pub struct Answered {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The rule that refused the request.
    pub refused: Option<&'static str>,
}

impl Offline {
    pub fn new(scenario: Scenario) -> Self {
        Self(World::new(scenario, String::new()))
    }

    /// Looks into the data or changes it.
    pub fn account<T>(&self, change: impl FnOnce(&mut Account) -> T) -> T {
        change(&mut self.0.account())
    }

    /// The answer to a GET of this target that arrives at `at`.
    pub fn get(&self, target: &str, authorization: &str, at: Instant) -> Answered {
        let verdict = judge(&self.0, &Request::get(target, authorization), at);
        let mut body = Vec::new();
        let written = verdict.answer.render(self.0.switches.layout, &mut body);
        assert!(written.is_ok(), "a vector takes all bytes");
        Answered {
            status: verdict.answer.status,
            headers: verdict.answer.headers,
            body,
            refused: verdict.refused,
        }
    }
}
