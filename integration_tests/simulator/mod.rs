//! A local Dixa on one loopback port: data, rules with their sources, faults on script, a request log.
//! It is a judge: it refuses what Dixa refuses. It shares no code with the connector.
#![allow(
    dead_code,
    reason = "the tests and the program by hand use different parts"
)]

pub mod account;
mod activity;
mod answer;
pub mod base64;
mod bulk;
mod catalogue;
pub mod clock;
mod control;
mod conversation;
mod directory;
mod exchange;
mod exports;
pub mod faults;
mod json;
mod knowledge;
pub mod large;
mod layout;
mod lists;
pub mod log;
mod message;
pub mod offline;
mod pages;
pub mod rate;
mod request;
pub mod rules;
mod server;
pub mod settings;
pub mod switches;
#[cfg(test)]
mod tests;
mod wire;

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use account::Account;
use clock::Stop;
use faults::{Fault, Script};
use log::{Log, Logged};
use rate::{Limits, Rates};
use switches::Switches;

/// What the local Dixa is like.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub account: Account,
    pub token: String,
    pub switches: Switches,
    pub limits: Limits,
    pub faults: Vec<Fault>,
    /// 0 takes a free port.
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

/// A running local Dixa; dropping it ends its threads and closes its sockets.
pub struct Simulator {
    world: Arc<World>,
    acceptor: Option<JoinHandle<()>>,
}

/// What all connections share.
pub struct World {
    url: String,
    token: String,
    switches: Switches,
    script: Script,
    account: Mutex<Account>,
    rates: Mutex<Rates>,
    log: Log,
    in_flight: AtomicUsize,
    stop: Stop,
    started: Instant,
}

impl Simulator {
    /// # Panics
    /// When the port cannot be had.
    #[expect(clippy::expect_used, reason = "without its port no test can go on")]
    pub fn start(scenario: Scenario) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", scenario.port)).expect("the port is free");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let world = Arc::new(World::new(scenario, format!("http://{address}")));
        let acceptor = server::spawn(listener, Arc::clone(&world));
        Self {
            world,
            acceptor: Some(acceptor),
        }
    }

    /// `http://127.0.0.1:PORT`, the base URL of both hosts.
    pub fn url(&self) -> &str {
        &self.world.url
    }

    /// Every request so far in order of arrival, but those to `/simulator/…`.
    pub fn log(&self) -> Vec<Logged> {
        self.world.log.entries()
    }

    /// Looks into the data or changes it; no request is answered meanwhile.
    pub fn account<T>(&self, change: impl FnOnce(&mut Account) -> T) -> T {
        change(&mut self.world.account())
    }

    /// Whether no request is in flight. One under a pause of a fault is, even when its client has left.
    pub fn is_quiet(&self) -> bool {
        self.world.in_flight.load(Ordering::SeqCst) == 0
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.world.stop.stop();
        server::wake(&self.world.url);
        if let Some(acceptor) = self.acceptor.take() {
            // A panic of a connection's thread has been printed already.
            drop(acceptor.join());
        }
    }
}

impl World {
    fn new(scenario: Scenario, url: String) -> Self {
        Self {
            url,
            token: scenario.token,
            switches: scenario.switches,
            script: Script::new(scenario.faults),
            account: Mutex::new(scenario.account),
            rates: Mutex::new(Rates::new(scenario.limits)),
            log: Log::default(),
            in_flight: AtomicUsize::new(0),
            stop: Stop::default(),
            started: Instant::now(),
        }
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rates(&self) -> MutexGuard<'_, Rates> {
        self.rates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
