//! One body read to its end: the only place that retries.

use std::cell::RefCell;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use record_splitter::{Fields, Record, RecordPath, Splitter};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout};

use crate::dixa::byte_order_mark::without_mark;
use crate::dixa::client::Client;
use crate::dixa::error::{BodyFault, Error};
use crate::dixa::event::{Event, Observer};
use crate::dixa::policy::{RetryAction, policy};
use crate::dixa::rate_limit::sleep;
use crate::dixa::request::{NextPage, Request};
use crate::dixa::response::Response;
use crate::dixa::retry_budget::{RetryBudget, backoff, pause};
use crate::dixa::sink::{Sink, Wait};
use crate::epoch::EpochMs;

/// A wait for Dixa longer than this is worth a flush of the output.
const IDLE_AFTER: Duration = Duration::from_millis(50);
/// A server that we kept waiting for longer than this may close the connection.
const STALL_THRESHOLD: Duration = Duration::from_secs(1);
/// How often a body that we were too slow for is requested again.
const MAX_OUTPUT_STALLS: u32 = 100;

/// How the records of a body are found.
pub struct BodySpec<'a> {
    pub frame: RecordPath,
    pub fields: &'a RefCell<Fields>,
}

/// What a body says besides its records.
#[derive(Debug)]
pub struct BodySummary {
    pub next: Option<NextPage>,
    /// Dixa's time when the request for this body was sent, if known.
    pub server_time_when_sent: Option<EpochMs>,
}

/// Sends requests, with a retry budget, and reports what happens.
#[derive(Clone, Copy)]
pub struct Fetcher<'a> {
    pub client: &'a Client,
    pub retry_budget: &'a RetryBudget,
    pub observer: &'a dyn Observer,
}

/// How often a request was tried, and how long it waited.
#[derive(Default)]
struct Attempts {
    tries: u32,
    tries_for_size: u32,
    pauses: u32,
    paused: Duration,
    waited: Duration,
    output_stalls: u32,
}

