//! What happens between us and Dixa, as Airbyte messages: responses, waits and retries as LOG, the rate limit as a stream status.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::time::Duration;

use crate::airbyte::log::Level;
use crate::airbyte::message::Status;
use crate::commands::numbers::{in_minutes, plural};
use crate::dixa::event::{Event, Observer};
use crate::dixa::host::Host;
use crate::dixa::response::ResponseHead;
use crate::epoch::EpochMs;
use crate::output::Output;
use crate::streams::stream::Stream;

/// Clocks that differ by less than this are in sync.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_secs(60);
/// Two instants within this count as one.
const SLACK: Duration = Duration::from_secs(1);

/// Logs events, and reports the rate limit to the streams that are being read.
pub struct EventLogger<'a> {
    output: &'a Output,
    /// What a host was last seen to do wrong. It is a warning once, until the host answers again.
    troubles: RefCell<HashSet<(Host, String)>>,
    has_compared_clocks: Cell<bool>,
    running: RefCell<Vec<Running>>,
}

struct Running {
    stream: &'static Stream,
    limited: Option<Limited>,
}

/// A stream waits for the rate limit.
#[derive(Clone, Copy)]
struct Limited {
    until: EpochMs,
    /// Only its endpoint is paused; the host serves the others.
    is_endpoint_only: bool,
}

impl<'a> EventLogger<'a> {
    pub fn new(output: &'a Output) -> Self {
        Self {
            output,
            troubles: RefCell::default(),
            has_compared_clocks: Cell::new(false),
            running: RefCell::default(),
        }
    }

    pub fn begin(&self, stream: &'static Stream) {
        self.running.borrow_mut().push(Running {
            stream,
            limited: None,
        });
    }

    pub fn end(&self, stream: &'static Stream) {
        self.running
            .borrow_mut()
            .retain(|running| running.stream.name != stream.name);
    }

    /// Until when a stream waits for the rate limit, if it does.
    pub fn rate_limited_until(&self, stream: &Stream) -> Option<EpochMs> {
        let running = self.running.borrow();
        let running = running
            .iter()
            .find(|running| running.stream.name == stream.name);
        Some(running?.limited?.until)
    }

    fn answered(&self, head: &ResponseHead) {
        self.compare_clocks(head);
        if matches!(head.status, 200 | 204) {
            self.troubles
                .borrow_mut()
                .retain(|(host, _)| *host != head.host);
            for running in self.running.borrow_mut().iter_mut() {
                let is_over = |limited: Limited| {
                    limited.until <= EpochMs::now().minus(head.time_to_first_byte).plus(SLACK)
                        && (!limited.is_endpoint_only || running.stream.path == head.path)
                };
                if running.stream.host == head.host && running.limited.is_some_and(is_over) {
                    running.limited = None;
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
                head.time_to_first_byte,
                head.date.map_or_else(none, |date| date.to_string()),
                head.retry_after
                    .map_or_else(none, |wait| format!("{wait:?}")),
                head.encoding.as_deref().unwrap_or("none"),
            );
            self.output.log(Level::Debug, &message);
        }
    }

    fn finished(&self, host: Host, body_bytes: u64, wire_bytes: u64) {
        let message = format!(
            "{host}: the body was {}, {} on the wire.",
            plural(body_bytes, "byte"),
            plural(wire_bytes, "byte")
        );
        self.output.log(Level::Debug, &message);
    }

    /// Warns once in a run if this machine's clock and Dixa's differ.
    fn compare_clocks(&self, head: &ResponseHead) {
        let Some(date) = head.date else { return };
        if self.has_compared_clocks.replace(true) {
            return;
        }
        // Dixa read its clock at some time between sending and now, and cut off the fractions.
        let now = EpochMs::now();
        let ahead = now
            .minus(head.time_to_first_byte)
            .since(date.plus(Duration::from_secs(1)));
        let behind = date.since(now);
        let (difference, direction, consequence) = if ahead > MAX_CLOCK_DIFFERENCE {
            (ahead, "ahead of", "no state is saved beyond Dixa's time")
        } else if behind > MAX_CLOCK_DIFFERENCE {
            (behind, "behind", "newer records are read by a later sync")
        } else {
            return;
        };
        let warning = format!(
            "This machine's clock is {} {direction} Dixa's (here {now}, there {date}). No records are lost, because {consequence}. \
             Please correct the clock.",
            in_minutes(difference)
        );
        self.output.log(Level::Warn, &warning);
    }

    /// Reports the pause to the streams of the host, or of the endpoint if that is paused alone.
    fn rate_limited(&self, host: Host, endpoint: Option<&str>, until: EpochMs) {
        let mut running = self.running.borrow_mut();
        let waits = |stream: &Stream| {
            stream.host == host && endpoint.is_none_or(|endpoint| stream.path == endpoint)
        };
        for running in running.iter_mut().filter(|running| waits(running.stream)) {
            // Requests that were rate-limited together are reported once.
            let is_reported = |limited: Limited| until <= limited.until.plus(SLACK);
            if running.limited.is_some_and(is_reported) {
                continue;
            }
            let is_endpoint_only = endpoint.is_some();
            running.limited = Some(Limited {
                until,
                is_endpoint_only,
            });
            self.output
                .status(running.stream.name, Status::RateLimited { until });
        }
    }
}

impl Observer for EventLogger<'_> {
    fn on_event(&self, event: &Event<'_>) {
        match event {
            Event::Answered(head) => self.answered(head),
            Event::Finished {
                host,
                wire_bytes,
                body_bytes,
            } => self.finished(*host, *body_bytes, *wire_bytes),
            Event::RateLimited {
                host,
                endpoint,
                pause,
            } => {
                let until = EpochMs::now().plus(*pause);
                let refused = match endpoint {
                    Some(path) => {
                        format!(
                            "{host} rate-limited another request to {path}; only this endpoint is affected"
                        )
                    }
                    None => format!("{host} rate-limited a request"),
                };
                let message = format!("{refused} (429). Waiting until {until}.");
                self.output.log(Level::Warn, &message);
                self.rate_limited(*host, *endpoint, until);
            }
            Event::Retrying {
                host,
                error,
                path,
                tries,
                wait,
            } => {
                let is_new = self
                    .troubles
                    .borrow_mut()
                    .insert((*host, error.to_string()));
                let level = if is_new { Level::Warn } else { Level::Info };
                let message = format!(
                    "{error} ({path}, attempt {tries}). Retrying in {wait:.1?}, or when the rate limit allows it."
                );
                self.output.log(level, &message);
            }
        }
    }
}
