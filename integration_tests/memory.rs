//! Memory does not grow with the window or the account: a body of 200 MB is read in a few megabytes, and so are lists of
//! hundreds of thousands.

use std::fs;
use std::io::Read;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::connector::{Connector, catalog, config};
use crate::read::simulator;
use crate::simulator::account::Account;
use crate::simulator::large::Large;
use crate::simulator::switches::{Paging, Switches};

/// The most memory that a process has had so far, in KiB, as Linux counts it.
pub fn peak_kib(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Reads these streams to their end; the bytes written and the peak memory.
fn read(account: Account, streams: &[&str], dates: Value) -> (u64, u64) {
    let paging = Paging {
        max_size: 1000,
        ..Paging::default()
    };
    let switches = Switches {
        paging,
        ..Switches::default()
    };
    let simulator = simulator(account, switches);
    let connector = Connector::new();
    let mut command = connector.read_command(
        &config(&simulator, dates),
        &catalog(streams, "full_refresh"),
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
    let dates = json!({"start_date": "2026-01-01", "end_date": "2026-01-31"});
    let (bytes, peak_kib) = read(Account::bulk(100_000), &["conversations"], dates);
    assert!(bytes > 200_000_000, "{bytes} bytes");
    assert!(peak_kib > 1000 && peak_kib < 64 * 1024, "{peak_kib} KiB");
}

#[test]
#[cfg(target_os = "linux")]
fn an_account_of_600_000_rows_is_read_in_less_than_64_mib() {
    let mut account = Account::empty();
    // The year 2025.
    account.large = Some(Large {
        endusers: 100_000,
        messages: 300_000,
        activity: 200_000,
        from_ms: 1_735_689_600_000,
        to_ms: 1_767_225_600_000,
    });
    let dates = json!({"start_date": "2025-01-01", "end_date": "2026-01-01"});
    let streams = ["endusers", "messages", "activity_logs"];
    let (bytes, peak_kib) = read(account, &streams, dates);
    assert!(bytes > 250_000_000, "{bytes} bytes");
    assert!(peak_kib > 1000 && peak_kib < 64 * 1024, "{peak_kib} KiB");
}
