//! A probe of a simulated Dixa in paused time. A test may change each response before it is sent.

use std::cell::RefCell;
use std::io::{self, Write as _};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::LazyLock;
use std::time::Duration;

use dixa_simulator::Scenario;
use dixa_simulator::api::in_process::{InProcess, Reply};
use dixa_simulator::api::switches::{
    DateHeader, Encoding, Framing, NextLink, RetryAfter, Switches,
};
use dixa_simulator::data::account::{Account, Shape};
use dixa_simulator::data::clock::http_date;
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::header::HeaderMap;
use reqwest::{Response, Url};
use source_dixa::airbyte::log::Level;
use source_dixa::commands::probe::{self, Report};
use source_dixa::config::Config;
use source_dixa::dixa::client::Client;
use source_dixa::dixa::error::{ConnectFault, Error};
use source_dixa::dixa::host::Host;
use source_dixa::dixa::rate_limit::Connections;
use source_dixa::dixa::token::Token;
use source_dixa::dixa::transport::Transport;
use source_dixa::epoch::EpochMs;
use source_dixa::failure::Failure;
use source_dixa::output::Output;
use tokio::runtime::Builder;
use tokio::time::{Instant, sleep};

use crate::support::config::TOKEN;
use crate::support::secrets;
use crate::support::time::{DAY, START};

/// The time of a probe: half a day after a midnight.
pub const NOW: i64 = START + 40 * DAY + DAY / 2;
const ORIGIN: &str = "http://127.0.0.1:1";

/// A change of a response to a request for this target.
pub type Rewrite = Rc<dyn Fn(&str, &mut Reply)>;

/// A change of the body of a request.
pub type Restore = Rc<dyn Fn(&str) -> String>;

/// A Dixa to probe.
#[derive(Clone)]
pub struct World {
    pub scenario: Scenario,
    pub token: &'static str,
    pub rewrite: Option<Rewrite>,
    /// Undoes `rewrite` in the body of a request.
    pub restore: Option<Restore>,
}

/// An account with conversations in each of the last eight days, and some ten minutes ago.
pub fn account() -> Account {
    static ACCOUNT: LazyLock<Account> = LazyLock::new(|| {
        Account::seeded(
            1,
            &Shape {
                from_ms: NOW - 8 * DAY,
                to_ms: NOW - 600_000,
                conversations: 160,
                edges: vec![NOW - 600_000],
                ..Shape::default()
            },
        )
    });
    ACCOUNT.clone()
}

/// A config with the defaults.
fn config() -> Config {
    static DEFAULTS: LazyLock<Config> = LazyLock::new(|| {
        let text = serde_json::json!({
            "api_token": TOKEN, "exports_base_url": ORIGIN, "api_base_url": ORIGIN,
        });
        Config::parse(&text.to_string()).unwrap()
    });
    DEFAULTS.clone()
}

/// What a probe found and sent.
pub struct Probed {
    pub report: Result<Report, Failure>,
    /// The host and target of each request.
    pub sent: Vec<(Host, String)>,
    /// The bodies and the values of headers that were received.
    pub received: Vec<String>,
    pub took: Duration,
}

impl Probed {
    /// The report in both formats, after a search for the token.
    pub fn texts(&self) -> [String; 2] {
        let Ok(report) = &self.report else {
            panic!("the probe failed")
        };
        let texts = [report.to_markdown(), report.to_json().to_string()];
        for text in &texts {
            secrets::check(text);
        }
        texts
    }
}

/// Probes a Dixa, and checks the number of requests.
pub fn probe(world: &World) -> Probed {
    let mut runtime = Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    let probed = runtime.block_on(async {
        fastrand::seed(1);
        let simulated = Rc::new(Simulated::new(world));
        let mut config = config();
        config.settings.token = Token::new(world.token);
        let transport = |host| Box::new(SimulatedHost(Rc::clone(&simulated), host));
        let client = Client::with_transports(
            config.settings,
            transport(Host::Exports),
            transport(Host::Api),
        );
        let output = Output::to(Level::Info, io::sink());
        let started = Instant::now();
        let report = probe::run(&client, EpochMs(NOW), config.lookback, &output).await;
        Probed {
            report,
            sent: simulated.sent.take(),
            received: simulated.received.take(),
            took: started.elapsed(),
        }
    });
    let exports = probed
        .sent
        .iter()
        .filter(|(host, _)| *host == Host::Exports);
    let exports = u32::try_from(exports.count()).unwrap();
    let main_api = u32::try_from(probed.sent.len()).unwrap() - exports;
    assert!(exports <= 12 && main_api <= 60, "{exports} and {main_api}");
    if let Ok(report) = &probed.report {
        assert!(report.sent.exports >= exports && report.sent.exports <= 12);
        assert!(report.sent.main_api >= main_api && report.sent.main_api <= 60);
    }
    probed
}

