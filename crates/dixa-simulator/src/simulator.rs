//! A running simulator: starts its server, shows its log and account, and ends it.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use crate::api::scenario::Scenario;
use crate::data::account::Account;
use crate::http::context::Context;
use crate::http::log::LoggedRequest;
use crate::http::server;

/// A running local Dixa; dropping it ends its threads and closes its sockets.
pub struct Simulator {
    context: Arc<Context>,
    acceptor: Option<JoinHandle<()>>,
}

impl Simulator {
    /// # Panics
    /// When the port is taken.
    #[expect(clippy::expect_used, reason = "without its port no test can go on")]
    pub fn start(scenario: Scenario) -> Self {
        let listener = if scenario.switches.unreachable_for.is_zero() {
            TcpListener::bind(("127.0.0.1", scenario.port))
        } else {
            server::bind_with_shortest_queue(scenario.port)
        };
        let listener = listener.expect("the port is free");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let context = Arc::new(Context::new(scenario, format!("http://{address}")));
        let acceptor = server::spawn(listener, Arc::clone(&context));
        Self {
            context,
            acceptor: Some(acceptor),
        }
    }

    /// `http://127.0.0.1:PORT`, the base URL of both hosts.
    pub fn url(&self) -> &str {
        &self.context.dixa.base_url
    }

    /// Every request so far in order of arrival, except those to `/simulator/…`.
    pub fn log(&self) -> Vec<LoggedRequest> {
        self.context.log.entries()
    }

    /// Reads the data or changes it; no request is answered meanwhile.
    pub fn account<T>(&self, change: impl FnOnce(&mut Account) -> T) -> T {
        change(&mut self.context.dixa.account())
    }

    /// Whether no request is in flight. One that a fault pauses is in flight, even when its client has left.
    pub fn is_quiet(&self) -> bool {
        self.context.in_flight.load(Ordering::SeqCst) == 0
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.context.stop.stop();
        server::wake(self.url());
        if let Some(acceptor) = self.acceptor.take() {
            // A panic in a connection's thread has been printed already.
            drop(acceptor.join());
        }
    }
}
