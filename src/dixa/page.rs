//! One body read to its end: the only place that tries again.

use std::cell::RefCell;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout};

use crate::dixa::client::{Answer, Client, Request};
use crate::dixa::error::{BodyFault, Error};
use crate::dixa::fields::Fields;
use crate::dixa::pace::rest;
use crate::dixa::record::Record;
use crate::dixa::records::{Frame, Splitter};
use crate::dixa::retry::{Patience, Verdict, is_for_size, verdict, wait};
use crate::dixa::{Event, Watch};
use crate::epoch::EpochMs;

/// A wait for Dixa that somebody might notice.
const MOMENT: Duration = Duration::from_millis(50);
/// A server that we kept waiting for this long may hang up.
const KEPT_WAITING: Duration = Duration::from_secs(1);
/// So often a body that we were too slow for is asked for again.
const MOST_RESTS: u32 = 100;

/// What a body may wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Its request's turn: for the rate limit, or for a host that is to rest.
    Turn,
    /// Dixa's answer, that of another request if too many are under way, or the next try after one that failed.
    Dixa,
    /// Room for its records.
    Room,
}

/// Whoever takes records.
pub trait Sink {
    /// The request goes on its way, for the first time or again.
    fn sent(&mut self) {}

    /// A body begins, for the first time or again.
    fn begin(&mut self) {}

    /// Takes one record.
    fn record(&mut self, record: Record<'_>);

    /// So many bytes of the body came, unpacked.
    fn came(&mut self, _bytes: usize) {}

    /// The body came to its end.
    fn end(&mut self) {}

    /// From now on the body waits for this; for nothing, if it is at work or over.
    fn waits(&mut self, _wait: Option<Wait>) {}

    /// Nothing comes from Dixa just now: what was taken may go on its way.
    fn idle(&mut self) {}

    /// Waits until there is room for more; `false` when nobody takes records any more.
    fn room(&mut self) -> impl Future<Output = bool>;
}

/// What a body is made of.
pub struct Shape<'a> {
    pub frame: Frame,
    pub fields: &'a RefCell<Fields>,
}

/// What a body told beside its records.
#[derive(Debug)]
pub struct Page {
    /// The link of the next page.
    pub next: Option<String>,
    /// Dixa's time when this body was asked for, if it says so.
    pub asked_at: Option<EpochMs>,
}

/// Asks, with patience, and tells of it.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    pub client: &'a Client,
    pub patience: &'a Patience,
    pub watch: &'a dyn Watch,
}

/// What a request has been through.
#[derive(Default)]
struct Tally {
    tries: u32,
    tries_for_size: u32,
    pauses: u32,
    kept_waiting: u32,
}