impl Default for World {
    fn default() -> Self {
        Self {
            scenario: Scenario {
                account: account(),
                token: TOKEN.to_owned(),
                ..Scenario::default()
            },
            token: TOKEN,
            rewrite: None,
            restore: None,
        }
    }
}

struct Simulated {
    simulator: InProcess,
    switches: Switches,
    rewrite: Option<Rewrite>,
    restore: Option<Restore>,
    started: Instant,
    sent: RefCell<Vec<(Host, String)>>,
    received: RefCell<Vec<String>>,
}

impl Simulated {
    fn new(world: &World) -> Self {
        let mut scenario = world.scenario.clone();
        if scenario.switches.retry_after == RetryAfter::HttpDate {
            // The simulator's dates are of this machine's clock; `http` makes one of the probe's.
            scenario.switches.retry_after = RetryAfter::Seconds;
        }
        Self {
            simulator: InProcess::new(scenario),
            switches: world.scenario.switches.clone(),
            rewrite: world.rewrite.clone(),
            restore: world.restore.clone(),
            started: Instant::now(),
            sent: RefCell::default(),
            received: RefCell::default(),
        }
    }

    async fn respond(
        &self,
        host: Host,
        url: &Url,
        headers: &HeaderMap,
        body: Option<&str>,
    ) -> Result<Response, Error> {
        if self.started.elapsed() < self.switches.unreachable_for {
            return Err(Error::Unreachable {
                host,
                fault: ConnectFault::Refused,
                proxy: None,
                cause: "connection refused".to_owned(),
            });
        }
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        self.sent.borrow_mut().push((host, target.to_owned()));
        sleep(match host {
            Host::Exports => self.switches.exports_latency,
            Host::Api => self.switches.main_latency,
        })
        .await;
        let mut reply = self.reply(target, headers, body);
        if self.switches.paging.next == NextLink::Absolute {
            let body = String::from_utf8(reply.body).unwrap();
            let absolute = format!("\"{ORIGIN}/v1/");
            reply.body = body.replace("\"/v1/", &absolute).into_bytes();
        }
        if let Some(rewrite) = &self.rewrite {
            rewrite(target, &mut reply);
        }
        let mut received = self.received.borrow_mut();
        received.push(String::from_utf8_lossy(&reply.body).into_owned());
        received.extend(reply.headers.iter().map(|(_, value)| value.clone()));
        Ok(self.http(reply))
    }

    fn reply(&self, target: &str, headers: &HeaderMap, body: Option<&str>) -> Reply {
        let authorization = headers["authorization"].to_str().unwrap();
        let now = Instant::now().into_std();
        let Some(body) = body else {
            return self.simulator.get(target, authorization, now);
        };
        let body = match &self.restore {
            Some(restore) => restore(body),
            None => body.to_owned(),
        };
        self.simulator.post(target, authorization, &body, now)
    }

    fn http(&self, reply: Reply) -> Response {
        let mut response = http::Response::builder().status(reply.status);
        let elapsed = i64::try_from(self.started.elapsed().as_millis()).unwrap();
        let now = NOW + elapsed;
        let date = match self.switches.date {
            DateHeader::Correct => Some(now),
            DateHeader::Absent => None,
            DateHeader::Shifted(seconds) => Some(now + seconds * 1000),
        };
        if let Some(date) = date {
            response = response.header("Date", http_date(date));
        }
        for (name, value) in &reply.headers {
            let is_date =
                name == "Retry-After" && self.switches.retry_after == RetryAfter::HttpDate;
            response = if is_date {
                let later = (value.parse::<i64>().unwrap() + 1) * 1000;
                response.header(name, http_date(date.unwrap_or(now) + later))
            } else {
                response.header(name, value)
            };
        }
        let mut body = reply.body;
        if self.switches.encoding == Encoding::Gzip && reply.status == 200 {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&body).unwrap();
            body = encoder.finish().unwrap();
            response = response.header("Content-Encoding", "gzip");
        }
        response = match self.switches.framing {
            Framing::Length => response.header("Content-Length", body.len()),
            Framing::Chunked => response.header("Transfer-Encoding", "chunked"),
        };
        response.body(body).unwrap().into()
    }
}

struct SimulatedHost(Rc<Simulated>, Host);

impl Transport for SimulatedHost {
    fn send<'a>(
        &'a self,
        url: &'a Url,
        headers: HeaderMap,
        body: Option<&'a str>,
        _: &'a Connections,
    ) -> Pin<Box<dyn Future<Output = Result<Response, Error>> + 'a>> {
        Box::pin(async move { self.0.respond(self.1, url, &headers, body).await })
    }
}
