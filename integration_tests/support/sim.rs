//! A builder for a simulator.

use dixa_simulator::api::faults::Fault;
use dixa_simulator::api::rate::Limits;
use dixa_simulator::api::switches::{Forbidden, Switches};
use dixa_simulator::data::account::Account;
use dixa_simulator::{Scenario, Simulator};

use super::config::TOKEN;

/// A simulator to build: the token of the tests, the default account, and no rate limits unless the test sets them.
pub struct Sim(Scenario);

impl Sim {
    pub fn new() -> Self {
        Self(Scenario {
            token: TOKEN.to_owned(),
            limits: Limits::none(),
            ..Scenario::default()
        })
    }

    pub fn account(mut self, account: Account) -> Self {
        self.0.account = account;
        self
    }

    pub fn switches(mut self, switches: Switches) -> Self {
        self.0.switches = switches;
        self
    }

    /// Answers requests for these paths with a status, as if the token lacked a permission.
    pub fn forbid<S: Into<String>>(
        mut self,
        path_prefixes: impl IntoIterator<Item = S>,
        status: u16,
    ) -> Self {
        let forbidden = |path_prefix: S| Forbidden {
            path_prefix: path_prefix.into(),
            status,
        };
        let forbidden = path_prefixes.into_iter().map(forbidden);
        self.0.switches.forbidden.extend(forbidden);
        self
    }

    pub fn limits(mut self, limits: Limits) -> Self {
        self.0.limits = limits;
        self
    }

    pub fn fault(self, fault: Fault) -> Self {
        self.faults([fault])
    }

    pub fn faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.0.faults.extend(faults);
        self
    }

    pub fn port(mut self, port: u16) -> Self {
        self.0.port = port;
        self
    }

    /// Listens, until the returned value is dropped.
    pub fn start(self) -> Simulator {
        Simulator::start(self.0)
    }

    /// For a simulator without a socket.
    pub fn scenario(self) -> Scenario {
        self.0
    }
}
