//! What a read moved and what it waited for, of a stream and of all of them: so that a user sees what holds a sync back.

use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use crate::commands::read::counted;
use crate::dixa::page::Wait;

/// Counts for a stream, and through it for the whole read.
pub struct Meter<'a> {
    whole: Option<&'a Meter<'a>>,
    begun: Instant,
    records: Cell<u64>,
    bytes: Cell<u64>,
    requests: Cell<u64>,
    /// Those that are read, and all.
    windows: Cell<Option<(u64, u64)>>,
    rate: Clock,
    dixa: Clock,
    reader: Clock,
}

/// The time during which anybody waits: however many they are, it passes once.
#[derive(Default)]
struct Clock {
    waiting: Cell<u32>,
    since: Cell<Option<Instant>>,
    passed: Cell<Duration>,
}

impl<'a> Meter<'a> {
    /// Of the whole read, or of a stream in it.
    pub fn new(whole: Option<&'a Meter<'a>>) -> Self {
        Self {
            whole,
            begun: Instant::now(),
            records: Cell::default(),
            bytes: Cell::default(),
            requests: Cell::default(),
            windows: Cell::default(),
            rate: Clock::default(),
            dixa: Clock::default(),
            reader: Clock::default(),
        }
    }

    pub fn record(&self) {
        self.each(|meter| meter.records.update(|records| records + 1));
    }

    pub fn bytes(&self, bytes: usize) {
        self.each(|meter| meter.bytes.update(|sum| sum + bytes as u64));
    }

    pub fn request(&self) {
        self.each(|meter| meter.requests.update(|requests| requests + 1));
    }

    /// There are so many windows to read.
    pub fn plan(&self, windows: usize) {
        self.windows.set(Some((0, windows as u64)));
    }

    /// One of them was read.
    pub fn window(&self) {
        self.windows
            .update(|windows| windows.map(|(done, all)| (done + 1, all)));
    }

    /// The windows that are read, and all; none where there are none.
    pub fn windows(&self) -> Option<(u64, u64)> {
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

    /// What holds it up at the moment, if anything does: nearest to us first.
    pub fn waits(&self) -> Option<Wait> {
        let waits = [Wait::Room, Wait::Turn, Wait::Dixa];
        waits
            .into_iter()
            .find(|wait| self.clock(*wait).waiting.get() > 0)
    }

    fn begin(&self, wait: Wait) {
        self.each(|meter| meter.clock(wait).begin());
    }

    fn end(&self, wait: Wait) {
        self.each(|meter| meter.clock(wait).end());
    }

    fn clock(&self, wait: Wait) -> &Clock {
        match wait {
            Wait::Turn => &self.rate,
            Wait::Dixa => &self.dixa,
            Wait::Room => &self.reader,
        }
    }

    fn each(&self, count: impl Fn(&Self)) {
        count(self);
        if let Some(whole) = self.whole {
            count(whole);
        }
    }
}

impl Clock {
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

/// For people: `5 records, 1.2 MB in 1 request; it took 3.1 s. Waits, which overlap: …`.
impl fmt::Display for Meter<'_> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "nobody counts the bytes of a petabyte"
    )]
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |clock: &Clock| clock.passed.get().as_secs_f64();
        write!(
            formatter,
            "{}, {:.1} MB in {}; it took {:.1} s. Waits, which overlap: {:.1} s for the rate limit, {:.1} s for Dixa, {:.1} s for \
             the reader of its output",
            counted(self.records.get(), "record"),
            self.bytes.get() as f64 / 1e6,
            counted(self.requests.get(), "request"),
            self.begun.elapsed().as_secs_f64(),
            seconds(&self.rate),
            seconds(&self.dixa),
            seconds(&self.reader),
        )
    }
}

/// What one body waits for at the moment; nothing, once this is gone.
pub struct Waiting<'a> {
    meter: &'a Meter<'a>,
    wait: Option<Wait>,
}

impl<'a> Waiting<'a> {
    pub fn new(meter: &'a Meter<'a>) -> Self {
        Self { meter, wait: None }
    }

    /// From now on for this, or for nothing.
    pub fn set(&mut self, wait: Option<Wait>) {
        if let Some(over) = self.wait.take() {
            self.meter.end(over);
        }
        if let Some(wait) = wait {
            self.meter.begin(wait);
            self.wait = Some(wait);
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn waits_that_overlap_pass_once_in_a_stream_and_once_in_all() {
        let whole = Meter::new(None);
        let (one, other) = (Meter::new(Some(&whole)), Meter::new(Some(&whole)));
        let mut waiting = [Waiting::new(&one), Waiting::new(&one), Waiting::new(&other)];
        for waiting in &mut waiting {
            waiting.set(Some(Wait::Turn));
            tokio::time::advance(SECOND).await;
        }
        waiting[0].set(Some(Wait::Dixa));
        tokio::time::advance(SECOND).await;
        waiting[0].set(None);
        tokio::time::advance(SECOND).await;
        drop(waiting);
        let passed = |meter: &Meter<'_>| (meter.rate.passed.get(), meter.dixa.passed.get());
        assert_eq!(passed(&one), (SECOND * 5, SECOND));
        assert_eq!(passed(&other), (SECOND * 3, Duration::ZERO));
        assert_eq!(passed(&whole), (SECOND * 5, SECOND));
    }
}
