//! `check`: the smallest possible requests test the token, and determine which streams it may not read. A refused token is a
//! result of the check, not a failure of it.

use std::cell::RefCell;
use std::iter;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout};

use crate::airbyte::log::Level;
use crate::checkpoint::EARLIEST;
use crate::cli::ConfigFile;
use crate::commands::config_file::load_config;
use crate::commands::events::EventLogger;
use crate::commands::numbers::plural;
use crate::config::Config;
use crate::dixa::client::Client;
use crate::dixa::error::{Error, Phase};
use crate::dixa::fetch::{BodySpec, Fetcher};
use crate::dixa::host::Host;
use crate::dixa::retry_budget::RetryBudget;
use crate::dixa::sink::Sink;
use crate::epoch::EpochMs;
use crate::failure::{Failure, FailureKind};
use crate::output::Output;
use crate::output::console::Terminal;
use crate::streams::stream::{Paging, Partitions, Span, Stream};
use crate::streams::table::STREAMS;
use crate::window::Window;
use record_splitter::Record;

/// A user is waiting at a form: the whole check may take this long, unless it waits for a rate limit.
const CHECK_TIMEOUT: Duration = Duration::from_secs(55);
/// Of that, the requests after the first one to each host may take this long.
const PROBE_TIMEOUT: Duration = Duration::from_secs(20);

/// Discards records.
struct Discard;

