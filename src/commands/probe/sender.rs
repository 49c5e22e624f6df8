//! Sends the requests of a probe: within its limits, in turn, again after a passing fault, and takes note of every response.

use tokio::time::Instant;

use crate::airbyte::log::Level;
use crate::commands::probe::ask::Ask;
use crate::commands::probe::records::{Fault, Outcome, Records, Reply, read_records, read_refusal};
use crate::commands::probe::report::SentRequests;
use crate::commands::probe::responses::ResponseLog;
use crate::dixa::client::Client;
use crate::dixa::error::{Error, Phase};
use crate::dixa::host::Host;
use crate::dixa::next_page::NextPage;
use crate::dixa::policy::{RetryAction, policy};
use crate::dixa::rate_limit::sleep;
use crate::dixa::request::Request;
use crate::dixa::retry_budget::{RetryBudget, backoff};
use crate::epoch::EpochMs;
use crate::failure::Failure;
use crate::output::Output;

/// How many requests a probe sends to the Exports API at most.
pub const MAX_EXPORTS: u32 = 12;
/// The same for the main API.
pub const MAX_API: u32 = 60;
/// How often a request is sent at most.
const MAX_TRIES: u32 = 3;
/// Requests that are left for the other forms of the token, which come last.
const RESERVED: u32 = 1;

/// Sends the requests of a probe.
pub struct Sender<'a> {
    client: &'a Client,
    /// This machine's time at the start.
    now: EpochMs,
    started: Instant,
    sent: SentRequests,
    /// The exports refused the token: one permission opens both of them.
    is_denied: bool,
    output: &'a Output,
    pub log: ResponseLog,
}

impl<'a> Sender<'a> {
    pub fn new(client: &'a Client, now: EpochMs, output: &'a Output) -> Self {
        client.host(Host::Exports).leave_one_for_check();
        Self {
            client,
            now,
            started: Instant::now(),
            sent: SentRequests::default(),
            is_denied: false,
            output,
            log: ResponseLog::default(),
        }
    }

    /// This machine's time.
    pub fn now(&self) -> EpochMs {
        self.now.plus(self.started.elapsed())
    }

    pub fn sent(&self) -> SentRequests {
        self.sent
    }

    /// Sends a request, unless none is left but those for the other forms of the token. Fails if there is no
    /// connection, or if Dixa asks for a long wait.
    pub async fn send(&mut self, ask: &Ask) -> Result<Reply, Failure> {
        self.send_within(ask, RESERVED).await
    }

    /// Sends one of the last requests. It is not repeated, since a refused token may be locked out.
    pub async fn send_last(&mut self, ask: &Ask) -> Result<Reply, Failure> {
        self.send_within(ask, 0).await
    }

    /// The page after this one: `None` if there is none, or if its link must not be followed.
    pub fn next_page(
        &self,
        ask: &Ask,
        records: &Records,
        filters: &[(&str, String)],
    ) -> Option<Ask> {
        let next = records.next.as_ref()?;
        let next = ask.request(self.client).next(next, filters).ok()?;
        Some(ask.clone().next(next))
    }

    /// Whether a link leads to another host.
    pub fn is_foreign(&self, ask: &Ask, link: &str) -> bool {
        let link = NextPage::Link(link.to_owned());
        ask.request(self.client).next(&link, &[]).is_err()
    }

    async fn send_within(&mut self, ask: &Ask, reserved: u32) -> Result<Reply, Failure> {
        let outcome = self.outcome(ask, reserved).await?;
        let reply = Reply::new(ask, outcome);
        let line = format!("{}: {}", reply.shown, reply.words());
        self.output.log(Level::Debug, &line);
        self.is_denied |= ask.host == Host::Exports && reply.is_denied();
        Ok(reply)
    }

    async fn outcome(&mut self, ask: &Ask, reserved: u32) -> Result<Outcome, Failure> {
        if self.is_denied && ask.host == Host::Exports {
            return Ok(Outcome::Failed(Fault::Denied));
        }
        let request = ask.request(self.client);
        let mut tries = 0;
        loop {
            if !self.take(ask.host, reserved) {
                return Ok(Outcome::Failed(Fault::NotSent));
            }
            tries += 1;
            let is_last = reserved == 0 || tries == MAX_TRIES;
            match self.attempt(ask, &request).await {
                Ok(Outcome::Status(refused)) if refused.is_transient() && !is_last => {}
                Ok(outcome) => return Ok(outcome),
                Err(error) if policy(&error).action == RetryAction::Retry && !is_last => {}
                Err(error) if ends_the_probe(&error) || !self.log.has_response(ask.host) => {
                    return Err(Failure::from(error));
                }
                Err(error) => return Ok(Outcome::Failed(fault(&error))),
            }
            sleep(backoff(tries, None, fastrand::f64())).await;
        }
    }

    /// Counts a request; `false` if there is none left.
    fn take(&mut self, host: Host, reserved: u32) -> bool {
        let (sent, max) = match host {
            Host::Exports => (&mut self.sent.exports, MAX_EXPORTS),
            Host::Api => (&mut self.sent.main_api, MAX_API),
        };
        let is_left = *sent + reserved < max;
        *sent += u32::from(is_left);
        is_left
    }

    async fn attempt(&mut self, ask: &Ask, request: &Request) -> Result<Outcome, Error> {
        let host = self.client.host(ask.host);
        let budget = &RetryBudget::PROBE;
        let mut response = host.send_alone(request, ask.form, budget).await?;
        self.log.add(&response, self.now());
        let outcome = match response.head.status {
            200 | 204 => Outcome::Records(Box::new(read_records(ask, &mut response).await?)),
            _ => Outcome::Status(read_refusal(&mut response).await),
        };
        if let Outcome::Records(records) = &outcome {
            self.log.add_body(ask.host, records);
        }
        if response.head.status == 429 {
            host.pause_after(&response.head, budget)?;
        }
        Ok(outcome)
    }
}

/// Whether nothing more can be found out: there is no connection, or Dixa asks for a wait that is too long for a person.
fn ends_the_probe(error: &Error) -> bool {
    matches!(
        error,
        Error::RateLimited { .. }
            | Error::Unreachable { .. }
            | Error::NoCertificates { .. }
            | Error::BadProxy { .. }
            | Error::Client { .. }
            | Error::TimedOut {
                phase: Phase::Connecting,
                ..
            }
    )
}

fn fault(error: &Error) -> Fault {
    match error {
        Error::Cut { .. } => Fault::Cut,
        Error::TimedOut { .. } => Fault::TimedOut,
        Error::UnknownEncoding { .. } => Fault::Encoding,
        Error::TooLong { .. } => Fault::TooLarge,
        _ => Fault::Invalid,
    }
}
