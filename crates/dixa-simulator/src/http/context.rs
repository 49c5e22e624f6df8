//! What all connections share.

use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use super::log::RequestLog;
use super::stop::StopSignal;
use crate::api::dixa::Dixa;
use crate::api::faults::FaultScript;
use crate::api::scenario::Scenario;

/// The simulated Dixa, its faults, its log, and the signal to end.
pub struct Context {
    pub dixa: Dixa,
    pub faults: FaultScript,
    pub log: RequestLog,
    pub in_flight: AtomicUsize,
    pub stop: StopSignal,
    pub started: Instant,
}

impl Context {
    pub fn new(mut scenario: Scenario, base_url: String) -> Self {
        Self {
            faults: FaultScript::new(std::mem::take(&mut scenario.faults)),
            dixa: Dixa::new(scenario, base_url),
            log: RequestLog::default(),
            in_flight: AtomicUsize::new(0),
            stop: StopSignal::default(),
            started: Instant::now(),
        }
    }
}
