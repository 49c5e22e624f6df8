//! What happens on Dixa's shore, told on Airbyte's: answers, waits and tries as LOG, the rate limit as a stream status.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use crate::airbyte::log::Level;
use crate::airbyte::message::Status;
use crate::airbyte::output::Output;
use crate::dixa::head::Head;
use crate::dixa::{Event, Host, Watch};
use crate::epoch::EpochMs;
use crate::streams::Stream;

/// Clocks that differ by less than this are right.
const WRONG: Duration = Duration::from_secs(60);
/// Two instants within this are one.
const SLACK: Duration = Duration::from_secs(1);

/// Tells of the streams that are being read.
pub struct Teller<'a> {
    output: &'a Output,
    has_compared_clocks: Cell<bool>,
    running: RefCell<Vec<Running>>,
}

struct Running {
    stream: &'static Stream,
    rate_limited_until: Option<EpochMs>,
}

impl<'a> Teller<'a> {
    pub fn new(output: &'a Output) -> Self {
        Self {
            output,
            has_compared_clocks: Cell::new(false),
            running: RefCell::default(),
        }
    }

    pub fn begin(&self, stream: &'static Stream) {
        self.running.borrow_mut().push(Running {
            stream,
            rate_limited_until: None,
        });
    }

    pub fn end(&self, stream: &'static Stream) {
        self.running
            .borrow_mut()
            .retain(|running| running.stream.name != stream.name);
    }

    /// How long a stream's host rests for its rate limit, if it does.
    pub fn rate_limited_until(&self, stream: &Stream) -> Option<EpochMs> {
        let running = self.running.borrow();
        let running = running
            .iter()
            .find(|running| running.stream.name == stream.name);
        running.and_then(|running| running.rate_limited_until)
    }

    fn answered(&self, head: &Head) {
        self.compare_clocks(head);
        if matches!(head.status, 200 | 204) {
            for running in self.running.borrow_mut().iter_mut() {
                let is_over =
                    |until: EpochMs| until <= EpochMs::now().minus(head.first_byte).plus(SLACK);
                if running.stream.host == head.host
                    && running.rate_limited_until.is_some_and(is_over)
                {
                    running.rate_limited_until = None;
                    self.output.status(running.stream.name, Status::Running);
                }
            }
        }
        if self.output.logs(Level::Debug) {
            let none = || "none".to_owned();
            let message = format!(
                "{} answered {} to {} after {:.1?}; Date: {}, Retry-After: {}, Content-Encoding: {}.",
                head.host,
                head.status,
                head.path,
                head.first_byte,
                head.date.map_or_else(none, |date| date.to_string()),
                head.retry_after
                    .map_or_else(none, |wait| format!("{wait:?}")),
                head.encoding.as_deref().unwrap_or("none"),
            );
            self.output.log(Level::Debug, &message);
        }
    }

    /// Says once in a run how far this machine's clock and Dixa's are apart, if one of them is wrong.
    fn compare_clocks(&self, head: &Head) {
        let Some(date) = head.date else { return };
        if self.has_compared_clocks.replace(true) {
            return;
        }
        // Dixa's clock said so at some time between sending and now, and cuts off its fractions.
        let now = EpochMs::now();
        let ahead = now
            .minus(head.first_byte)
            .since(date.plus(Duration::from_secs(1)));
        let behind = date.since(now);
        let (difference, direction, consequence) = if ahead > WRONG {
            (ahead, "ahead of", "no state is saved beyond Dixa's time")
        } else if behind > WRONG {
            (
                behind,
                "behind",
                "what is newer than this machine's time is read by a later sync",
            )
        } else {
            return;
        };
        let warning = format!(
            "This machine's clock is {} {direction} Dixa's (here {now}, there {date}). Nothing is lost, since {consequence}; \
             but set the clock.",
            in_minutes(difference)
        );
        self.output.log(Level::Warn, &warning);
    }

    fn rate_limited(&self, host: Host, until: EpochMs) {
        for running in self
            .running
            .borrow_mut()
            .iter_mut()
            .filter(|running| running.stream.host == host)
        {
            // Requests that were refused together tell it once.
            let is_told = |told: EpochMs| until <= told.plus(SLACK);
            if running.rate_limited_until.is_some_and(is_told) {
                continue;
            }
            running.rate_limited_until = Some(until);
            self.output
                .status(running.stream.name, Status::RateLimited { until });
        }
    }
}

/// `2 h 5 min`.
fn in_minutes(span: Duration) -> String {
    let minutes = span.as_secs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

impl Watch for Teller<'_> {
    fn told(&self, event: &Event<'_>) {
        match event {
            Event::Answered(head) => self.answered(head),
            Event::Finished {
                host,
                wire_bytes,
                body_bytes,
            } => {
                let message =
                    format!("{host}: the body was {body_bytes} bytes, {wire_bytes} on the wire.");
                self.output.log(Level::Debug, &message);
            }
            Event::RateLimited { host, pause } => {
                let until = EpochMs::now().plus(*pause);
                let message = format!(
                    "{host} refused a request for its rate limit (429); waiting until {until}."
                );
                self.output.log(Level::Warn, &message);
                self.rate_limited(*host, until);
            }
            Event::Retrying {
                error,
                path,
                tries,
                wait,
            } => {
                let message = format!(
                    "{error} ({path}, try {tries}). The next try is in {wait:.1?}, or when the rate allows it."
                );
                self.output.log(Level::Warn, &message);
            }
        }
    }
}
