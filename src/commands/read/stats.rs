//! What a read transferred and waited for, per stream and in total, so that a user sees what slows a sync down.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

use crate::commands::numbers::{plural, size, span};
use crate::dixa::sink::Wait;

/// Counts for a stream, and through it for the whole read.
pub struct SyncStats<'a> {
    whole: Option<&'a SyncStats<'a>>,
    begun: Instant,
    records: Cell<u64>,
    bytes: Cell<u64>,
    requests: Cell<u64>,
    /// Those that were read, and all.
    windows: Cell<Option<(u64, u64)>>,
    rate_limit: WaitTimer,
    server: WaitTimer,
    output: WaitTimer,
}

/// The time during which anyone waits; several waits at once count once.
#[derive(Default)]
struct WaitTimer {
    waiting: Cell<u32>,
    since: Cell<Option<Instant>>,
    passed: Cell<Duration>,
}

impl<'a> SyncStats<'a> {
    /// For the whole read, or for a stream in it.
    pub fn new(whole: Option<&'a SyncStats<'a>>) -> Self {
        Self {
            whole,
            begun: Instant::now(),
            records: Cell::default(),
            bytes: Cell::default(),
            requests: Cell::default(),
            windows: Cell::default(),
            rate_limit: WaitTimer::default(),
            server: WaitTimer::default(),
            output: WaitTimer::default(),
        }
    }

    pub fn count_record(&self) {
        self.each(|stats| stats.records.update(|records| records + 1));
    }

    pub fn add_bytes(&self, bytes: usize) {
        self.each(|stats| stats.bytes.update(|sum| sum + bytes as u64));
    }

    pub fn count_request(&self) {
        self.each(|stats| stats.requests.update(|requests| requests + 1));
    }

    /// This many windows are to be read.
    pub fn set_window_total(&self, windows: u64) {
        self.windows.set(Some((0, windows)));
    }

    /// This many of them were read.
    pub fn count_windows(&self, count: u64) {
        self.windows
            .update(|windows| windows.map(|(done, all)| (done + count, all)));
    }

    /// The windows that were read, and all; `None` for a stream without windows.
    pub fn window_progress(&self) -> Option<(u64, u64)> {
        self.windows.get()
    }

    pub fn records(&self) -> u64 {
        self.records.get()
    }

    /// Since it began.
    pub fn bytes_per_second(&self) -> u64 {
        let seconds = self.begun.elapsed().as_secs().max(1);
        self.bytes.get() / seconds
    }

    /// What it waits for at the moment, if anything: nearest to us first.
    pub fn current_wait(&self) -> Option<Wait> {
        let waits = [Wait::Output, Wait::RateLimit, Wait::Server];
        waits
            .into_iter()
            .find(|wait| self.clock(*wait).waiting.get() > 0)
    }

    fn begin(&self, wait: Wait) {
        self.each(|stats| stats.clock(wait).begin());
    }

    fn end(&self, wait: Wait) {
        self.each(|stats| stats.clock(wait).end());
    }

    fn clock(&self, wait: Wait) -> &WaitTimer {
        match wait {
            Wait::RateLimit => &self.rate_limit,
            Wait::Server => &self.server,
            Wait::Output => &self.output,
        }
    }

    /// For people: `5 records, 1.2 MB in 1 request; it took 3.1 s`.
    pub fn transfer_summary(&self) -> String {
        format!("{}; it took {}", self.transferred(), self.took())
    }

    /// For people, at the end of the whole read: the same in a sentence, with the number of streams and the waits for the rate limit.
    pub fn sum(&self, streams: usize) -> String {
        let waited = self.rate_limit.passed();
        let waits = if waited < Duration::from_millis(100) {
            String::new()
        } else {
            format!(", {} of it waiting for the rate limit", span(waited))
        };
        format!(
            "{}: {}; it took {}{waits}.",
            plural(streams as u64, "stream"),
            self.transferred(),
            self.took()
        )
    }

    fn transferred(&self) -> String {
        format!(
            "{}, {} in {}",
            plural(self.records.get(), "record"),
            size(self.bytes.get()),
            plural(self.requests.get(), "request"),
        )
    }

    fn took(&self) -> String {
        span(self.begun.elapsed())
    }

    /// The same with what it waited for.
    pub fn summary(&self) -> String {
        let seconds = |timer: &WaitTimer| timer.passed().as_secs_f64();
        format!(
            "{}. Waiting times, which may overlap: {:.1} s for the rate limit, {:.1} s for Dixa, {:.1} s for the output's reader",
            self.transfer_summary(),
            seconds(&self.rate_limit),
            seconds(&self.server),
            seconds(&self.output),
        )
    }

    fn each(&self, count: impl Fn(&Self)) {
        count(self);
        if let Some(whole) = self.whole {
            count(whole);
        }
    }
}

impl WaitTimer {
    /// Includes the wait that has not ended yet, if there is one.
    fn passed(&self) -> Duration {
        let current = self.since.get().map(|since| since.elapsed());
        self.passed.get() + current.unwrap_or_default()
    }

    fn begin(&self) {
        if self.waiting.replace(self.waiting.get() + 1) == 0 {
            self.since.set(Some(Instant::now()));
        }
    }

    fn end(&self) {
        if self.waiting.replace(self.waiting.get() - 1) == 1
            && let Some(since) = self.since.take()
        {
            self.passed.update(|passed| passed + since.elapsed());
        }
    }
}

/// What one body waits for at the moment; nothing, once this is dropped.
pub struct WaitGuard<'a> {
    stats: &'a SyncStats<'a>,
    wait: Option<Wait>,
}

impl<'a> WaitGuard<'a> {
    pub fn new(stats: &'a SyncStats<'a>) -> Self {
        Self { stats, wait: None }
    }

    /// From now on it waits for this, or for nothing.
    pub fn set(&mut self, wait: Option<Wait>) {
        if let Some(over) = self.wait.take() {
            self.stats.end(over);
        }
        if let Some(wait) = wait {
            self.stats.begin(wait);
            self.wait = Some(wait);
        }
    }
}

impl Drop for WaitGuard<'_> {
    fn drop(&mut self) {
        self.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn overlapping_waits_count_once_per_stream_and_once_in_total() {
        let whole = SyncStats::new(None);
        let (one, other) = (SyncStats::new(Some(&whole)), SyncStats::new(Some(&whole)));
        let mut waiting = [
            WaitGuard::new(&one),
            WaitGuard::new(&one),
            WaitGuard::new(&other),
        ];
        for waiting in &mut waiting {
            waiting.set(Some(Wait::RateLimit));
            tokio::time::advance(SECOND).await;
        }
        waiting[0].set(Some(Wait::Server));
        tokio::time::advance(SECOND).await;
        waiting[0].set(None);
        tokio::time::advance(SECOND).await;
        drop(waiting);
        let passed =
            |stats: &SyncStats<'_>| (stats.rate_limit.passed.get(), stats.server.passed.get());
        assert_eq!(passed(&one), (SECOND * 5, SECOND));
        assert_eq!(passed(&other), (SECOND * 3, Duration::ZERO));
        assert_eq!(passed(&whole), (SECOND * 5, SECOND));
    }
}
