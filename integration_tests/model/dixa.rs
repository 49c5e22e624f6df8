//! A Dixa in paused time: the simulator's rules and data behind the connector's own transport, with faults, delays and data
//! that changes. A minute of waiting costs nothing.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::pending;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use dixa_simulator::Scenario;
use dixa_simulator::api::in_process::InProcess;
use dixa_simulator::data::account::Account;
use dixa_simulator::data::clock::http_date;
use fastrand::Rng;
use http_body::Frame;
use reqwest::header::HeaderMap;
use reqwest::{Body, Response, Url};
use source_dixa::dixa::error::{ConnectFault, Error, Phase};
use source_dixa::dixa::host::Host;
use source_dixa::dixa::rate_limit::Connections;
use source_dixa::dixa::transport::Transport;
use tokio::time::{Instant, Sleep, sleep};

use super::rows::touch;

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    ConnectionRefused,
    ConnectTimeout,
    /// The client sees a connect timeout, but the request arrives.
    DeliveredDespiteTimeout,
    NoResponse,
    /// A status, and a `Retry-After` in seconds.
    Status(u16, Option<u64>),
    /// 200 with another body.
    Replace(&'static [u8]),
    /// More bytes after the correct body.
    Append(&'static [u8]),
    /// The connection is reset after this percentage of the body.
    Reset(usize),
    /// The body ends after this percentage as if it were complete.
    EndEarly(usize),
    /// Nothing follows after this percentage of the body.
    Stall(usize),
    /// Each piece of the body takes up to this long.
    Slow(Duration),
}

/// The fault of the next request, whose path and query it gets, for a POST after `POST `.
pub type FaultScript = Box<dyn FnMut(&str) -> Option<Fault>>;

/// Upper bounds of the delays.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delays {
    /// Until a connection exists. Every other request needs a new one.
    pub connection: Duration,
    /// Until the request arrives at Dixa.
    pub transit: Duration,
    /// From there to the response head.
    pub response: Duration,
    /// Between two pieces of a body.
    pub piece: Duration,
}

/// Dixa, its clock and its faults.
pub struct Dixa {
    pub simulator: InProcess,
    pub script: RefCell<FaultScript>,
    pub delays: Cell<Delays>,
    pub has_date: Cell<bool>,
    /// The rules that refused requests, in order.
    pub refused: RefCell<Vec<&'static str>>,
    /// How many requests arrived.
    pub arrived: Cell<usize>,
    /// When each request to the exports arrived.
    pub exports_at: RefCell<Vec<Instant>>,
    random: RefCell<Rng>,
    changes: RefCell<VecDeque<Change>>,
    started: Instant,
    start_ms: i64,
}

/// A conversation is updated at one time, which is visible from another, in Dixa's milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    pub index: usize,
    pub at: i64,
    pub visible_at: i64,
}

impl Dixa {
    /// A Dixa whose clock says `start_ms`.
    pub fn new(scenario: Scenario, start_ms: i64, seed: u64) -> Self {
        Self {
            simulator: InProcess::new(scenario),
            script: RefCell::new(Box::new(|_| None)),
            delays: Cell::default(),
            has_date: Cell::new(true),
            refused: RefCell::default(),
            arrived: Cell::new(0),
            exports_at: RefCell::default(),
            random: RefCell::new(Rng::with_seed(seed)),
            changes: RefCell::default(),
            started: Instant::now(),
            start_ms,
        }
    }

    /// Dixa's clock.
    pub fn now_ms(&self) -> i64 {
        self.start_ms + i64::try_from(self.started.elapsed().as_millis()).unwrap()
    }

    /// Adds changes to come.
    pub fn plan(&self, mut changes: Vec<Change>) {
        changes.extend(self.changes.take());
        changes.sort_by_key(|change| change.visible_at);
        self.changes.replace(changes.into());
    }

    /// Applies the changes that are visible by now, then gives access to the data.
    pub fn account<T>(&self, look: impl FnOnce(&mut Account) -> T) -> T {
        let now = self.now_ms();
        let mut changes = self.changes.borrow_mut();
        self.simulator.account(|account| {
            while let Some(change) = changes.front().filter(|change| change.visible_at <= now) {
                touch(account, change.index, change.at);
                changes.pop_front();
            }
            look(account)
        })
    }

    /// When the last planned change becomes visible.
    pub fn last_change_at(&self) -> Option<i64> {
        self.changes.borrow().back().map(|change| change.visible_at)
    }

    async fn wait(&self, at_most: Duration) {
        let wait = at_most.mul_f64(self.random.borrow_mut().f64());
        if !wait.is_zero() {
            sleep(wait).await;
        }
    }

    /// Makes a connection, if one is needed.
    async fn connect(
        &self,
        host: Host,
        connections: &Connections,
        fault: Option<Fault>,
    ) -> Result<(), Error> {
        let times_out = matches!(
            fault,
            Some(Fault::ConnectTimeout | Fault::DeliveredDespiteTimeout)
        );
        if !times_out && fault != Some(Fault::ConnectionRefused) && self.random.borrow_mut().bool()
        {
            return Ok(());
        }
        let _connecting = connections.begin();
        if times_out {
            let after = Duration::from_secs(20);
            sleep(after).await;
            return Err(Error::TimedOut {
                host,
                phase: Phase::Connecting,
                after,
            });
        }
        self.wait(self.delays.get().connection).await;
        if fault == Some(Fault::ConnectionRefused) {
            return Err(Error::Unreachable {
                fault: ConnectFault::Refused,
                proxy: None,
                host,
                cause: "connection refused".to_owned(),
            });
        }
        Ok(())
    }

