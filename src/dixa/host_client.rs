//! One host: its rate limit, its concurrency limit, its transport, and the token and headers for it. One request, one response;
//! retries nothing.

use std::cell::RefCell;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{self, HeaderMap, HeaderValue};
use tokio::time::{Instant, timeout};

use crate::dixa::concurrency::{ConcurrencyLimit, Permit};
use crate::dixa::error::{Error, Phase};
use crate::dixa::explanation::with_explanation;
use crate::dixa::gzip::Decoder;
use crate::dixa::host::Host;
use crate::dixa::rate_limit::{Limit, RateLimiter};
use crate::dixa::rate_limit_hits::{RateLimitHit, RateLimitHits};
use crate::dixa::request::Request;
use crate::dixa::response::{Response, ResponseHead};
use crate::dixa::retry_budget::{RetryBudget, pause};
use crate::dixa::token::{Token, TokenForm};
use crate::dixa::transport::Transport;

/// One host, shared by all requests to it.
pub struct HostClient {
    host: Host,
    base_url: Url,
    token: Token,
    rate_limiter: RateLimiter,
    concurrency: ConcurrencyLimit,
    rate_limit_hits: RefCell<RateLimitHits>,
    transport: Box<dyn Transport>,
}

impl HostClient {
    pub(super) fn new(
        host: Host,
        base_url: Url,
        token: Token,
        limit: &Limit,
        transport: Box<dyn Transport>,
    ) -> Self {
        Self {
            host,
            base_url,
            token,
            rate_limiter: RateLimiter::new(limit),
            concurrency: ConcurrencyLimit::default(),
            rate_limit_hits: RefCell::default(),
            transport,
        }
    }

    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// The host's name, for people.
    pub fn name(&self) -> &str {
        self.base_url.host_str().unwrap_or_default()
    }

    /// Leaves one of the first minute's requests for the one that a `check` sent just before this run.
    pub fn leave_one_for_check(&self) {
        self.rate_limiter.leave_one_for_check();
    }

    /// How many responses may be in flight at once at the moment.
    pub fn current_concurrency_limit(&self) -> usize {
        self.concurrency.limit()
    }