impl Fetcher<'_> {
    /// Reads a body to its end into the sink, and tries again as the table in `policy` says.
    pub async fn read(
        &self,
        request: &Request,
        spec: &BodySpec<'_>,
        sink: &mut impl Sink,
    ) -> Result<BodySummary, Error> {
        request.check_length()?;
        let mut attempts = Attempts::default();
        loop {
            let error = match self.attempt(request, spec, sink).await {
                Ok(page) => {
                    sink.end();
                    self.client.host(request.host).on_success();
                    return Ok(page);
                }
                Err(error) => error,
            };
            match policy(&error).action {
                RetryAction::Fail => return Err(error),
                RetryAction::Pause => self.pause(request, error, &mut attempts)?,
                RetryAction::RetryUncounted => {
                    if attempts.output_stalls >= MAX_OUTPUT_STALLS {
                        return Err(error);
                    }
                    attempts.output_stalls += 1;
                    self.report_retry(request, &error, attempts.tries + 1, Duration::ZERO);
                }
                RetryAction::Retry => {
                    let wait = self.next_wait(request, error, &mut attempts)?;
                    sink.waiting_for(Some(Wait::Server));
                    sleep(wait).await;
                }
            }
        }
    }

    /// The wait before the next attempt; the error if there is none.
    fn next_wait(
        &self,
        request: &Request,
        error: Error,
        attempts: &mut Attempts,
    ) -> Result<Duration, Error> {
        self.client.host(request.host).on_failure();
        attempts.tries += 1;
        attempts.tries_for_size += u32::from(policy(&error).may_be_too_large);
        let wait = backoff(attempts.tries, error.retry_after(), fastrand::f64());
        attempts.waited += wait;
        if attempts.tries >= self.retry_budget.max_attempts
            || attempts.tries_for_size >= self.retry_budget.max_attempts_for_size
            || attempts.waited > self.retry_budget.max_total_backoff
        {
            return Err(error);
        }
        self.report_retry(request, &error, attempts.tries, wait);
        Ok(wait)
    }

    fn report_retry(&self, request: &Request, error: &Error, tries: u32, wait: Duration) {
        self.observer.on_event(&Event::Retrying {
            host: request.host,
            error,
            path: request.path(),
            tries,
            wait,
        });
    }

    /// Pauses the host or the endpoint after a 429; the error if it was paused for too long already.
    fn pause(&self, request: &Request, error: Error, attempts: &mut Attempts) -> Result<(), Error> {
        let Error::RateLimited {
            host,
            hit,
            retry_after,
        } = error
        else {
            unreachable!("only a rate limit pauses a host")
        };
        let pause = pause(host, retry_after, hit.count, fastrand::f64());
        attempts.pauses += 1;
        attempts.paused += pause;
        if attempts.pauses > self.retry_budget.max_pauses
            || attempts.paused > self.retry_budget.max_total_pause
            || hit.duration > self.retry_budget.max_rate_limited
        {
            return Err(error);
        }
        self.client.host(host).pause(request, hit, pause);
        self.observer.on_event(&Event::RateLimited {
            host,
            endpoint: hit.is_endpoint_only.then(|| request.path()),
            pause,
        });
        Ok(())
    }

    async fn attempt(
        &self,
        request: &Request,
        spec: &BodySpec<'_>,
        sink: &mut impl Sink,
    ) -> Result<BodySummary, Error> {
        let host = self.client.host(request.host);
        let permit = loop {
            sink.waiting_for(Some(Wait::RateLimit));
            host.endpoint_ready(request).await;
            sink.waiting_for(Some(Wait::Server));
            let permit = host.concurrency_permit().await;
            sink.waiting_for(Some(Wait::RateLimit));
            // If only this endpoint is paused, the permit and the turn are left to others.
            if host.acquire_turn(request).await {
                break permit;
            }
        };
        sink.sent();
        sink.waiting_for(Some(Wait::Server));
        let on_head = |head: &_| self.observer.on_event(&Event::Answered(head));
        let mut response = host
            .send(permit, request, self.retry_budget, on_head)
            .await?;
        let server_time_when_sent = response.head.server_time_when_sent();
        let next = match response.head.status {
            204 => None,
            _ => self.split(&mut response, spec, sink).await?,
        };
        let next = next.filter(|next| request.takes(next));
        Ok(BodySummary {
            next,
            server_time_when_sent,
        })
    }

    /// Splits the body of a response into records, to its end; what it says about the next page.
    async fn split(
        &self,
        response: &mut Response<'_>,
        spec: &BodySpec<'_>,
        sink: &mut impl Sink,
    ) -> Result<Option<NextPage>, Error> {
        let host = response.head.host;
        let broken = |fault: BodyFault| Error::Body { host, fault };
        sink.begin();
        let mut body = Body {
            splitter: Splitter::new(spec.frame),
            fields: spec.fields,
            bytes: 0,
            mark: Some(0),
            first: None,
        };
        let mut wire_bytes = 0;
        let mut stalled_for = Duration::ZERO;
        loop {
            let chunk = match next_chunk(response, sink).await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(Error::Cut { .. }) if stalled_for > STALL_THRESHOLD => {
                    return Err(Error::OutputTooSlow { host });
                }
                Err(error) => return Err(error),
            };
            wire_bytes += chunk.len() as u64;
            stalled_for += body.feed(&chunk, response, sink).await?;
        }
        response.decoder.finish().map_err(broken)?;
        let frame = body
            .splitter
            .finish()
            .map_err(|fault| broken(fault.into()))?;
        let next = next_page(spec.frame, frame).map_err(broken)?;
        self.observer.on_event(&Event::Finished {
            host,
            wire_bytes,
            body_bytes: body.bytes,
        });
        Ok(next)
    }
}

/// A body on its way into the sink.
struct Body<'a> {
    splitter: Splitter,
    fields: &'a RefCell<Fields>,
    /// Decompressed.
    bytes: u64,
    /// How many bytes of a byte order mark the body has begun with; `None` once it is past the place of one.
    mark: Option<usize>,
    /// The first byte that is not white space.
    first: Option<u8>,
}

