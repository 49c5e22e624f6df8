//! The progress of each stream, for a person at a terminal: a bar while it is read, a line when it ends, and a sum at the end.

use std::cell::RefCell;
use std::collections::HashMap;
use std::pin::pin;
use std::time::Duration;

use tokio::time::interval;

use crate::commands::events::EventLogger;
use crate::commands::numbers::{plural, size, time_left};
use crate::commands::read::stats::SyncStats;
use crate::dixa::host::Host;
use crate::dixa::sink::Wait;
use crate::epoch::EpochMs;
use crate::output::bars::{Bar, Fact, TICK};
use crate::output::console::Terminal;
use crate::streams::stream::Stream;

/// Shows progress, if a person is watching.
pub struct ProgressDisplay<'a> {
    terminal: Option<&'a Terminal>,
    events: &'a EventLogger<'a>,
    /// The time between two requests to the Exports API.
    exports_interval: Duration,
    /// The windows of the exports that are not read yet, by stream: they share a rate limit.
    exports_left: RefCell<HashMap<&'static str, u64>>,
}

impl<'a> ProgressDisplay<'a> {
    pub fn new(
        terminal: &'a Terminal,
        events: &'a EventLogger<'a>,
        exports_interval: Duration,
    ) -> Self {
        Self {
            terminal: Some(terminal).filter(|terminal| terminal.shows_progress()),
            events,
            exports_interval,
            exports_left: RefCell::default(),
        }
    }

    /// Shows a stream's statistics until the work is done.
    pub async fn show_during<T>(
        &self,
        stream: &'static Stream,
        stats: &SyncStats<'_>,
        work: impl Future<Output = T>,
    ) -> T {
        let Some(terminal) = self.terminal else {
            return work.await;
        };
        let mut ticks = interval(TICK);
        let mut work = pin!(work);
        let done = loop {
            tokio::select! {
                biased;
                done = &mut work => break done,
                _ = ticks.tick() => terminal.show_bar(self.bar(stream, stats)),
            }
        };
        self.exports_left.borrow_mut().remove(stream.name);
        terminal.remove_bar(stream.name);
        done
    }

    /// A line that stays. With `--debug`, the log on the terminal says the same and more.
    pub fn line(&self, line: &str) {
        if let Some(terminal) = self.terminal
            && !terminal.logs_info()
        {
            terminal.line(line);
        }
    }

    fn bar(&self, stream: &'static Stream, stats: &SyncStats<'_>) -> Bar {
        let until = self.events.rate_limited_until(stream);
        let until = until.filter(|until| *until > EpochMs::now());
        let waits = match (stats.current_wait(), until) {
            (_, Some(until)) => format!("rate limit until {until}"),
            (Some(Wait::Output), _) => "waiting for the output's reader".to_owned(),
            (Some(Wait::RateLimit), _) => "waiting for the rate limit".to_owned(),
            (Some(Wait::Server), _) => "waiting for Dixa".to_owned(),
            (None, _) => "reading".to_owned(),
        };
        let pause = until.map(|until| until.since(EpochMs::now()));
        let left = self.time_left(stream, stats, pause.unwrap_or_default());
        let rate = format!("{}/s", size(stats.bytes_per_second()));
        let facts = [
            (Some(waits), 2),
            (left.map(time_left), 0),
            (Some(plural(stats.records(), "record")), 1),
            (Some(rate), 3),
        ];
        let facts = facts.into_iter().filter_map(|(text, rank)| {
            let text = text?;
            Some(Fact { text, rank })
        });
        Bar {
            stream: stream.name,
            windows: stats.window_progress(),
            facts: facts.collect(),
        }
    }

    /// The time that the rate limit needs at least for the other windows of an export.
    fn time_left(
        &self,
        stream: &'static Stream,
        stats: &SyncStats<'_>,
        pause: Duration,
    ) -> Option<Duration> {
        // When the reader of stdout continues is unknown.
        if stream.host != Host::Exports || stats.current_wait() == Some(Wait::Output) {
            return None;
        }
        let (done, all) = stats.window_progress()?;
        let mut exports = self.exports_left.borrow_mut();
        exports.insert(stream.name, all - done);
        let requests = requests_left(all - done, exports.values().copied());
        let requests = u32::try_from(requests).unwrap_or(u32::MAX);
        Some(pause + self.exports_interval.saturating_mul(requests))
    }
}

/// The requests until a stream with this many windows left is done: streams take turns, so that before each of its windows there
/// is one of every other stream that has any left. All streams include this one.
fn requests_left(own: u64, all: impl Iterator<Item = u64>) -> u64 {
    all.map(|left| left.min(own)).sum()
}

/// Leaves the sum of a read with the terminal once the read ends, also where it is cancelled.
pub struct SumAtEnd<'a> {
    terminal: &'a Terminal,
    stats: &'a SyncStats<'a>,
    streams: usize,
}

impl<'a> SumAtEnd<'a> {
    pub fn new(terminal: &'a Terminal, stats: &'a SyncStats<'a>, streams: usize) -> Self {
        Self {
            terminal,
            stats,
            streams,
        }
    }
}

impl Drop for SumAtEnd<'_> {
    fn drop(&mut self) {
        self.terminal.set_sum(self.stats.sum(self.streams));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_that_take_turns_delay_each_other_until_the_shorter_one_is_done() {
        for (own, others, expected) in [
            (0, vec![], 0),
            (7, vec![], 7),
            (7, vec![7], 14),
            (5, vec![7], 10),
            (7, vec![5], 12),
            (7, vec![0], 7),
        ] {
            let all = others.into_iter().chain([own]);
            assert_eq!(requests_left(own, all), expected);
        }
    }
}
