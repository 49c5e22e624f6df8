//! How far a stream has come, for a person at a terminal: a bar while it is read, and a line when it is over.

use std::pin::pin;

use indicatif::{HumanBytes, HumanCount, ProgressBar};
use tokio::time::interval;

use crate::commands::read::meter::Meter;
use crate::commands::read::tell::Teller;
use crate::dixa::page::Wait;
use crate::epoch::EpochMs;
use crate::streams::Stream;
use crate::terminal::{TICK, Terminal};

/// Shows it, if somebody looks.
pub struct Progress<'a> {
    terminal: Option<&'a Terminal>,
    teller: &'a Teller<'a>,
}

impl<'a> Progress<'a> {
    pub fn on(terminal: &'a Terminal, teller: &'a Teller<'a>) -> Self {
        Self {
            terminal: Some(terminal).filter(|terminal| terminal.shows_progress()),
            teller,
        }
    }

    /// Shows what a stream's meter says until the work is done.
    pub async fn of<T>(
        &self,
        stream: &Stream,
        meter: &Meter<'_>,
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
                _ = ticks.tick() => self.show(stream, meter, &bar),
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

    fn show(&self, stream: &Stream, meter: &Meter<'_>, bar: &ProgressBar) {
        if let Some((done, all)) = meter.windows() {
            bar.set_length(all);
            bar.set_position(done);
        }
        let until = self.teller.rate_limited_until(stream);
        let until = until.filter(|until| *until > EpochMs::now());
        let waits = match (meter.waits(), until) {
            (_, Some(until)) => format!("rate limit until {until}"),
            (Some(Wait::Room), _) => "waits for the reader of its output".to_owned(),
            (Some(Wait::Turn), _) => "waits for the rate limit".to_owned(),
            (Some(Wait::Dixa), _) => "waits for Dixa".to_owned(),
            (None, _) => "reads".to_owned(),
        };
        bar.set_message(format!(
            "{waits}, {} records, {}/s",
            HumanCount(meter.records()),
            HumanBytes(meter.bytes_per_second()),
        ));
        bar.tick();
    }
}