    /// Waits until few enough responses are in flight for one more.
    pub(super) async fn concurrency_permit(&self) -> Permit<'_> {
        self.concurrency.acquire().await
    }

    /// Waits while the request's endpoint alone is paused.
    pub(super) async fn endpoint_ready(&self, request: &Request) {
        self.rate_limiter.endpoint_ready(&request.path).await;
    }

    /// Waits for the turn of a request; `false` if its endpoint alone is paused.
    pub(super) async fn acquire_turn(&self, request: &Request) -> bool {
        self.rate_limiter.acquire(&request.path).await
    }

    /// Sends a request whose turn has come; the response if its status is 200 or 204.
    pub(super) async fn send<'a>(
        &'a self,
        permit: Permit<'a>,
        request: &Request,
        retry_budget: &RetryBudget,
        on_head: impl FnOnce(&ResponseHead),
    ) -> Result<Response<'a>, Error> {
        let sent = Instant::now();
        let body = self
            .exchange(request, TokenForm::Usual, retry_budget)
            .await?;
        let head = ResponseHead::of(request, &body, sent.elapsed());
        on_head(&head);
        if let Err(error) = self.check_status(request, &head, sent) {
            return Err(with_explanation(error, &head, body, retry_budget).await);
        }
        self.response(permit, head, body, retry_budget)
    }

    /// Sends one request when its turn has come, with the token in this form; the response, whatever its status.
    pub async fn send_alone(
        &self,
        request: &Request,
        form: TokenForm,
        retry_budget: &RetryBudget,
    ) -> Result<Response<'_>, Error> {
        let permit = loop {
            self.endpoint_ready(request).await;
            let permit = self.concurrency_permit().await;
            if self.acquire_turn(request).await {
                break permit;
            }
        };
        let sent = Instant::now();
        let body = self.exchange(request, form, retry_budget).await?;
        let head = ResponseHead::of(request, &body, sent.elapsed());
        self.response(permit, head, body, retry_budget)
    }

    /// Pauses the host after a 429 to a request that was sent alone. An error if Dixa asks for a longer wait than the budget has.
    pub fn pause_after(
        &self,
        head: &ResponseHead,
        retry_budget: &RetryBudget,
    ) -> Result<(), Error> {
        let pause = pause(self.host, head.retry_after, 1, fastrand::f64());
        if pause > retry_budget.max_total_pause {
            return Err(Error::RateLimited {
                host: self.host,
                hit: RateLimitHit::FIRST,
                retry_after: head.retry_after,
            });
        }
        self.rate_limiter.pause(pause);
        Ok(())
    }

    fn response<'a>(
        &self,
        permit: Permit<'a>,
        head: ResponseHead,
        body: reqwest::Response,
        retry_budget: &RetryBudget,
    ) -> Result<Response<'a>, Error> {
        let decoder =
            Decoder::of(head.encoding.as_deref()).ok_or_else(|| Error::UnknownEncoding {
                host: self.host,
                encoding: head.encoding.clone().unwrap_or_default(),
            })?;
        let now = Instant::now();
        Ok(Response {
            _permit: permit,
            head,
            body,
            decoder,
            between_bytes: retry_budget.between_bytes,
            between_records: retry_budget.between_records,
            record_due: now + retry_budget.between_records,
            whole_body: retry_budget.whole_body,
            deadline: now + retry_budget.whole_body,
        })
    }

    async fn exchange(
        &self,
        request: &Request,
        form: TokenForm,
        retry_budget: &RetryBudget,
    ) -> Result<reqwest::Response, Error> {
        let after = retry_budget.first_byte(self.host);
        let exchange = self.transport.send(
            &request.url,
            self.headers(request, form)?,
            request.body.as_deref(),
            self.rate_limiter.connections(),
        );
        timeout(after, exchange).await.unwrap_or({
            Err(Error::TimedOut {
                host: self.host,
                phase: Phase::FirstByte,
                after,
            })
        })
    }

    fn check_status(
        &self,
        request: &Request,
        head: &ResponseHead,
        sent: Instant,
    ) -> Result<(), Error> {
        let (host, retry_after) = (self.host, head.retry_after);
        let mut rate_limit_hits = self.rate_limit_hits.borrow_mut();
        if head.status == 429 {
            return Err(Error::RateLimited {
                host,
                hit: rate_limit_hits.refused(&request.path, sent, Instant::now()),
                retry_after,
            });
        }
        if head.status < 500 {
            rate_limit_hits.accepted(&request.path, sent);
        }
        match head.status {
            200 | 204 => Ok(()),
            status => Err(Error::Status {
                host,
                status,
                retry_after,
                is_web_page: false,
                text: None,
            }),
        }
    }

    /// Pauses the whole host, or only the request's endpoint.
    pub(super) fn pause(&self, request: &Request, hit: RateLimitHit, pause: Duration) {
        if hit.is_endpoint_only {
            self.rate_limiter.pause_endpoint(&request.path, pause);
        } else {
            self.rate_limiter.pause(pause);
        }
    }

    /// A body was read to its end.
    pub(super) fn on_success(&self) {
        self.concurrency.increase();
    }

    /// The host is in trouble: fewer requests at once, until it recovers.
    pub(super) fn on_failure(&self) {
        self.concurrency.collapse();
    }

    fn headers(&self, request: &Request, form: TokenForm) -> Result<HeaderMap, Error> {
        let mut authorization = HeaderValue::try_from(self.token.authorization(self.host, form))
            .map_err(|error| Error::Client {
                cause: error.to_string(),
            })?;
        authorization.set_sensitive(true);
        let json = HeaderValue::from_static("application/json");
        let mut headers = HeaderMap::from_iter([
            (header::AUTHORIZATION, authorization),
            (header::ACCEPT, json.clone()),
            (header::ACCEPT_ENCODING, HeaderValue::from_static("gzip")),
        ]);
        if request.body.is_some() {
            headers.insert(header::CONTENT_TYPE, json);
        }
        Ok(headers)
    }
}
