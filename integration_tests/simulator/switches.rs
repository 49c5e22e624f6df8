//! What is unknown about Dixa, each doubt as a switch. A client must be right under every setting.
//! The defaults are the likeliest or, where nothing is known, the strictest.

use std::time::Duration;

/// Every doubt of dixa-api.md section 4 that a client could notice.
#[derive(Clone, Debug)]
pub struct Switches {
    /// Whether the main API takes `Bearer <token>` too (2.1: C, PH only). Default: no.
    pub bearer_on_main: bool,
    /// Whether the main API refuses a parameter that it does not document. It is said to ignore them (2.6: C, TAP);
    /// the default is to refuse, so that a client is held to the documented ones.
    pub strict_queries: bool,
    /// Whether the exports refuse a parameter that they do not document (1.4: 400 is "invalid query parameters"; else `?`).
    pub strict_exports: bool,
    /// Paths for which the token lacks rights (2.2: C, W6W: such a token gets 401 as a bad one does; PH expects 403 too).
    pub forbidden: Vec<Forbidden>,
    /// Whether `*_after` includes its instant (1.2, "not documented").
    pub after: Bound,
    /// Whether `*_before` includes its instant (1.2, "not documented").
    pub before: Bound,
    /// The order of an export's records (1.5: undocumented).
    pub order: Order,
    /// What a 429 says of the wait (1.4, 2.1: nothing documented).
    pub retry_after: RetryAfter,
    /// The body of an exports error (1.4: `?`).
    pub error_body: ErrorBody,
    pub layout: Layout,
    pub encoding: Encoding,
    /// How the body's end is told (1.1: exports are chunked, B).
    pub framing: Framing,
    pub date: DateHeader,
    pub exports_latency: Duration,
    pub main_latency: Duration,
    /// How long a client may leave a body unread before the connection is closed; for ever unless said.
    pub write_patience: Option<Duration>,
    /// The most bytes of a body in one write, and so in one chunk.
    pub write_bytes: usize,
    /// Optional fields of the main API without a value (2.3: omitted by the spec; doubt 11).
    pub absent: Absent,
    pub paging: Paging,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            bearer_on_main: false,
            strict_queries: true,
            strict_exports: true,
            forbidden: Vec::new(),
            after: Bound::Inclusive,
            before: Bound::Inclusive,
            order: Order::Ascending,
            retry_after: RetryAfter::None,
            error_body: ErrorBody::Json,
            layout: Layout::Compact,
            encoding: Encoding::Identity,
            framing: Framing::Chunked,
            date: DateHeader::True,
            exports_latency: Duration::ZERO,
            main_latency: Duration::ZERO,
            write_patience: None,
            write_bytes: 64 * 1024,
            absent: Absent::Omitted,
            paging: Paging::default(),
        }
    }
}

/// A path prefix that the right token may not read, and the status that says so.
#[derive(Clone, Debug)]
pub struct Forbidden {
    pub on: String,
    pub status: u16,
}

/// Whether a bound's own millisecond is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    Inclusive,
    Exclusive,
}

/// The order of an export's records, by `updated_at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Ascending,
    Descending,
    /// The same shuffle every time.
    Shuffled,
}

/// The form of `Retry-After` on a 429.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    None,
    Seconds,
    HttpDate,
}

/// The form of an exports error's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorBody {
    /// `{"message": …}`, as on the main API.
    Json,
    PlainText,
    Html,
}

/// White space between the tokens of a body. Tokens stay byte for byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    Compact,
    /// Indented, lines ended by `\n`.
    Pretty,
    /// Indented, lines ended by `\r\n`.
    PrettyCrLf,
}

/// `Gzip` is used only where the request's `Accept-Encoding` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Identity,
    Gzip,
}

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Chunked,
    /// `Content-Length`: the body is held in memory first, so not for bulk.
    Length,
}

/// The `Date` header of every answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateHeader {
    True,
    Absent,
    /// Off by so many seconds.
    Shifted(i64),
}

/// How an optional field without a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    Omitted,
    Null,
}

/// The paged lists (dixa-api.md 2.3, doubt 12: sizes and the last page are documented nowhere).
#[derive(Clone, Debug)]
pub struct Paging {
    /// Rows of a page when no `pageLimit` is asked.
    pub default_size: usize,
    pub max_size: usize,
    pub above_max: AboveMax,
    pub next: NextLink,
    /// Whether the page key carries the filters (2.3, doubt 12).
    pub key_has_filters: bool,
    /// Whether the link repeats `pageLimit` beside `pageKey`.
    pub limit_in_link: bool,
    pub last: LastMeta,
    /// A page (0-based) that is empty and still has a next one.
    pub empty_page: Option<usize>,
}

impl Default for Paging {
    fn default() -> Self {
        Self {
            default_size: 25,
            max_size: 100,
            above_max: AboveMax::Capped,
            next: NextLink::Relative,
            key_has_filters: true,
            limit_in_link: false,
            last: LastMeta::Absent,
            empty_page: None,
        }
    }
}

/// What a `pageLimit` above the maximum gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AboveMax {
    /// 400 "Decoding failure in request".
    Refused,
    /// Smaller pages than asked.
    Capped,
}

/// The form of `meta.next`; all but the first are for hostile tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextLink {
    /// `/v1/agents?pageKey=…` (2.3, A).
    Relative,
    /// Absolute, to the simulator itself.
    Absolute,
    /// Absolute, to this other origin, such as `http://127.0.0.1:9`.
    Elsewhere(String),
    /// The second page's key on every page, for ever.
    SameKey,
}

/// `meta` of the last page (2.3: absent in the spec's examples; clients guard against the others).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastMeta {
    Absent,
    Null,
    EmptyObject,
    NullNext,
}
