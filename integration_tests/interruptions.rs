//! A read that is interrupted: its stdout is closed or full, or it receives a signal.

use std::io::Read as _;
use std::process::Stdio;
use std::time::Duration;

use dixa_simulator::api::switches::Switches;
use dixa_simulator::data::account::Account;
use serde_json::json;

use crate::support::read::Read;
use crate::support::sim::Sim;

#[test]
fn closing_stdout_ends_the_read_with_an_error() {
    let simulator = Sim::new().account(Account::bulk(50_000)).start();
    let mut command = Read::of(&simulator).streams(["conversations"]).command();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut some = [0; 10_000];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.starts_with("error: stdout was closed") && stderr.lines().count() == 1,
        "{stderr}"
    );
}

#[test]
fn a_full_disk_is_an_error() {
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
        return;
    };
    let simulator = Sim::new().start();
    let mut command = Read::of(&simulator)
        .streams(["tags"])
        .mode("full_refresh")
        .command();
    let output = command.stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write to stdout"));
}

#[test]
fn sigterm_ends_a_read_by_its_default_action() {
    use std::os::unix::process::ExitStatusExt;
    let switches = Switches {
        exports_latency: Duration::from_secs(30),
        ..Switches::default()
    };
    let simulator = Sim::new().switches(switches).start();
    let mut command = Read::of(&simulator).streams(["conversations"]).command();
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 20]).unwrap();
    let killed = std::process::Command::new("kill")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().signal(), Some(15));
}

#[test]
fn a_closed_stdout_is_noticed_between_empty_responses() {
    let simulator = Sim::new().account(Account::empty()).start();
    let slow = json!({"start_date": "2020-01-01", "exports_requests_per_minute": 60});
    let mut command = Read::of(&simulator)
        .config(slow)
        .streams(["conversations"])
        .command();
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    child
        .stdout
        .take()
        .unwrap()
        .read_exact(&mut [0; 20])
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(simulator.log().len() < 10, "instead of some 76 windows");
}
