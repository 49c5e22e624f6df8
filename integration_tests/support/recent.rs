//! An account whose history ends now, and reads of its conversations up to now.

use dixa_simulator::Simulator;
use dixa_simulator::api::host::Host;
use dixa_simulator::api::switches::Switches;
use dixa_simulator::data::account::{Account, Shape};
use dixa_simulator::data::clock::now_ms;
use serde_json::{Value, json};

use super::config::config;
use super::read::Read;
use super::sim::Sim;
use super::time::{DAY, HOUR, date};

/// An account with conversations up to three hours ago, and a config that reads up to now.
pub fn recent_account(switches: Switches) -> (Simulator, Value) {
    let now = now_ms();
    let shape = Shape {
        from_ms: now - 40 * DAY,
        to_ms: now - 3 * HOUR,
        ..Shape::default()
    };
    let account = Account::seeded(5, &shape);
    let simulator = Sim::new().account(account).switches(switches).start();
    let dates = json!({"start_date": date(now - 60 * DAY), "end_date": null});
    let config = config(&simulator, dates);
    (simulator, config)
}

/// A read of conversations.
pub fn conversations(config: &Value) -> Read {
    Read::with_config(config).streams(["conversations"])
}

/// The bounds of the export requests after the first `skipped` requests, sorted.
pub fn export_bounds(simulator: &Simulator, skipped: usize) -> Vec<(i64, i64)> {
    let log = simulator.log();
    let exports = log.iter().skip(skipped);
    let exports = exports.filter(|request| request.host == Host::Exports);
    let mut bounds: Vec<_> = exports
        .map(|request| {
            let bound = |name: &str| request.parameter(name).unwrap().parse().unwrap();
            (bound("updated_after"), bound("updated_before"))
        })
        .collect();
    bounds.sort_unstable();
    bounds
}
