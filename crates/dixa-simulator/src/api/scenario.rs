//! What the local Dixa is like.

use super::faults::Fault;
use super::rate::Limits;
use super::switches::Switches;
use crate::data::account::Account;

/// What the local Dixa is like.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub account: Account,
    pub token: String,
    pub switches: Switches,
    pub limits: Limits,
    pub faults: Vec<Fault>,
    /// 0 picks a free port.
    pub port: u16,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            account: Account::default(),
            token: "simulated-token".to_owned(),
            switches: Switches::default(),
            limits: Limits::default(),
            faults: Vec::new(),
            port: 0,
        }
    }
}
