//! The memory of a process, as Linux counts it.

use std::fs;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::Duration;

/// The most memory that a program started by this one has had so far, in KiB; `None` if it is not running. A process that has
/// not begun its program yet still has this one's memory, even after it was spawned.
pub fn peak_kib(process: u32) -> Option<u64> {
    let program = fs::read_link(format!("/proc/{process}/exe")).ok()?;
    if fs::read_link("/proc/self/exe").ok()? == program {
        return None;
    }
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Waits for a process, and returns the most memory it had, in KiB.
pub fn wait_and_measure(child: &mut Child) -> (ExitStatus, u64) {
    let mut peak = 0;
    loop {
        peak = peak_kib(child.id()).unwrap_or(peak).max(peak);
        if let Some(status) = child.try_wait().unwrap() {
            return (status, peak);
        }
        thread::sleep(Duration::from_millis(2));
    }
}
