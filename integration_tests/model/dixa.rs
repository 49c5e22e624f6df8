//! A Dixa in paused time: the simulator's rules and data behind the connector's own way to a host, with troubles, delays
//! and data that moves. A minute of waiting costs nothing.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::pending;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use http_body::Frame;
use reqwest::header::HeaderMap;
use reqwest::{Body, Response, Url};
use source_dixa::dixa::Host;
use source_dixa::dixa::error::{Error, Phase};
use source_dixa::dixa::transport::Transport;
use tokio::time::{Instant, Sleep, sleep};

use crate::simulator::Scenario;
use crate::simulator::account::Account;
use crate::simulator::clock::http_date;
use crate::simulator::offline::Offline;

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trouble {
    Unreachable,
    NoConnection,
    NoAnswer,
    /// A status, and a `Retry-After` in seconds.
    Status(u16, Option<u64>),
    /// 200 with another body.
    Instead(&'static [u8]),
    /// More bytes after the right body.
    Append(&'static [u8]),
    /// At this percent of the body the connection breaks.
    Break(usize),
    /// At this percent of the body it ends as if it were whole.
    End(usize),
    /// At this percent of the body nothing more comes.
    Stall(usize),
    /// Each piece of the body takes this long.
    Drip(Duration),
}

/// Whether something goes wrong with the request for this target.
pub type Weather = Box<dyn FnMut(&str) -> Option<Trouble>>;

/// How long things take, at most.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delays {
    /// A request's way to Dixa.
    pub way: Duration,
    /// From there to the answer's head.
    pub answer: Duration,
    /// Between two pieces of a body.
    pub piece: Duration,
}

/// Dixa, its clock and its weather.
pub struct Dixa {
    pub offline: Offline,
    pub weather: RefCell<Weather>,
    pub delays: Cell<Delays>,
    pub has_date: Cell<bool>,
    /// The rules that refused requests, in order.
    pub refused: RefCell<Vec<&'static str>>,
    /// How many requests arrived.
    pub arrived: Cell<usize>,
    random: RefCell<Rng>,
    changes: RefCell<VecDeque<Change>>,
    begun: Instant,
    begun_ms: i64,
}

/// A conversation is updated at one time and shows it at another, in Dixa's milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    pub index: usize,
    pub at: i64,
    pub shown: i64,
}

impl Dixa {
    /// A Dixa whose clock says `begun_ms`.
    pub fn new(scenario: Scenario, begun_ms: i64, seed: u64) -> Self {
        Self {
            offline: Offline::new(scenario),
            weather: RefCell::new(Box::new(|_| None)),
            delays: Cell::default(),
            has_date: Cell::new(true),
            refused: RefCell::default(),
            arrived: Cell::new(0),
            random: RefCell::new(Rng::with_seed(seed)),
            changes: RefCell::default(),
            begun: Instant::now(),
            begun_ms,
        }
    }

    /// Dixa's clock.
    pub fn now_ms(&self) -> i64 {
        self.begun_ms + i64::try_from(self.begun.elapsed().as_millis()).unwrap()
    }

    /// What will change, and when it shows.
    pub fn plan(&self, mut changes: Vec<Change>) {
        changes.extend(self.changes.take());
        changes.sort_by_key(|change| change.shown);
        self.changes.replace(changes.into());
    }

    /// Makes the changes that show by now; gives the data as they are then.
    pub fn account<T>(&self, look: impl FnOnce(&mut Account) -> T) -> T {
        let now = self.now_ms();
        let mut changes = self.changes.borrow_mut();
        self.offline.account(|account| {
            while let Some(change) = changes.front().filter(|change| change.shown <= now) {
                super::touch(account, change.index, change.at);
                changes.pop_front();
            }
            look(account)
        })
    }

    /// When the last of the planned changes shows.
    pub fn settles_at(&self) -> Option<i64> {
        self.changes.borrow().back().map(|change| change.shown)
    }

