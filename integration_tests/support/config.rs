//! The token and the config of the tests.

use dixa_simulator::Simulator;
use serde_json::{Value, json};

/// The token of every test; it looks like a secret that scanners search for.
pub const TOKEN: &str = "tok3n-Aa+/=%-9f86d081884c7d65";

/// A config for a simulator, with rate limits that no test waits for, changed by `overrides`.
pub fn config(simulator: &Simulator, overrides: Value) -> Value {
    let config = json!({
        "api_token": TOKEN, "start_date": "2026-01-01", "end_date": "2026-03-01",
        "exports_base_url": simulator.url(), "api_base_url": simulator.url(),
        "exports_requests_per_minute": 60_000, "api_requests_per_second": 1000,
    });
    overridden(config, overrides)
}

/// The config with these keys set.
pub fn overridden(mut config: Value, overrides: Value) -> Value {
    for (key, value) in overrides.as_object().unwrap() {
        config[key] = value.clone();
    }
    config
}
