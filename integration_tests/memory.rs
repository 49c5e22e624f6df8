//! Memory does not grow with a window or an account: a body of 200 MB is read in less than 64 MiB, and so are lists of
//! hundreds of thousands of rows.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::thread;

use dixa_simulator::api::switches::{Paging, Switches};
use dixa_simulator::data::account::Account;
use dixa_simulator::data::large::{ANALYTICS_RECORD, LargeLists};
use serde_json::{Value, json};

use crate::support::memory::wait_and_measure;
use crate::support::read::Read;
use crate::support::sim::Sim;

/// The bytes that a full refresh writes, and its peak memory in KiB.
fn read(account: Account, streams: &[&str], dates: Value) -> (u64, u64) {
    let paging = Paging {
        max_size: 1000,
        ..Paging::default()
    };
    read_pages(paging, account, streams, dates)
}

fn read_pages(paging: Paging, account: Account, streams: &[&str], dates: Value) -> (u64, u64) {
    let switches = Switches {
        paging,
        ..Switches::default()
    };
    let simulator = Sim::new().account(account).switches(switches).start();
    let mut command = Read::of(&simulator)
        .config(dates)
        .streams(streams)
        .mode("full_refresh")
        .command();
    measure(&mut command)
}

/// The bytes that a command writes, and its peak memory in KiB.
fn measure(command: &mut Command) -> (u64, u64) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let bytes = thread::spawn(move || {
        let (mut block, mut bytes) = (vec![0; 1 << 16], 0);
        loop {
            match stdout.read(&mut block).unwrap() {
                0 => return bytes,
                count => bytes += count as u64,
            }
        }
    });
    let (status, peak) = wait_and_measure(&mut child);
    assert!(status.success());
    (bytes.join().unwrap(), peak)
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
    account.large = Some(LargeLists {
        endusers: 100_000,
        messages: 300_000,
        activity: 200_000,
        analytics: 0,
        from_ms: 1_735_689_600_000,
        to_ms: 1_767_225_600_000,
    });
    let dates = json!({"start_date": "2025-01-01", "end_date": "2026-01-01"});
    let streams = ["endusers", "messages", "activity_logs"];
    let (bytes, peak_kib) = read(account, &streams, dates);
    assert!(bytes > 250_000_000, "{bytes} bytes");
    assert!(peak_kib > 1000 && peak_kib < 64 * 1024, "{peak_kib} KiB");
}

#[test]
#[cfg(target_os = "linux")]
fn a_quarter_of_a_million_rows_of_analytics_are_read_in_less_than_64_mib() {
    // A million take four times as long, and as much memory: `benches/large --analytics 1000000`.
    let rows = 250_000;
    let mut account = Account::empty();
    account.add_record_id(ANALYTICS_RECORD, "");
    account.large = Some(LargeLists {
        analytics: rows,
        from_ms: 1_735_689_600_000,
        to_ms: 1_767_225_600_000,
        ..LargeLists::default()
    });
    let options = json!({"start_date": "2025-01-01", "end_date": "2026-01-01", "api_requests_per_second": 1_000_000});
    let (bytes, peak_kib) = read(account, &["analytics_record_data"], options);
    assert!(bytes > rows as u64 * 400, "{bytes} bytes");
    assert!(peak_kib > 1000 && peak_kib < 64 * 1024, "{peak_kib} KiB");
}

#[test]
#[cfg(target_os = "linux")]
fn thousands_of_pages_with_keys_of_60_kb_are_read_in_less_than_64_mib() {
    // The keys alone are twice as much, in a release build ten times. Without optimization, 10,000 pages take two minutes.
    let pages = if cfg!(debug_assertions) {
        2_000
    } else {
        10_000
    };
    let mut account = Account::empty();
    account.large = Some(LargeLists {
        endusers: pages,
        messages: 0,
        activity: 0,
        analytics: 0,
        from_ms: 1_735_689_600_000,
        to_ms: 1_767_225_600_000,
    });
    let paging = Paging {
        max_size: 1,
        key_padding: 60_000,
        ..Paging::default()
    };
    let rate = json!({"api_requests_per_second": 1_000_000});
    let (bytes, peak_kib) = read_pages(paging, account, &["endusers"], rate);
    assert!(bytes > 200_000, "{bytes} bytes");
    assert!(peak_kib > 1000 && peak_kib < 64 * 1024, "{peak_kib} KiB");
}

#[test]
#[cfg(target_os = "linux")]
fn a_state_of_300_mb_of_messages_is_read_in_less_than_64_mib() {
    let record = json!({"type": "RECORD", "record": {"stream": "tags", "data": {"id": "t", "name": "x".repeat(900)}}});
    let records = format!("{record}\n").repeat(1000);
    let long = format!("{record}\n").replace("xxx", &"y".repeat(90_000));
    let stream = json!({"stream_descriptor": {"name": "conversations"}, "stream_state": {"updated_at": 1_770_000_000_000_i64}});
    let state = json!({"type": "STATE", "state": {"stream": stream}}).to_string();
    let lines = [&records.repeat(260), long.as_str(), &state].concat();
    let list = format!("[{},{state}]", lines.trim_end().replace('\n', ","));
    for text in [lines, list] {
        assert!(text.len() > 270_000_000);
        let simulator = Sim::new().account(Account::empty()).start();
        let mut command = Read::of(&simulator)
            .streams(["conversations"])
            .state(&text)
            .command();
        let (_, peak_kib) = measure(&mut command);
        assert!(peak_kib > 1000 && peak_kib < 64 * 1024, "{peak_kib} KiB");
        let after = simulator.log()[0]
            .parameter("updated_after")
            .unwrap()
            .to_owned();
        assert_eq!(after, "1769996399999", "it resumes from the last state");
    }
}