impl Reader<'_> {
    /// Reads a body to its end into the sink, trying again as the table of `retry` has it.
    pub async fn read(
        &self,
        request: &Request,
        shape: &Shape<'_>,
        sink: &mut impl Sink,
    ) -> Result<Page, Error> {
        let mut tally = Tally::default();
        loop {
            let error = match self.attempt(request, shape, sink).await {
                Ok(page) => {
                    sink.end();
                    self.client.went_well(request.host);
                    return Ok(page);
                }
                Err(error) => error,
            };
            match verdict(&error) {
                Verdict::Stop => return Err(error),
                Verdict::Pause => self.pause(&error, &mut tally)?,
                Verdict::Anew if tally.kept_waiting >= MOST_RESTS => return Err(error),
                Verdict::Anew => {
                    tally.kept_waiting += 1;
                    self.watch.told(&Event::Retrying {
                        error: &error,
                        path: request.path(),
                        tries: tally.tries + 1,
                        wait: Duration::ZERO,
                    });
                }
                Verdict::Again => {
                    self.client.went_wrong(request.host);
                    tally.tries += 1;
                    tally.tries_for_size += u32::from(is_for_size(&error));
                    let tries = tally.tries;
                    if tries >= self.patience.tries
                        || tally.tries_for_size >= self.patience.tries_for_size
                    {
                        return Err(error);
                    }
                    let wait = wait(tries, fastrand::f64());
                    self.watch.told(&Event::Retrying {
                        error: &error,
                        path: request.path(),
                        tries,
                        wait,
                    });
                    sink.waits(Some(Wait::Dixa));
                    rest(wait).await;
                }
            }
        }
    }

    /// Lets the host rest after a 429.
    fn pause(&self, error: &Error, tally: &mut Tally) -> Result<(), Error> {
        let &Error::Status {
            host, retry_after, ..
        } = error
        else {
            unreachable!("only a status pauses a host")
        };
        let lasting = self.client.was_refused(host);
        if tally.pauses >= self.patience.pauses || lasting > self.patience.rate_limited {
            return Err(Error::RateLimited { host, lasting });
        }
        tally.pauses += 1;
        let pause = self.patience.pause(retry_after, fastrand::f64());
        self.client.pause(host, pause);
        self.watch.told(&Event::RateLimited { host, pause });
        Ok(())
    }

    async fn attempt(
        &self,
        request: &Request,
        shape: &Shape<'_>,
        sink: &mut impl Sink,
    ) -> Result<Page, Error> {
        let host = request.host;
        let told = |head: &_| self.watch.told(&Event::Answered(head));
        sink.waits(Some(Wait::Dixa));
        let slot = self.client.slot(host).await;
        sink.waits(Some(Wait::Turn));
        self.client.turn(host).await;
        sink.sent();
        sink.waits(Some(Wait::Dixa));
        let mut answer = self.client.open(slot, request, self.patience, told).await?;
        let asked_at = answer.head.asked_at();
        let next = match answer.head.status {
            204 => None,
            _ => self.split(&mut answer, shape, sink).await?,
        };
        Ok(Page { next, asked_at })
    }

    /// Takes the body of an answer apart, to its end.
    async fn split(
        &self,
        answer: &mut Answer<'_>,
        shape: &Shape<'_>,
        sink: &mut impl Sink,
    ) -> Result<Option<String>, Error> {
        let host = answer.head.host;
        let broken = |fault: BodyFault| Error::Body { host, fault };
        sink.begin();
        let mut splitter = Splitter::new(shape.frame);
        let (mut wire_bytes, mut body_bytes) = (0, 0);
        let mut kept_waiting = Duration::ZERO;
        loop {
            let chunk = match next_chunk(answer, sink).await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(Error::Cut { .. }) if kept_waiting > KEPT_WAITING => {
                    return Err(Error::KeptWaiting { host });
                }
                Err(error) => return Err(error),
            };
            let mut wire = chunk.as_ref();
            wire_bytes += wire.len() as u64;
            let (mut records, mut held_up) = (0, Duration::ZERO);
            while let Some(piece) = answer.decoder.next(&mut wire).map_err(broken)? {
                body_bytes += piece.len() as u64;
                sink.came(piece.len());
                let emit = |record: Record<'_>| {
                    records += 1;
                    sink.record(record);
                };
                splitter
                    .feed(piece, &mut shape.fields.borrow_mut(), emit)
                    .map_err(broken)?;
                let full = Instant::now();
                sink.waits(Some(Wait::Room));
                if !sink.room().await {
                    return Err(Error::Closed);
                }
                sink.waits(None);
                held_up += full.elapsed();
            }
            answer.was_held_up(held_up);
            kept_waiting += held_up;
            if records > 0 {
                answer.brought_a_record();
            }
        }
        answer.decoder.finish().map_err(broken)?;
        let next = splitter.finish().map_err(broken)?;
        self.watch.told(&Event::Finished {
            host,
            wire_bytes,
            body_bytes,
        });
        Ok(next)
    }
}

/// The next chunk.
async fn next_chunk(answer: &mut Answer<'_>, sink: &mut impl Sink) -> Result<Option<Bytes>, Error> {
    sink.waits(Some(Wait::Dixa));
    let chunk = chunk_or_idle(answer, sink).await;
    sink.waits(None);
    chunk
}

/// The next chunk; the sink hears of it if that takes a moment.
async fn chunk_or_idle(
    answer: &mut Answer<'_>,
    sink: &mut impl Sink,
) -> Result<Option<Bytes>, Error> {
    let mut chunk = pin!(answer.chunk());
    match timeout(MOMENT, &mut chunk).await {
        Ok(chunk) => chunk,
        Err(_) => {
            sink.idle();
            chunk.await
        }
    }
}
