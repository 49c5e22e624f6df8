//! The lists of the main API: a first page of each, and of paged ones the default size and the next page.

use serde_json::Value;

use crate::commands::probe::ask::Ask;
use crate::commands::probe::records::{Records, Reply};
use crate::commands::probe::report::Answer;
use crate::commands::probe::sender::Sender;
use crate::commands::probe::subjects;
use crate::dixa::host::Host;
use crate::epoch::EpochMs;
use crate::failure::Failure;
use crate::streams::stream::{IdSource, Partitions, Span, Stream};
use crate::streams::table::{self, STREAMS};
use crate::window::Window;

/// A span of time that is requested where a list takes one.
pub type ListSpan = (EpochMs, EpochMs);

/// What one list sent.
pub struct ListReplies {
    pub stream: &'static Stream,
    /// The request for the first page that was sent.
    pub ask: Ask,
    /// In the page size of a read.
    pub first: Reply,
    /// Without a page size.
    pub default: Option<Reply>,
    /// The page after the first one.
    pub next: Option<Reply>,
}

impl ListReplies {
    /// The first page, in the default size if the other one was refused.
    pub fn first_page(&self) -> Option<&Records> {
        let default = self.default.as_ref().and_then(Reply::records);
        self.first.records().or(default)
    }

    /// The first page, or the one after it if that is empty.
    pub fn records(&self) -> Option<&Records> {
        let next = self.next.as_ref().and_then(Reply::records);
        let first = self.first_page()?;
        if first.seen.is_empty() {
            next
        } else {
            Some(first)
        }
    }
}

/// What all lists sent.
#[derive(Default)]
pub struct Lists(pub Vec<ListReplies>);

/// The lists of the main API. One whose parent's id is not in its path is requested in another way.
pub fn streams() -> impl Iterator<Item = &'static Stream> {
    STREAMS.iter().filter(|stream| {
        let has_parent = matches!(stream.partitions, Partitions::Parent(_));
        stream.host == Host::Api && (!has_parent || stream.path.contains("{id}"))
    })
}

/// The request for a list, without its parent's id.
pub fn first(stream: &'static Stream, span: ListSpan) -> Ask {
    let ask = default_size(stream, span);
    match stream.page_limit() {
        Some(limit) => ask.with("pageLimit", limit),
        None => ask,
    }
}

/// The same without a page size.
pub fn default_size(stream: &'static Stream, (start, end): ListSpan) -> Ask {
    let mut ask = Ask::stream(stream);
    if let Span::Windows(params) = &stream.span {
        let window = Window { start, end };
        let shown = ["{day, 00:00}", "{next day, 00:00}"];
        for ((name, value), shown) in params.query(&window).into_iter().zip(shown) {
            ask = ask.with_hidden(name, value, shown);
        }
    }
    if let Partitions::Values { parameter, values } = &stream.partitions {
        let first = values.first().copied().unwrap_or_default();
        ask = ask.with(parameter, first);
    }
    ask
}

/// The lists that a list's ids come from and that are not streams, topmost first.
pub fn hidden_parents(stream: &'static Stream) -> Vec<&'static Stream> {
    let parents = std::iter::successors(stream.parent(), |parent| parent.parent());
    let mut hidden: Vec<_> = parents
        .filter(|parent| table::find(parent.name).is_none())
        .collect();
    hidden.reverse();
    hidden
}

impl Lists {
    /// Requests all lists of the main API that were not requested yet.
    pub async fn ask_all(
        &mut self,
        sender: &mut Sender<'_>,
        span: ListSpan,
    ) -> Result<(), Failure> {
        for stream in streams() {
            for parent in hidden_parents(stream) {
                self.ask_one(sender, parent, span).await?;
            }
            self.ask_one(sender, stream, span).await?;
        }
        Ok(())
    }

    /// Requests one list, unless it was requested before or its parent has no id for it.
    pub async fn ask_one(
        &mut self,
        sender: &mut Sender<'_>,
        stream: &'static Stream,
        span: ListSpan,
    ) -> Result<(), Failure> {
        if self.find(stream.name).is_some() {
            return Ok(());
        }
        let mut ask = first(stream, span);
        if let Partitions::Parent(parent) = &stream.partitions {
            let Some(id) = self.id_in(parent.list.name, &parent.ids) else {
                return Ok(());
            };
            ask = ask.of(id);
        }
        let first = sender.send(&ask).await?;
        let mut replies = ListReplies {
            stream,
            ask,
            first,
            default: None,
            next: None,
        };
        if stream.page_limit().is_some() && !replies.first.is_denied() {
            let ask = default_size(stream, span);
            let default = sender.send(&ask).await?;
            if replies.first.records().is_none() {
                replies.ask = ask;
            }
            replies.default = Some(default);
        }
        if let Some(page) = replies.first_page()
            && let Some(next) = sender.next_page(&replies.ask, page, &replies.ask.filters())
        {
            replies.next = Some(sender.send(&next).await?);
        }
        self.0.push(replies);
        Ok(())
    }

    pub fn find(&self, name: &str) -> Option<&ListReplies> {
        self.0.iter().find(|replies| replies.stream.name == name)
    }

    /// The id of the first record of a list.
    pub fn first_id(&self, name: &str) -> Option<String> {
        self.id_in(name, &IdSource::Record)
    }

    fn id_in(&self, name: &str, source: &IdSource) -> Option<String> {
        let record = self.find(name)?.records()?.first.as_ref()?;
        match source {
            IdSource::Record => id(record),
            IdSource::Within(array) => id_within(record, array),
        }
    }

    /// All responses with records.
    pub fn replies(&self) -> impl Iterator<Item = &Reply> {
        self.0.iter().flat_map(|list| {
            let others = [&list.default, &list.next].into_iter().flatten();
            std::iter::once(&list.first).chain(others)
        })
    }

    /// Which lists the token may read.
    pub fn permissions(&self, exports: &Reply) -> Answer {
        let answer = Answer::new(
            "permissions",
            "Which endpoints does the token not open?",
            "2.2",
        );
        let lists = self.0.iter().map(|list| (list.stream.name, &list.first));
        let all = lists.chain([(subjects::conversations().name, exports)]);
        let (readable, other): (Vec<_>, Vec<_>) =
            all.partition(|(_, reply)| reply.records().is_some());
        let answer = answer.found("readable", readable.len());
        let not_readable = other
            .iter()
            .map(|(name, reply)| ((*name).to_owned(), reply.words().into()));
        let answer = answer.found("not_readable", Value::Object(not_readable.collect()));
        if other.is_empty() {
            return answer.holds("every requested endpoint can be read");
        }
        answer.not_settled("some endpoints cannot be read, so their questions stay open; a read of these streams fails, and the others are not affected")
    }
}

fn id(record: &Value) -> Option<String> {
    match &record["id"] {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// The first id in an array of this name, at any depth.
fn id_within(value: &Value, array: &str) -> Option<String> {
    match value {
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            let here = match member {
                Value::Array(items) if name == array => items.iter().find_map(id),
                _ => None,
            };
            here.or_else(|| id_within(member, array))
        }),
        Value::Array(items) => items.iter().find_map(|item| id_within(item, array)),
        _ => None,
    }
}
