//! A read that is killed at any byte of its output, and resumed from the last complete STATE line, loses no record.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use dixa_simulator::api::switches::{Order, Switches};
use serde_json::{Value, json};

use crate::support::config::config;
use crate::support::read::Read;
use crate::support::secrets;
use crate::support::sim::Sim;
use crate::support::test_dir::TestDir;

/// The number of reads that were killed.
static KILLED: AtomicUsize = AtomicUsize::new(0);

/// Kills a read after this many bytes. Returns whether it ended before, and the complete lines.
fn read_and_kill(dir: &TestDir, config: &Value, state: Option<&str>, at: usize) -> (bool, String) {
    let mut command = Read::with_config(config)
        .dir(dir)
        .streams(["conversations", "messages", "agents"])
        .state_if(state)
        .command();
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut text = Vec::new();
    stdout
        .by_ref()
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
    let simulator = Sim::new().switches(switches).start();
    let dir = TestDir::new();
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
        let (ended, text) = read_and_kill(
            &dir,
            &config(&simulator, json!({"window_days": 3, "lookback_minutes": 0})),
            Some(&state),
            at,
        );
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
                let expected = (format!("\"{stream}\""), row.key.clone());
                assert!(
                    received.contains(&expected),
                    "{expected:?} was lost, seed {seed}"
                );
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
