//! `kill -9` at any byte of the output, resumed from the last whole STATE line, until a read ends by itself: nothing lost.

use std::collections::BTreeSet;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::connector::{Connector, catalog, config};
use crate::read::simulator;
use crate::secrets;
use crate::simulator::account::Account;
use crate::simulator::switches::{Order, Switches};

/// How many reads were ended by a kill.
static KILLED: AtomicUsize = AtomicUsize::new(0);

/// Reads until so many bytes have come, then kills; whether the read ended before that.
fn read_and_kill(
    connector: &Connector,
    config: &Value,
    state: Option<&str>,
    at: usize,
) -> (bool, String) {
    let streams = catalog(&["conversations", "messages", "agents"], "incremental");
    let mut command = connector.read_command(config, &streams, state);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut text = Vec::new();
    Read::by_ref(&mut stdout)
        .take(at as u64)
        .read_to_end(&mut text)
        .unwrap();
    let was_killed = text.len() == at;
    if was_killed {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    assert!(status.success() || status.signal() == Some(9), "{status}");
    if status.signal() == Some(9) {
        KILLED.fetch_add(1, Ordering::Relaxed);
    }
    let whole = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    text.truncate(whole);
    let text = String::from_utf8(text).unwrap();
    secrets::check_lines(&text);
    (!was_killed, text)
}

fn check(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let switches = Switches {
        order: Order::Shuffled,
        write_bytes: random.usize(100..10_000),
        ..Switches::default()
    };
    let simulator = simulator(Account::default(), switches);
    let config = config(&simulator, json!({"window_days": 3, "lookback_minutes": 0}));
    let connector = Connector::new();
    let mut received = BTreeSet::new();
    let mut saved: Vec<Value> = Vec::new();
    let mut kills = random.usize(1..6);
    loop {
        let at = if kills > 0 {
            random.usize(1..400_000)
        } else {
            usize::MAX
        };
        kills = kills.saturating_sub(1);
        let state = Value::from(saved.clone()).to_string();
        let (ended, text) = read_and_kill(&connector, &config, Some(&state), at);
        for line in text.lines() {
            let message: Value = serde_json::from_str(line).unwrap();
            let record = &message["record"];
            if record.is_object() {
                received.insert((
                    record["stream"].to_string(),
                    record["data"]["id"].to_string(),
                ));
            } else if message["type"] == "STATE" {
                let name = |state: &Value| state["stream"]["stream_descriptor"]["name"].clone();
                saved.retain(|state| name(state) != name(&message["state"]));
                saved.push(message["state"].clone());
            }
        }
        if ended && at == usize::MAX {
            break;
        }
    }
    simulator.account(|account| {
        let streams = [
            ("conversations", &account.conversations),
            ("messages", &account.messages),
            ("agents", &account.agents),
        ];
        for (stream, rows) in streams {
            for row in rows {
                let due = (format!("\"{stream}\""), row.key.clone());
                assert!(received.contains(&due), "{due:?} was lost, seed {seed}");
            }
        }
    });
}

#[test]
fn a_read_that_is_killed_at_any_byte_and_resumed_loses_nothing() {
    for seed in 0..24 {
        check(seed);
    }
    assert!(KILLED.load(Ordering::Relaxed) > 20);
}
