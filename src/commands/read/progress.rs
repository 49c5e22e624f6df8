//! The progress of each stream, for a person at a terminal: a bar while it is read, and a line when it ends.

use std::pin::pin;

use indicatif::{HumanBytes, HumanCount, ProgressBar};
use tokio::time::interval;

use crate::commands::events::EventLogger;
use crate::commands::read::stats::SyncStats;
use crate::dixa::sink::Wait;
use crate::epoch::EpochMs;
use crate::output::console::{TICK, Terminal};
use crate::streams::stream::Stream;

/// Shows progress, if a person is watching.
pub struct ProgressDisplay<'a> {
    terminal: Option<&'a Terminal>,
    events: &'a EventLogger<'a>,
}

impl<'a> ProgressDisplay<'a> {
    pub fn new(terminal: &'a Terminal, events: &'a EventLogger<'a>) -> Self {
        Self {
            terminal: Some(terminal).filter(|terminal| terminal.shows_progress()),
            events,
        }
    }

    /// Shows a stream's statistics until the work is done.
    pub async fn show_during<T>(
        &self,
        stream: &Stream,
        stats: &SyncStats<'_>,
        work: impl Future<Output = T>,
    ) -> T {
        let Some(terminal) = self.terminal else {
            return work.await;
        };
        let bar = terminal.bar(stream.name, stream.cursor().is_some());
        let mut ticks = interval(TICK);
        let mut work = pin!(work);
        let done = loop {
            tokio::select! {
                biased;
                done = &mut work => break done,
                _ = ticks.tick() => self.show(stream, stats, &bar),
            }
        };
        bar.finish_and_clear();
        done
    }

    /// A line that stays.
    pub fn line(&self, line: &str) {
        if let Some(terminal) = self.terminal {
            terminal.line(line);
        }
    }

    fn show(&self, stream: &Stream, stats: &SyncStats<'_>, bar: &ProgressBar) {
        if let Some((done, all)) = stats.window_progress() {
            bar.set_length(all);
            bar.set_position(done);
        }
        let until = self.events.rate_limited_until(stream);
        let until = until.filter(|until| *until > EpochMs::now());
        let waits = match (stats.current_wait(), until) {
            (_, Some(until)) => format!("rate limit until {until}"),
            (Some(Wait::Output), _) => "waiting for the output's reader".to_owned(),
            (Some(Wait::RateLimit), _) => "waiting for the rate limit".to_owned(),
            (Some(Wait::Server), _) => "waiting for Dixa".to_owned(),
            (None, _) => "reading".to_owned(),
        };
        bar.set_message(format!(
            "{waits}, {} records, {}/s",
            HumanCount(stats.records()),
            HumanBytes(stats.bytes_per_second()),
        ));
        bar.tick();
    }
}
