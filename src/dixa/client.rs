//! The two hosts: the token, the headers, the time-outs. One request, one answer; asks `pace` for a turn, retries nothing.

use std::cell::Cell;
use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Response, Url};
use tokio::time::{Instant, timeout, timeout_at};

use crate::dixa::Host;
use crate::dixa::body::Decoder;
use crate::dixa::error::{BodyFault, Error, Phase};
use crate::dixa::head::Head;
use crate::dixa::pace::{Pace, api_quota, exports_quota};
use crate::dixa::retry::Patience;
use crate::dixa::slots::{Slot, Slots};
use crate::dixa::token::Token;
use crate::dixa::transport::{Http, Transport, chain};

/// What an id may not bring into a path as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Where the hosts are, and what the token may ask of them.
#[derive(Clone, Debug)]
pub struct Settings {
    pub token: Token,
    /// Without `/v1`.
    pub exports_base_url: Url,
    pub api_base_url: Url,
    pub exports_requests_per_minute: u64,
    pub api_requests_per_second: u64,
}

/// Something to ask of a host.
#[derive(Clone, Debug)]
pub struct Request {
    pub host: Host,
    /// Of its endpoint: our own word, whatever a link says.
    path: String,
    url: Url,
}

impl Request {
    /// The request for the page that this one's answer links to (dixa-api.md 2.3: a relative link). Only to the same
    /// origin: the token goes nowhere else. Whether a page key carries these filters is unknown (dixa-api.md 2.3): they are sent
    /// again where the link does not have them, which is known to work.
    pub fn follow(&self, link: &str, filters: &[(&str, String)]) -> Result<Self, Error> {
        let foreign = Error::ForeignLink { host: self.host };
        let is_bare = !link.starts_with(['/', '?']) && !link.contains("://");
        let link = if is_bare {
            format!("/{link}")
        } else {
            link.to_owned()
        };
        match self.url.join(&link) {
            Ok(mut url) if url.origin() == self.url.origin() => {
                let names: HashSet<_> = url
                    .query_pairs()
                    .map(|(name, _)| name.into_owned())
                    .collect();
                let missing: Vec<_> = filters
                    .iter()
                    .filter(|(name, _)| !names.contains(*name))
                    .collect();
                if !missing.is_empty() {
                    url.query_pairs_mut().extend_pairs(missing);
                }
                Ok(Self {
                    host: self.host,
                    path: self.path.clone(),
                    url,
                })
            }
            _ => Err(foreign),
        }
    }

    /// The path of its endpoint.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whom it asks: scheme, host and port.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// What tells this request's page from others: its page key, else its whole URL.
    pub fn page(&self) -> String {
        let key = self.url.query_pairs().find(|(name, _)| name == "pageKey");
        key.map_or_else(|| self.url.to_string(), |(_, key)| key.into_owned())
    }
}

/// An answer whose body is still to be read.
pub struct Answer<'a> {
    _slot: Slot<'a>,
    pub head: Head,
    response: Response,
    pub decoder: Decoder,
    between_bytes: Duration,
    between_records: Duration,
    record_due: Instant,
    whole_body: Duration,
    deadline: Instant,
}

impl Answer<'_> {
    /// The next bytes on the wire; `None` at the end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let host = self.head.host;
        let bytes_due = Instant::now() + self.between_bytes;
        let due = bytes_due.min(self.record_due).min(self.deadline);
        match timeout_at(due, self.response.chunk()).await {
            Err(_) if due == self.deadline => Err(Error::TimedOut {
                host,
                phase: Phase::Whole,
                after: self.whole_body,
            }),
            Err(_) if due == self.record_due => Err(Error::TimedOut {
                host,
                phase: Phase::Record,
                after: self.between_records,
            }),
            Err(_) => Err(Error::TimedOut {
                host,
                phase: Phase::Body,
                after: self.between_bytes,
            }),
            Ok(Err(error)) => Err(Error::Cut {
                host,
                cause: chain(error),
            }),
            Ok(Ok(chunk)) => Ok(chunk),
        }
    }

    /// A record came: the next one is due.
    pub fn brought_a_record(&mut self) {
        self.record_due = Instant::now() + self.between_records;
    }

    /// It was we who were slow, for so long.
    pub fn was_held_up(&mut self, delay: Duration) {
        self.record_due += delay;
        self.deadline += delay;
    }
}

/// Both hosts, asked with one token.
pub struct Client {
    settings: Settings,
    exports: Side,
    api: Side,
}

struct Side {
    pace: Pace,
    slots: Slots,
    /// Since when it has answered nothing but 429.
    refusing_since: Cell<Option<Instant>>,
    transport: Box<dyn Transport>,
}

impl Client {
    /// Over HTTP.
    pub fn new(settings: Settings) -> Self {
        let exports = Http::new(Host::Exports, settings.exports_base_url.clone());
        let api = Http::new(Host::Api, settings.api_base_url.clone());
        Self::over(settings, Box::new(exports), Box::new(api))
    }