    async fn wait(&self, at_most: Duration) {
        let wait = at_most.mul_f64(self.random.borrow_mut().f64());
        if !wait.is_zero() {
            sleep(wait).await;
        }
    }

    async fn get(&self, host: Host, url: &Url, headers: &HeaderMap) -> Result<Response, Error> {
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let delays = self.delays.get();
        let trouble = (self.weather.borrow_mut())(target);
        // Nobody gains time by being far from the main API's bucket of four.
        self.wait(match host {
            Host::Exports => delays.way,
            Host::Api => delays.way / 16,
        })
        .await;
        match trouble {
            Some(Trouble::Unreachable) => {
                return Err(Error::Unreachable {
                    host,
                    cause: "connection refused".to_owned(),
                });
            }
            Some(Trouble::NoConnection) => {
                let after = Duration::from_secs(20);
                sleep(after).await;
                return Err(Error::TimedOut {
                    host,
                    phase: Phase::Connecting,
                    after,
                });
            }
            _ => {}
        }
        self.arrived.update(|arrived| arrived + 1);
        let authorization = headers["authorization"].to_str().unwrap();
        self.account(|_| ());
        let mut answered = self
            .offline
            .get(target, authorization, Instant::now().into_std());
        self.refused.borrow_mut().extend(answered.refused);
        if answered.refused.is_none() {
            match trouble {
                Some(Trouble::NoAnswer) => pending().await,
                Some(Trouble::Status(status, retry_after)) => {
                    answered.status = status;
                    answered.body = b"{\"message\":\"trouble\"}".to_vec();
                    let wait = retry_after.map(|wait| ("Retry-After".to_owned(), wait.to_string()));
                    answered.headers.extend(wait);
                }
                _ => {}
            }
        }
        self.wait(delays.answer).await;
        let mut response = http::Response::builder().status(answered.status);
        if self.has_date.get() {
            response = response.header("Date", http_date(self.now_ms()));
        }
        for (name, value) in &answered.headers {
            response = response.header(name, value);
        }
        let is_good = answered.refused.is_none() && answered.status == 200;
        let steps = self.steps(answered.body, trouble.filter(|_| is_good), delays);
        let body = Body::wrap(Played { steps, wait: None });
        Ok(response.body(body).unwrap().into())
    }

    /// The body in pieces of any size, as the trouble has it.
    fn steps(&self, mut body: Vec<u8>, trouble: Option<Trouble>, delays: Delays) -> VecDeque<Step> {
        let mut last = None;
        let mut piece = delays.piece;
        match trouble {
            Some(Trouble::Instead(other)) => body = other.to_vec(),
            Some(Trouble::Append(more)) => body.extend_from_slice(more),
            Some(Trouble::Break(percent)) => {
                body.truncate(body.len() * percent / 100);
                last = Some(Step::Break);
            }
            Some(Trouble::End(percent)) => body.truncate(body.len() * percent / 100),
            Some(Trouble::Stall(percent)) => {
                body.truncate(body.len() * percent / 100);
                last = Some(Step::Never);
            }
            Some(Trouble::Drip(pause)) => piece = pause,
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

/// The connector's way to one of the hosts.
pub struct Way(pub Rc<Dixa>, pub Host);

impl Transport for Way {
    fn get<'a>(
        &'a self,
        url: &'a Url,
        headers: HeaderMap,
    ) -> Pin<Box<dyn Future<Output = Result<Response, Error>> + 'a>> {
        Box::pin(async move { self.0.get(self.1, url, &headers).await })
    }
}

enum Step {
    Wait(Duration),
    Piece(Bytes),
    Break,
    Never,
}

/// A body that comes step by step.
struct Played {
    steps: VecDeque<Step>,
    wait: Option<Pin<Box<Sleep>>>,
}

impl http_body::Body for Played {
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
                Some(Step::Break) => {
                    let error = std::io::ErrorKind::ConnectionReset.into();
                    return Poll::Ready(Some(Err(error)));
                }
                Some(Step::Never) => {
                    self.steps.push_front(Step::Never);
                    return Poll::Pending;
                }
            }
        }
    }
}
