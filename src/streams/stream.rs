//! What a stream is: values along a few axes, and what follows from them. The streams themselves are in `table`.

use std::iter;

use serde_json::Value;

use crate::dixa::host::Host;
use crate::dixa::timestamp::TimeFormat;
use crate::window::Window;
use record_splitter::{Fields, RecordPath};

/// A stream, described by values.
pub struct Stream {
    pub name: &'static str,
    pub host: Host,
    /// The path of the endpoint, which starts with `/v1/`. With [`Partitions::Parent`], `{id}` is replaced by the parent's id.
    pub path: &'static str,
    /// Query parameters sent with every request. Only documented ones.
    pub query: &'static [(&'static str, &'static str)],
    pub span: Span,
    pub partitions: Partitions,
    pub paging: Paging,
    pub frame: RecordPath,
    /// The fields that identify a record, including that of the parent's id. Empty if there is no key.
    pub primary_key: &'static [&'static str],
    /// Fields whose values are masked. If the value is an object, the values in it are masked instead.
    pub secrets: &'static [&'static str],
    /// Whether the stream is read by default.
    pub is_suggested: bool,
    /// The JSON schema of its records, as text.
    pub(super) schema: &'static str,
    /// The stream's names in other connectors whose saved states we understand.
    pub aliases: &'static [&'static str],
    /// The names of tables of other products that hold the same records, for hints.
    pub known_as: &'static [&'static str],
}

/// The span of time that a read covers.
pub enum Span {
    /// All records, every time.
    Everything,
    /// Windows of time, one after another.
    Windows(WindowParams),
}

/// How a stream is read by windows: the two parameters for the bounds, the cursor field, and the format of their times.
pub struct WindowParams {
    pub after: &'static str,
    pub before: &'static str,
    pub cursor: &'static str,
    pub time_format: TimeFormat,
}

impl WindowParams {
    /// The query parameters that request a window.
    pub fn query(&self, window: &Window) -> [(&'static str, String); 2] {
        let bounds = window.request_bounds(self.time_format.step());
        [(self.after, bounds.after), (self.before, bounds.before)]
            .map(|(name, bound)| (name, self.time_format.parameter(bound)))
    }
}

/// Whether one request returns the whole list, or one request is needed for each part of it.
pub enum Partitions {
    /// The whole list.
    One,
    /// One request for each value of a parameter.
    Values {
        parameter: &'static str,
        values: &'static [&'static str],
    },
    /// One request for each id in a parent list.
    Parent(Parent),
}

/// A list whose ids another list needs for its requests.
pub struct Parent {
    /// Read once per sync, whether it is a selected stream, another stream, or a mere list of ids.
    pub list: &'static Stream,
    /// Where the ids are in its records.
    pub ids: IdSource,
    /// The field for the parent's id that is added to each record; `None` if the record has an id of its own.
    pub field: Option<&'static str>,
    /// The statuses that say that one parent has no such list, or no longer exists: it is skipped and counted.
    pub none_here: &'static [u16],
}

/// Where the ids are in a record.
pub enum IdSource {
    /// The `id` of the record itself.
    Record,
    /// The `id` of each object in an array of this name, at any depth.
    Within(&'static str),
}

/// How a list is requested. A link to a next page is followed in either case.
pub enum Paging {
    /// In one body.
    Single,
    /// In pages of at most this many records (`pageLimit`). Neither a default nor a maximum is documented (docs/dixa-api.md 2.3).
    Pages(u32),
}

/// The page size of endpoints that are not known to accept a larger one.
pub const PAGE_LIMIT: u32 = 1000;

impl Stream {
    /// Its name, followed by its aliases.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        iter::once(self.name).chain(self.aliases.iter().copied())
    }

    /// The cursor field, if the stream supports incremental reads.
    pub fn cursor(&self) -> Option<&'static str> {
        match self.span {
            Span::Everything => None,
            Span::Windows(WindowParams { cursor, .. }) => Some(cursor),
        }
    }

    /// The number of records requested per page; `None` without paging.
    pub fn page_limit(&self) -> Option<u32> {
        match self.paging {
            Paging::Single => None,
            Paging::Pages(limit) => Some(limit),
        }
    }

    /// The time format of its bounds and records.
    pub fn time_format(&self) -> TimeFormat {
        match self.span {
            Span::Everything => TimeFormat::Text,
            Span::Windows(WindowParams { time_format, .. }) => time_format,
        }
    }

    /// The parent list, if there is one.
    pub fn parent(&self) -> Option<&'static Stream> {
        match self.partitions {
            Partitions::Parent(Parent { list, .. }) => Some(list),
            Partitions::One | Partitions::Values { .. } => None,
        }
    }

    /// The part of the key that is in the record itself.
    pub(super) fn record_key(&self) -> Option<&'static str> {
        let parent_field = match &self.partitions {
            Partitions::Parent(parent) => parent.field,
            Partitions::One | Partitions::Values { .. } => None,
        };
        let mut fields = self.primary_key.iter().copied();
        fields.find(|field| Some(*field) != parent_field)
    }

    /// The query parameters of every request.
    pub fn fixed_query(&self) -> impl Iterator<Item = (&'static str, String)> + use<> {
        self.query
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
    }

    /// The JSON schema of its records, with the marks of `record_form`, which makes of it the schema of a read.
    pub(super) fn marked_schema(&self) -> Value {
        serde_json::from_str(self.schema)
            .unwrap_or_else(|_| unreachable!("a test parses every schema"))
    }

    /// Its fields, as the record splitter needs them.
    pub fn fields(&self) -> Fields {
        let schema = self.marked_schema();
        let declared = schema["properties"]
            .as_object()
            .into_iter()
            .flat_map(|properties| properties.keys());
        Fields::new(
            declared.map(String::as_str),
            self.record_key(),
            self.cursor(),
        )
    }
}