    /// Over these ways to the two hosts.
    pub fn over(settings: Settings, exports: Box<dyn Transport>, api: Box<dyn Transport>) -> Self {
        let side = |quota, transport| Side {
            pace: Pace::new(quota),
            slots: Slots::default(),
            refusing_since: Cell::new(None),
            transport,
        };
        Self {
            exports: side(exports_quota(settings.exports_requests_per_minute), exports),
            api: side(api_quota(settings.api_requests_per_second), api),
            settings,
        }
    }

    /// A request for `path`, which begins with `/v1/`, and in which `{id}` stands for the id.
    pub fn request(
        &self,
        host: Host,
        path: &str,
        id: Option<&str>,
        query: &[(&str, String)],
    ) -> Request {
        let mut url = self.base_url(host).clone();
        let id = utf8_percent_encode(id.unwrap_or_default(), RESERVED).to_string();
        let filled = path.replace("{id}", &id);
        url.set_path(&format!("{}{filled}", url.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Request {
            host,
            path: path.to_owned(),
            url,
        }
    }

    /// Waits until there are few enough answers of a host under way for one more.
    pub async fn slot(&self, host: Host) -> Slot<'_> {
        self.side(host).slots.take().await
    }

    /// Waits for the turn to ask a host.
    pub async fn turn(&self, host: Host) {
        self.side(host).pace.turn().await;
    }

    /// Asks once, when its turn has come, and gives the answer if it is a good one (200 or 204).
    pub async fn open<'a>(
        &'a self,
        slot: Slot<'a>,
        request: &Request,
        patience: &Patience,
        told: impl FnOnce(&Head),
    ) -> Result<Answer<'a>, Error> {
        let host = request.host;
        let sent = Instant::now();
        let transport = &self.side(host).transport;
        let exchange = transport.get(&request.url, self.headers(host)?);
        let after = patience.first_byte(host);
        let response = match timeout(after, exchange).await {
            Err(_) => {
                return Err(Error::TimedOut {
                    host,
                    phase: Phase::FirstByte,
                    after,
                });
            }
            Ok(Err(error)) => return Err(error),
            Ok(Ok(response)) => response,
        };
        let head = Head::of(request, &response, sent.elapsed());
        told(&head);
        if head.status != 429 {
            self.side(host).refusing_since.set(None);
        }
        if !matches!(head.status, 200 | 204) {
            return Err(Error::Status {
                host,
                status: head.status,
                retry_after: head.retry_after,
            });
        }
        let decoder = Decoder::of(head.encoding.as_deref()).ok_or(Error::Body {
            host,
            fault: BodyFault::NotGzip,
        })?;
        let now = Instant::now();
        Ok(Answer {
            _slot: slot,
            head,
            response,
            decoder,
            between_bytes: patience.between_bytes,
            between_records: patience.between_records,
            record_due: now + patience.between_records,
            whole_body: patience.whole_body,
            deadline: now + patience.whole_body,
        })
    }

    /// The host has answered 429; for how long it has answered nothing else.
    pub fn was_refused(&self, host: Host) -> Duration {
        let since = &self.side(host).refusing_since;
        let begun = since.get().unwrap_or_else(Instant::now);
        since.set(Some(begun));
        begun.elapsed()
    }

    /// Lets the whole host rest.
    pub fn pause(&self, host: Host, pause: Duration) {
        self.side(host).pace.pause(pause);
    }

    /// How many answers of the host may be under way at once, as things are.
    pub fn most_under_way(&self, host: Host) -> usize {
        self.side(host).slots.limit()
    }

    /// A body of the host was read to its end.
    pub fn went_well(&self, host: Host) {
        self.side(host).slots.widen();
    }

    /// The host is in trouble: fewer requests at once, until it goes better.
    pub fn went_wrong(&self, host: Host) {
        self.side(host).slots.narrow();
    }

    /// The host's name, for people.
    pub fn host_name(&self, host: Host) -> &str {
        self.base_url(host).host_str().unwrap_or_default()
    }

    fn base_url(&self, host: Host) -> &Url {
        match host {
            Host::Exports => &self.settings.exports_base_url,
            Host::Api => &self.settings.api_base_url,
        }
    }

    fn side(&self, host: Host) -> &Side {
        match host {
            Host::Exports => &self.exports,
            Host::Api => &self.api,
        }
    }

    fn headers(&self, host: Host) -> Result<HeaderMap, Error> {
        let mut authorization = HeaderValue::try_from(self.settings.token.authorization(host))
            .map_err(|error| Error::Client {
                cause: error.to_string(),
            })?;
        authorization.set_sensitive(true);
        Ok(HeaderMap::from_iter([
            (header::AUTHORIZATION, authorization),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
            (header::ACCEPT_ENCODING, HeaderValue::from_static("gzip")),
        ]))
    }
}
