//! What a stream is: values along a few axes, and what follows from them. The streams themselves are in `table`.

use std::iter;
use std::time::Duration;

use serde_json::{Value, json};

use crate::dixa::host::Host;
use crate::dixa::timestamp::TimeFormat;
use crate::window::Window;
use record_splitter::{Fields, RecordPath};

/// A stream, described by values.
pub struct Stream {
    pub name: &'static str,
    pub host: Host,
    /// The path of the endpoint, which starts with `/v1/`. With [`Partitions::Parent`], `{id}` is replaced by the parent's id, unless
    /// that is in the body of a POST.
    pub path: &'static str,
    /// Query parameters sent with every request. Only documented ones.
    pub query: &'static [(&'static str, &'static str)],
    pub method: Method,
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
    /// Whole days in UTC, for each id of the parent from a position of its own.
    Days {
        /// The JSON pointer of the time in a record.
        time: &'static str,
    },
}

/// The HTTP method of its requests.
pub enum Method {
    Get,
    /// A POST of a JSON body that says what is wanted.
    Post(RecordsQuery),
}

/// A query for analytics records of one id in a period, and the filters that it may need (docs/dixa-api.md 2.8).
pub struct RecordsQuery {
    /// The list of the values of one attribute, which is the `{id}` of its path.
    pub filter_values: &'static Stream,
    /// The attributes to filter by: the first that has values.
    pub filter_attributes: &'static [&'static str],
}

/// Selects the records whose attribute has one of these values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub attribute: &'static str,
    pub values: Vec<String>,
}

impl RecordsQuery {
    /// The JSON body that requests the records of an id in whole days. It starts a millisecond early, since it is unknown whether
    /// Dixa includes the start (docs/dixa-api.md 2.8).
    pub fn body(id: &str, days: &Window, filter: Option<&Filter>) -> String {
        let bounds = days.request_bounds(Duration::from_millis(1));
        let mut body = json!({
            "id": id,
            "timezone": "UTC",
            "periodFilter": {"_type": "Interval", "start": bounds.after.to_string(), "end": bounds.before.to_string()},
        });
        if let Some(Filter { attribute, values }) = filter {
            body["filters"] = json!([{"attribute": attribute, "values": values}]);
        }
        body.to_string()
    }
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

impl Method {
    /// Its name, for messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post(_) => "POST",
        }
    }
}

/// How a list is requested. A link to a next page is followed in either case.
pub enum Paging {
    /// In one body.
    Single,
    /// In pages of at most this many records (`pageLimit`). Neither a default nor a maximum is documented (docs/dixa-api.md 2.3).
    Pages(u32),
}

/// The fields that make a key where Dixa gives none: the hash of a record's bytes, and which of the equal ones it is.
pub const ROW_HASH: &str = "row_hash";
pub const COPY: &str = "copy";

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
            Span::Everything | Span::Days { .. } => None,
            Span::Windows(WindowParams { cursor, .. }) => Some(cursor),
        }
    }

    /// Whether a read can continue from a saved state.
    pub fn is_incremental(&self) -> bool {
        !matches!(self.span, Span::Everything)
    }

    /// Where the time of a record is, for messages: its cursor field, or a path.
    pub fn time_field(&self) -> String {
        match self.span {
            Span::Everything => String::new(),
            Span::Windows(WindowParams { cursor, .. }) => cursor.to_owned(),
            Span::Days { time } => time[1..].replace('/', "."),
        }
    }

    /// How far a request may reach beyond `start_date` and `end_date`.
    pub fn request_margin(&self) -> Duration {
        match self.span {
            Span::Days { .. } => Duration::from_secs(24 * 60 * 60),
            Span::Everything | Span::Windows(_) => self.time_format().step(),
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
            Span::Everything | Span::Days { .. } => TimeFormat::Text,
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
