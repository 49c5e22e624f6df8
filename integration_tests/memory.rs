//! Memory does not grow with the window: a body of 200 MB is read in a few megabytes.

use std::fs;
use std::io::Read;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::connector::{Connector, catalog, config};
use crate::read::simulator;
use crate::simulator::account::Account;
use crate::simulator::switches::Switches;

/// The most memory that a process has had so far, in KiB, as Linux counts it.
pub fn peak_kib(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Reads one window of so many records to its end; the bytes written and the peak memory.
fn read_window(records: usize) -> (u64, u64) {
    let simulator = simulator(Account::bulk(records), Switches::default());
    let connector = Connector::new();
    let dates = json!({"start_date": "2026-01-01", "end_date": "2026-01-31"});
    let mut command = connector.read_command(
        &config(&simulator, dates),
        &catalog(&["conversations"], "full_refresh"),
        None,
    );
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let taken = thread::spawn(move || {
        let (mut block, mut bytes) = (vec![0; 1 << 16], 0);
        loop {
            match stdout.read(&mut block).unwrap() {
                0 => return bytes,
                count => bytes += count as u64,
            }
        }
    });
    let mut peak = 0;
    let status = loop {
        peak = peak_kib(child.id()).unwrap_or(peak).max(peak);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success());
    (taken.join().unwrap(), peak)
}

#[test]
#[cfg(target_os = "linux")]
fn a_window_of_200_mb_is_read_in_less_than_64_mib() {
    let (bytes, peak_kib) = read_window(100_000);
    assert!(bytes > 200_000_000, "{bytes} bytes");
    assert!(peak_kib > 1000 && peak_kib < 64 * 1024, "{peak_kib} KiB");
}
