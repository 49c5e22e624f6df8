//! `check`: the smallest requests there are prove the token, and tell what it may not read. A refused token is an answer,
//! not a crash.

use std::cell::RefCell;
use std::iter;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout};

use crate::airbyte::log::Level;
use crate::airbyte::output::Output;
use crate::cli::ConfigFile;
use crate::commands::load_config;
use crate::commands::read::tell::Teller;
use crate::dixa::Host;
use crate::dixa::client::Client;
use crate::dixa::error::{Error, Phase};
use crate::dixa::page::{Reader, Shape, Sink};
use crate::dixa::record::Record;
use crate::dixa::retry::Patience;
use crate::epoch::EpochMs;
use crate::failure::{Failure, FailureKind};
use crate::streams::{Each, Paging, STREAMS, Span, Stream};
use crate::terminal::Terminal;
use crate::window::Window;

/// Somebody looks at a form: so long all of it may take, unless a rate limit is waited out.
const A_MINUTE: Duration = Duration::from_secs(55);
/// So long of that may be taken by all that is not the first of its host.
const A_WHILE: Duration = Duration::from_secs(20);

/// Takes records and forgets them.
struct Nowhere;

impl Sink for Nowhere {
    fn record(&mut self, _: Record<'_>) {}

    async fn room(&mut self) -> bool {
        true
    }
}

/// What was asked of Dixa for some streams, and how that went.
struct Probe {
    /// The stream whose endpoint was asked.
    stream: &'static Stream,
    /// All that can be read if it can.
    streams: Vec<&'static str>,
    answer: Result<(), Error>,
}

/// Says whether the config and its token are good: they are if the exports or a list can be read. What the token may not read
/// beside that is told as a warning. Only what the user can mend makes it say FAILED; that one of the hosts could not be
/// asked, or failed, is a failure of the command.
pub async fn check(
    file: &ConfigFile,
    output: &Output,
    terminal: &Terminal,
) -> Result<bool, Failure> {
    let refused = match load_config(file, output) {
        Err(failure) => Some(failure),
        Ok(config) => {
            let rates = [
                (
                    Host::Exports,
                    config.settings.exports_requests_per_minute,
                    "minute",
                ),
                (Host::Api, config.settings.api_requests_per_second, "second"),
            ];
            let client = Client::new(config.settings);
            let teller = Teller::new(output);
            let reader = Reader {
                client: &client,
                patience: &Patience::CHECK,
                watch: &teller,
            };
            let probes = probes(&reader).await;
            if terminal.is_watched() {
                for line in report(&probes, rates, &client) {
                    terminal.line(&line);
                }
            }
            judge(probes, &client, output)
        }
    };
    if let Some(failure) = refused
        .as_ref()
        .filter(|failure| failure.kind != FailureKind::Config)
    {
        return Err(failure.clone());
    }
    output.connection_status(refused.as_ref());
    Ok(true)
}

/// The endpoints to ask, each with the streams that depend on it: one of the exports, whose limit is small and which all
/// need the same right, and of the main API every one that needs no other one's ids.
fn probed() -> Vec<(&'static Stream, Vec<&'static str>)> {
    let mut probes: Vec<(&Stream, Vec<_>)> = Vec::new();
    for stream in STREAMS {
        let first = iter::successors(Some(stream), |stream| stream.parent()).last();
        let first = first.unwrap_or(stream);
        let shared = probes.iter_mut().find(|(probed, _)| {
            probed.name == first.name || (probed.host, first.host) == (Host::Exports, Host::Exports)
        });
        match shared {
            Some((_, streams)) => streams.push(stream.name),
            None => probes.push((first, vec![stream.name])),
        }
    }
    probes
}

/// Asks for the first of each host; the others after it, for a while, if their host answers at all.
async fn probes(reader: &Reader<'_>) -> Vec<Probe> {
    let begun = Instant::now();
    let mut hosts = Vec::new();
    let (firsts, others): (Vec<_>, Vec<_>) = probed().into_iter().partition(|(stream, _)| {
        let is_first = !hosts.contains(&stream.host);
        hosts.push(stream.host);
        is_first
    });
    let ask = async |(stream, streams), patience: Duration| {
        let answer = timeout(patience, ask(reader, stream)).await;
        let answer = answer.unwrap_or(Err(Error::TimedOut {
            host: stream.host,
            phase: Phase::FirstByte,
            after: patience,
        }));
        Probe {
            stream,
            streams,
            answer,
        }
    };
    let mut probes = join_all(firsts.into_iter().map(|first| ask(first, Duration::MAX))).await;
    let is_there = |host: Host| {
        let is_answer =
            |answer: &Result<(), Error>| answer.as_ref().err().is_none_or(Error::is_refusal);
        probes
            .iter()
            .any(|probe| probe.stream.host == host && is_answer(&probe.answer))
    };
    let others = others
        .into_iter()
        .filter(|(stream, _)| is_there(stream.host));
    let rest = A_WHILE.min(A_MINUTE.saturating_sub(begun.elapsed()));
    let others = join_all(others.map(|other| ask(other, rest))).await;
    probes.extend(others);
    probes
}

/// One request; two where the size of a page is refused.
async fn ask(reader: &Reader<'_>, stream: &'static Stream) -> Result<(), Error> {
    let fields = RefCell::new(stream.fields());
    let shape = Shape {
        frame: stream.frame,
        fields: &fields,
    };
    let mut query: Vec<_> = stream.fixed_query().collect();
    if let Span::Windows(windows) = &stream.span {
        let end = EpochMs::now().floor_to_second();
        let start = end.minus(Duration::from_secs(1));
        query.extend(windows.query(&Window { start, end }));
    }
    if let Each::Value { parameter, values } = &stream.each {
        query.extend(
            values
                .first()
                .map(|value| (*parameter, (*value).to_owned())),
        );
    }
    let ask = async |query: &[(&str, String)]| {
        let request = reader.client.request(stream.host, stream.path, None, query);
        reader.read(&request, &shape, &mut Nowhere).await.map(drop)
    };
    if let Paging::Pages(_) = stream.paging {
        let smallest = [&query[..], &[("pageLimit", "1".to_owned())]].concat();
        match ask(&smallest).await {
            Err(Error::Status { status: 400, .. }) => {}
            answer => return answer,
        }
    }
    ask(&query).await
}

/// What the answers come to: a failure, or nothing worse than warnings.
fn judge(probes: Vec<Probe>, client: &Client, output: &Output) -> Option<Failure> {
    let can_read = probes.iter().any(|probe| probe.answer.is_ok());
    let (mut refused, mut untried, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    let mut hosts = Vec::new();
    for Probe {
        stream,
        streams,
        answer,
    } in probes
    {
        let host = stream.host;
        let is_first = !hosts.contains(&host);
        hosts.push(host);
        let name = client.host_name(host);
        let streams = format!("`{}`", streams.join("`, `"));
        match answer {
            Ok(()) if is_first => {
                output.log(Level::Info, &format!("{host} ({name}) accepts the token."));
            }
            Ok(()) => {}
            Err(error) if can_read && error.is_refusal() => {
                refused.push(format!("{streams} ({error} to GET {})", stream.path));
            }
            Err(Error::TimedOut { .. } | Error::RateLimited { .. }) if can_read && !is_first => {
                untried.push(streams);
            }
            Err(error) if can_read && !is_first => {
                untried.push(format!("{streams} ({error} to GET {})", stream.path));
            }
            Err(error) if is_first => failures.push(Failure::from(error).about(name)),
            Err(_) => {}
        }
    }
    if !refused.is_empty() {
        let warning = format!(
            "The token may not read {}. A read of these streams would fail; it stops no other.",
            refused.join("; ")
        );
        output.log(Level::Warn, &warning);
    }
    if !untried.is_empty() {
        let warning = format!(
            "Whether these streams can be read could not be found out now: {}.",
            untried.join("; ")
        );
        output.log(Level::Warn, &warning);
    }
    failures.into_iter().reduce(gravest)
}

/// What a person is told beside the answer: the hosts with their rates, and what can be read.
fn report(probes: &[Probe], rates: [(Host, u64, &str); 2], client: &Client) -> Vec<String> {
    let is_read = |probe: &&Probe| probe.answer.is_ok();
    let hosts = rates.map(|(host, rate, unit)| {
        let answered = probes
            .iter()
            .filter(is_read)
            .any(|probe| probe.stream.host == host);
        let accepts = if answered {
            "accepts the token"
        } else {
            "does not accept the token"
        };
        let name = client.host_name(host);
        format!("{host} ({name}) {accepts}; it is asked at most {rate} times a {unit}.")
    });
    let read: Vec<_> = probes
        .iter()
        .filter(is_read)
        .flat_map(|probe| probe.streams.iter().copied())
        .collect();
    let read = format!(
        "It can read {} of {} streams: {}.",
        read.len(),
        STREAMS.len(),
        read.join(", ")
    );
    hosts.into_iter().chain([read]).collect()
}

/// A message without the sentences that another ends with, too: the same advice is given once.
fn without_end_of<'a>(one: &'a str, other: &str) -> &'a str {
    let ends = one.match_indices(". ").map(|(end, _)| end + 1);
    ends.map(|end| one.split_at(end))
        .find(|(_, rest)| other.ends_with(rest))
        .map_or(one, |(begin, _)| begin)
}

/// Of two failures the one to tell: what the user can mend goes before the rest, and two of one kind are told together.
fn gravest(one: Failure, other: Failure) -> Failure {
    if one.kind == other.kind {
        let message = format!(
            "{} {}",
            without_end_of(&one.message, &other.message),
            other.message
        );
        return Failure { message, ..one };
    }
    if other.kind == FailureKind::Config {
        other
    } else {
        one
    }
}