    /// The response to a request, a POST if it has a body.
    async fn answer(
        &self,
        host: Host,
        (url, body): (&Url, Option<&str>),
        headers: &HeaderMap,
        connections: &Connections,
    ) -> Result<Response, Error> {
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let delays = self.delays.get();
        let fault = match body {
            None => (self.script.borrow_mut())(target),
            Some(_) => (self.script.borrow_mut())(&format!("POST {target}")),
        };
        let lost = match self.connect(host, connections, fault).await {
            Err(error) if fault == Some(Fault::DeliveredDespiteTimeout) => Some(error),
            connected => connected.map(|()| None)?,
        };
        // A long transit would spread requests, and hide a burst from the bucket of the main API.
        self.wait(match host {
            Host::Exports => delays.transit,
            Host::Api => delays.transit / 16,
        })
        .await;
        self.arrived.update(|arrived| arrived + 1);
        let authorization = headers["authorization"].to_str().unwrap();
        self.account(|_| ());
        let now = Instant::now();
        if host == Host::Exports {
            self.exports_at.borrow_mut().push(now);
        }
        let now = now.into_std();
        let mut reply = match body {
            None => self.simulator.get(target, authorization, now),
            Some(body) => self.simulator.post(target, authorization, body, now),
        };
        self.refused.borrow_mut().extend(reply.refused);
        if let Some(error) = lost {
            return Err(error);
        }
        if reply.refused.is_none() {
            match fault {
                Some(Fault::NoResponse) => pending().await,
                Some(Fault::Status(status, retry_after)) => {
                    reply.status = status;
                    reply.body = b"{\"message\":\"fault\"}".to_vec();
                    let wait = retry_after.map(|wait| ("Retry-After".to_owned(), wait.to_string()));
                    reply.headers.extend(wait);
                }
                _ => {}
            }
        }
        self.wait(delays.response).await;
        let mut response = http::Response::builder().status(reply.status);
        if self.has_date.get() {
            response = response.header("Date", http_date(self.now_ms()));
        }
        for (name, value) in &reply.headers {
            response = response.header(name, value);
        }
        let is_good = reply.refused.is_none() && reply.status == 200;
        let steps = self.steps(reply.body, fault.filter(|_| is_good), delays);
        let body = Body::wrap(ScriptedBody { steps, wait: None });
        Ok(response.body(body).unwrap().into())
    }

    /// The body in pieces of random sizes, with the fault applied.
    fn steps(&self, mut body: Vec<u8>, fault: Option<Fault>, delays: Delays) -> VecDeque<Step> {
        let mut last = None;
        let mut piece = delays.piece;
        match fault {
            Some(Fault::Replace(other)) => body = other.to_vec(),
            Some(Fault::Append(more)) => body.extend_from_slice(more),
            Some(Fault::Reset(percent)) => {
                body.truncate(body.len() * percent / 100);
                last = Some(Step::Reset);
            }
            Some(Fault::EndEarly(percent)) => body.truncate(body.len() * percent / 100),
            Some(Fault::Stall(percent)) => {
                body.truncate(body.len() * percent / 100);
                last = Some(Step::Stall);
            }
            Some(Fault::Slow(pause)) => piece = pause,
            _ => {}
        }
        let mut random = self.random.borrow_mut();
        let mut body = Bytes::from(body);
        let mut steps = VecDeque::new();
        while !body.is_empty() {
            if !piece.is_zero() {
                steps.push_back(Step::Wait(piece.mul_f64(random.f64())));
            }
            let length = 1 + random.usize(..body.len().clamp(1, 600));
            steps.push_back(Step::Piece(body.split_to(length.min(body.len()))));
        }
        steps.extend(last);
        steps
    }
}

/// The connector's transport to one of the hosts.
pub struct SimTransport(pub Rc<Dixa>, pub Host);

impl Transport for SimTransport {
    fn send<'a>(
        &'a self,
        url: &'a Url,
        headers: HeaderMap,
        body: Option<&'a str>,
        connections: &'a Connections,
    ) -> Pin<Box<dyn Future<Output = Result<Response, Error>> + 'a>> {
        Box::pin(async move {
            let request = (url, body);
            self.0.answer(self.1, request, &headers, connections).await
        })
    }
}

enum Step {
    Wait(Duration),
    Piece(Bytes),
    Reset,
    Stall,
}

/// A body that is sent step by step.
struct ScriptedBody {
    steps: VecDeque<Step>,
    wait: Option<Pin<Box<Sleep>>>,
}

impl http_body::Body for ScriptedBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        loop {
            if let Some(wait) = &mut self.wait {
                std::task::ready!(wait.as_mut().poll(context));
                self.wait = None;
            }
            match self.steps.pop_front() {
                None => return Poll::Ready(None),
                Some(Step::Wait(pause)) => self.wait = Some(Box::pin(sleep(pause))),
                Some(Step::Piece(piece)) => return Poll::Ready(Some(Ok(Frame::data(piece)))),
                Some(Step::Reset) => {
                    let error = std::io::ErrorKind::ConnectionReset.into();
                    return Poll::Ready(Some(Err(error)));
                }
                Some(Step::Stall) => {
                    self.steps.push_front(Step::Stall);
                    return Poll::Pending;
                }
            }
        }
    }
}