impl Sink for Discard {
    fn record(&mut self, _: Record<'_>) {}

    async fn ready(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// One request on behalf of some streams, and its result.
struct Probe {
    /// The stream whose endpoint was requested.
    stream: &'static Stream,
    /// Every stream that can be read if this one can.
    streams: Vec<&'static str>,
    result: Result<(), Error>,
}

/// Checks the config and its token: SUCCEEDED if the exports or any list can be read, with a warning that names what the token may
/// not read. FAILED only for what the user can correct; a host that could not be reached, or failed, is a failure of the command.
pub async fn check(
    file: &ConfigFile,
    output: &Output,
    terminal: &Terminal,
) -> Result<bool, Failure> {
    let shown_on = Some(terminal).filter(|terminal| terminal.is_interactive());
    let refused = match test(file, output, shown_on).await {
        Err(failure) if failure.kind == FailureKind::Config => Some(failure),
        tested => {
            tested?;
            None
        }
    };
    output.connection_status(refused.as_ref());
    Ok(true)
}

/// The same without the message: why nothing can be read. What was found is shown to people.
pub async fn test(
    file: &ConfigFile,
    output: &Output,
    shown_on: Option<&Terminal>,
) -> Result<(), Failure> {
    let now = EpochMs::now().floor_to_second();
    let config = load_config(file, output)?;
    config.refuse_future(now)?;
    log_start_date(&config, now, output);
    let rates = [
        (
            Host::Exports,
            config.settings.exports_requests_per_minute,
            "minute",
        ),
        (Host::Api, config.settings.api_requests_per_second, "second"),
    ];
    let client = Client::new(config.settings);
    let events = EventLogger::new(output);
    let fetcher = Fetcher {
        client: &client,
        retry_budget: &RetryBudget::CHECK,
        observer: &events,
    };
    let probes = probe_all(&fetcher).await;
    for Finding { line, is_logged } in report(&probes, rates, &client) {
        if is_logged {
            output.log(Level::Info, &line);
        }
        if let Some(terminal) = shown_on
            && !(is_logged && terminal.logs_info())
        {
            terminal.line(&line);
        }
    }
    outcome(probes, &client, output).map_or(Ok(()), Err)
}

/// Logs what a first read costs, and warns of an unusual `start_date`.
fn log_start_date(config: &Config, now: EpochMs, output: &Output) {
    if let Some(warning) = config.start_date_warning(now) {
        output.log(Level::Warn, &warning);
        return;
    }
    let (requests, minutes) = config.first_read_cost(now);
    let exports = STREAMS.iter().filter(|stream| stream.host == Host::Exports);
    let exports: Vec<_> = exports.map(|stream| stream.name).collect();
    let (level, note) = if config.start_date < EARLIEST {
        (Level::Warn, ", and nothing in Dixa is older than 2010")
    } else {
        (Level::Info, "")
    };
    let message = format!(
        "A first read of {} since `start_date`, {}, takes {} to the Exports API, about {}{note}. A later `start_date` takes fewer.",
        exports.join(" or "),
        config.start_date,
        plural(requests, "request"),
        plural(minutes, "minute")
    );
    output.log(level, &message);
}

/// The streams to request, each with those that depend on it: one of the exports, since their limit is small and all need the same
/// permission; of the main API, each one that needs no ids from a parent.
fn to_probe() -> Vec<(&'static Stream, Vec<&'static str>)> {
    let mut probes: Vec<(&Stream, Vec<_>)> = Vec::new();
    for stream in STREAMS {
        let root = iter::successors(Some(stream), |stream| stream.parent()).last();
        let root = root.unwrap_or(stream);
        let shared = probes.iter_mut().find(|(probed, _)| {
            probed.name == root.name || (probed.host, root.host) == (Host::Exports, Host::Exports)
        });
        match shared {
            Some((_, streams)) => streams.push(stream.name),
            None => probes.push((root, vec![stream.name])),
        }
    }
    probes
}

/// Requests the first of each host, and then the others of the hosts that responded.
async fn probe_all(fetcher: &Fetcher<'_>) -> Vec<Probe> {
    let begun = Instant::now();
    let mut hosts = Vec::new();
    let (firsts, others): (Vec<_>, Vec<_>) = to_probe().into_iter().partition(|(stream, _)| {
        let is_first = !hosts.contains(&stream.host);
        hosts.push(stream.host);
        is_first
    });
    let probe = async |(stream, streams), time: Duration| {
        let result = timeout(time, request_smallest(fetcher, stream)).await;
        let result = result.unwrap_or(Err(Error::TimedOut {
            host: stream.host,
            phase: Phase::FirstByte,
            after: time,
        }));
        Probe {
            stream,
            streams,
            result,
        }
    };
    let mut probes = join_all(firsts.into_iter().map(|first| probe(first, Duration::MAX))).await;
    let has_responded = |host: Host| {
        let is_response =
            |result: &Result<(), Error>| result.as_ref().err().is_none_or(Error::is_access_denied);
        probes
            .iter()
            .any(|probe| probe.stream.host == host && is_response(&probe.result))
    };
    let others = others
        .into_iter()
        .filter(|(stream, _)| has_responded(stream.host));
    let left = PROBE_TIMEOUT.min(CHECK_TIMEOUT.saturating_sub(begun.elapsed()));
    let others = join_all(others.map(|other| probe(other, left))).await;
    probes.extend(others);
    probes
}

/// One request; two where the page size is rejected.
async fn request_smallest(fetcher: &Fetcher<'_>, stream: &'static Stream) -> Result<(), Error> {
    let fields = RefCell::new(stream.fields());
    let spec = BodySpec {
        frame: stream.frame,
        fields: &fields,
    };
    let mut query: Vec<_> = stream.fixed_query().collect();
    if let Span::Windows(params) = &stream.span {
        let end = EpochMs::now().floor_to_second();
        let start = end.minus(Duration::from_secs(1));
        query.extend(params.query(&Window { start, end }));
    }
    if let Partitions::Values { parameter, values } = &stream.partitions {
        let first = values.first();
        query.extend(first.map(|value| (*parameter, (*value).to_owned())));
    }
    let read = async |query: &[(&str, String)]| {
        let request = fetcher
            .client
            .request(stream.host, stream.path, None, query);
        fetcher.read(&request, &spec, &mut Discard).await.map(drop)
    };
    if let Paging::Pages(_) = stream.paging {
        let smallest = [&query[..], &[("pageLimit", "1".to_owned())]].concat();
        match read(&smallest).await {
            Err(error) if error.is_rejection() => {}
            result => return result,
        }
    }
    read(&query).await
}

/// The outcome of all probes: a failure, or nothing worse than warnings.
fn outcome(probes: Vec<Probe>, client: &Client, output: &Output) -> Option<Failure> {
    let can_read = probes.iter().any(|probe| probe.result.is_ok());
    let (mut refused, mut unknown, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    let mut hosts = Vec::new();
    for Probe {
        stream,
        streams,
        result,
    } in probes
    {
        let host = stream.host;
        let is_first = !hosts.contains(&host);
        hosts.push(host);
        let name = client.host(host).name();
        let streams = format!("`{}`", streams.join("`, `"));
        match result {
            Err(error) if can_read && error.is_access_denied() => {
                refused.push(format!("{streams} ({error} to GET {})", stream.path));
            }
            Err(Error::TimedOut { .. } | Error::RateLimited { .. }) if can_read && !is_first => {
                unknown.push(streams);
            }
            Err(error) if can_read && !is_first => {
                unknown.push(format!("{streams} ({error} to GET {})", stream.path));
            }
            Err(error) if is_first => failures.push(Failure::from(error).context(name)),
            Ok(()) | Err(_) => {}
        }
    }
    warn_of_access(&refused, &unknown, output);
    failures.into_iter().reduce(most_severe)
}

fn warn_of_access(refused: &[String], unknown: &[String], output: &Output) {
    if !refused.is_empty() {
        let warning = format!(
            "The token is not allowed to read {}. Reading these streams would fail; the others are not affected.",
            refused.join("; ")
        );
        output.log(Level::Warn, &warning);
    }
    if !unknown.is_empty() {
        let warning = format!("Could not determine access to {}.", unknown.join("; "));
        output.log(Level::Warn, &warning);
    }
}

/// What a check has found.
struct Finding {
    line: String,
    /// It is in the log, too.
    is_logged: bool,
}

/// For a person at a terminal: the hosts with their rates, and which streams can be read.
fn report(probes: &[Probe], rates: [(Host, u64, &str); 2], client: &Client) -> Vec<Finding> {
    let can_read = |probe: &&Probe| probe.result.is_ok();
    let hosts = rates.map(|(host, rate, unit)| {
        let of_host = || probes.iter().filter(|probe| probe.stream.host == host);
        let is_denied = |probe: &Probe| {
            let error = probe.result.as_ref().err();
            error.is_some_and(Error::is_access_denied)
        };
        let is_accepted = of_host().any(|probe| can_read(&probe));
        let accepts = if is_accepted {
            "accepts the token"
        } else if of_host().any(is_denied) {
            "does not accept the token"
        } else {
            "could not be checked"
        };
        let name = client.host(host).name();
        let rate = plural(rate, "request");
        Finding {
            line: format!("{host} ({name}) {accepts}. Rate limit: {rate} per {unit}."),
            is_logged: is_accepted,
        }
    });
    let read: Vec<_> = probes
        .iter()
        .filter(can_read)
        .flat_map(|probe| probe.streams.iter().copied())
        .collect();
    let count = format!("It can read {} of {} streams", read.len(), STREAMS.len());
    let read = if read.is_empty() {
        format!("{count}.")
    } else {
        format!("{count}: {}.", read.join(", "))
    };
    let readable = Finding {
        line: read,
        is_logged: false,
    };
    hosts.into_iter().chain([readable]).collect()
}

/// Which of two failures to report: what the user can correct first. Two of one kind are reported together, with the same advice
/// once.
fn most_severe(one: Failure, other: Failure) -> Failure {
    if one.kind == other.kind {
        if (&one.message, &one.advice) == (&other.message, &other.advice) {
            return one;
        }
        let first = if one.advice == other.advice {
            format!("{};", one.headline())
        } else {
            one.text()
        };
        return Failure {
            message: format!("{first} {}", other.headline()),
            subject: String::new(),
            ..other
        };
    }
    if other.kind == FailureKind::Config {
        other
    } else {
        one
    }
}
