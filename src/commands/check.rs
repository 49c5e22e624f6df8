//! `check`: the smallest request there is to each host proves the token. A refused token is an answer, not a crash.

use std::cell::RefCell;
use std::time::Duration;

use futures_util::future::join_all;

use crate::airbyte::log::Level;
use crate::airbyte::output::Output;
use crate::cli::ConfigFile;
use crate::commands::load_config;
use crate::commands::read::tell::Teller;
use crate::dixa::Host;
use crate::dixa::client::Client;
use crate::dixa::error::Error;
use crate::dixa::page::{Page, Reader, Shape, Sink};
use crate::dixa::record::Record;
use crate::dixa::retry::Patience;
use crate::epoch::EpochMs;
use crate::failure::{Failure, FailureKind};
use crate::streams::{Paging, STREAMS, Span, Stream};
use crate::window::Window;

/// Takes records and forgets them.
struct Nowhere;

impl Sink for Nowhere {
    fn record(&mut self, _: Record<'_>) {}

    async fn room(&mut self) -> bool {
        true
    }
}

/// Says whether the config and its token are good. Only what the user can mend makes it say FAILED; that Dixa could not
/// be asked is a failure of the command.
pub async fn check(file: &ConfigFile, output: &Output) -> Result<bool, Failure> {
    let refused = match load_config(&file.config, output) {
        Err(failure) => Some(failure),
        Ok(config) => {
            let client = Client::new(config.settings);
            let teller = Teller::new(output);
            let reader = Reader {
                client: &client,
                patience: &Patience::CHECK,
                watch: &teller,
            };
            let answers =
                join_all([Host::Exports, Host::Api].map(|host| ask(&reader, host, output))).await;
            answers.into_iter().filter_map(Result::err).reduce(gravest)
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

/// One request to a host.
async fn ask(reader: &Reader<'_>, host: Host, output: &Output) -> Result<(), Failure> {
    let smallest = |stream: &&Stream| {
        stream.host == host && !matches!((&stream.paging, host), (Paging::Single, Host::Api))
    };
    let Some(stream) = STREAMS.iter().find(smallest) else {
        unreachable!("both hosts have such a stream")
    };
    let fields = RefCell::new(stream.fields());
    let shape = Shape {
        path: stream.frame,
        fields: &fields,
    };
    let name = reader.client.host_name(host);
    let ask = async |query: &[(&str, String)]| -> Result<Page, Error> {
        reader
            .read(
                &reader.client.request(host, stream.path, query),
                &shape,
                &mut Nowhere,
            )
            .await
    };
    let answer = match &stream.span {
        Span::Windows(windows) => {
            let end = EpochMs::now().floor_to_second();
            let start = end.minus(Duration::from_secs(1));
            ask(&windows.query(&Window { start, end })).await
        }
        Span::Everything => match ask(&[("pageLimit", "1".to_owned())]).await {
            Err(Error::Status { status: 400, .. }) => ask(&[]).await,
            answer => answer,
        },
    };
    let failure = match answer {
        Ok(_) => {
            output.log(Level::Info, &format!("{host} ({name}) accepts the token."));
            return Ok(());
        }
        Err(error) => Failure::from(error),
    };
    Err(failure.about(name))
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