impl Body<'_> {
    /// Takes a chunk as it came; how long the sink held it up.
    async fn feed(
        &mut self,
        chunk: &[u8],
        response: &mut Response<'_>,
        sink: &mut impl Sink,
    ) -> Result<Duration, Error> {
        let host = response.head.host;
        let broken = |fault: BodyFault| Error::Body { host, fault };
        let mut wire = chunk;
        let (mut records, mut held_up) = (0, Duration::ZERO);
        while let Some(piece) = response.decoder.next(&mut wire).map_err(broken)? {
            self.bytes += piece.len() as u64;
            sink.on_bytes(piece.len());
            for piece in without_mark(&mut self.mark, piece) {
                self.first = self
                    .first
                    .or_else(|| piece.trim_ascii_start().first().copied());
                let is_web_page = self.first == Some(b'<');
                let emit = |record: Record<'_>| {
                    records += 1;
                    sink.record(record);
                };
                self.splitter
                    .feed(piece, &mut self.fields.borrow_mut(), emit)
                    .map_err(|fault| match fault {
                        _ if is_web_page => broken(BodyFault::WebPage),
                        fault => broken(fault.into()),
                    })?;
            }
            let full = Instant::now();
            sink.waiting_for(Some(Wait::Output));
            sink.ready().await?;
            sink.waiting_for(None);
            held_up += full.elapsed();
        }
        response.extend_deadlines(held_up);
        if records > 0 {
            response.record_received();
        }
        Ok(held_up)
    }
}

/// The relative link of the next page, `meta.next` (docs/dixa-api.md 2.3), in what surrounds a list's records. `meta`
/// missing, null or `{}` means the last page, unless there is a `pageKey`.
pub fn next_page(path: RecordPath, frame: &str) -> Result<Option<NextPage>, BodyFault> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Envelope {
        meta: Option<Map<String, Value>>,
        page_key: Option<Value>,
    }
    if matches!(path, RecordPath::Array([]) | RecordPath::Object(_)) {
        return Ok(None);
    }
    let envelope: Envelope = serde_json::from_str(frame).map_err(|_| BodyFault::NoLink)?;
    let link = match envelope.meta.as_ref().and_then(|meta| meta.get("next")) {
        None | Some(Value::Null) => None,
        Some(Value::String(next)) => Some(next.clone()).filter(|next| !next.is_empty()),
        Some(_) => return Err(BodyFault::NoLink),
    };
    let key = match envelope.page_key {
        Some(Value::String(key)) if !key.is_empty() => Some(key),
        Some(Value::Number(key)) => Some(key.to_string()),
        _ => None,
    };
    Ok(link.map(NextPage::Link).or(key.map(NextPage::Key)))
}

/// The next chunk.
async fn next_chunk(
    response: &mut Response<'_>,
    sink: &mut impl Sink,
) -> Result<Option<Bytes>, Error> {
    sink.waiting_for(Some(Wait::Server));
    let chunk = chunk_or_idle(response, sink).await;
    sink.waiting_for(None);
    chunk
}

/// The next chunk; the sink is notified if that takes a moment.
async fn chunk_or_idle(
    response: &mut Response<'_>,
    sink: &mut impl Sink,
) -> Result<Option<Bytes>, Error> {
    let mut chunk = pin!(response.chunk());
    match timeout(IDLE_AFTER, &mut chunk).await {
        Ok(chunk) => chunk,
        Err(_) => {
            sink.idle();
            chunk.await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_named_or_there_is_none() {
        let next = |meta: &str| {
            let frame = format!(r#"{{"data":[]{meta}}}"#);
            next_page(RecordPath::Array(&["data"]), &frame)
        };
        assert_eq!(
            next(r#","meta":{"next":"/v1/agents?pageKey=a%3D","previous":null}"#),
            Ok(Some(NextPage::Link("/v1/agents?pageKey=a%3D".to_owned())))
        );
        assert_eq!(
            next(r#","pageKey":"a=""#),
            Ok(Some(NextPage::Key("a=".to_owned())))
        );
        for none in [
            "",
            r#","meta":null"#,
            r#","meta":{}"#,
            r#","meta":{"next":null}"#,
            r#","meta":{"next":""}"#,
        ] {
            assert_eq!(next(none), Ok(None), "{none}");
        }
        for odd in [r#","meta":{"next":3}"#, r#","meta":[]"#, r#","meta":["x"]"#] {
            assert_eq!(next(odd), Err(BodyFault::NoLink), "{odd}");
        }
    }
}
