//! What is unknown about Dixa, each doubt as a switch. A client must be correct under every setting.
//! The defaults are the likeliest or, where nothing is known, the strictest.

use std::time::Duration;

/// Every doubt of docs/dixa-api.md section 4 that a client could notice.
#[derive(Clone, Debug)]
pub struct Switches {
    /// Whether the main API takes `Bearer <token>` too (2.1: B-, PH and a client of Dixa's own).
    /// Default: no.
    pub bearer_on_main: bool,
    /// Whether the main API refuses a parameter that it does not document. It is said to ignore them (2.6: C, TAP);
    /// the default is to refuse, so that a client is held to the documented ones.
    pub strict_queries: bool,
    /// Whether the exports refuse a parameter that they do not document (1.4: 400 is "invalid query parameters"; else `?`).
    pub strict_exports: bool,
    /// Paths for which the token lacks rights (2.2: C, W6W: such a token gets 401 like a bad one; PH expects 403 too).
    pub forbidden: Vec<Forbidden>,
    /// Whether `*_after` includes its instant (1.2, "not documented").
    pub after: Bound,
    /// Whether `*_before` includes its instant (1.2, "not documented").
    pub before: Bound,
    /// The order of an export's records (1.5: none, and a different one for each response, B).
    pub order: Order,
    /// How a server rounds the bounds of a window (1.2: not documented that they are exact to the millisecond).
    pub rounding: Rounding,
    /// What a 429 says about the wait (1.4, 2.1: nothing documented).
    pub retry_after: RetryAfter,
    /// The body of an exports error (1.4: `?`).
    pub error_body: ErrorBody,
    pub layout: Layout,
    pub encoding: Encoding,
    /// How the end of the body is marked (1.1: exports are chunked, B).
    pub framing: Framing,
    pub date: DateHeader,
    pub exports_latency: Duration,
    /// How long after the start no connection can be made: the kernel drops the attempts, so the client has to repeat them.
    pub unreachable_for: Duration,
    pub main_latency: Duration,
    /// How long a client may leave a body unread before the connection is closed; `None` is forever.
    pub write_timeout: Option<Duration>,
    /// The maximum number of bytes of a body in one write, and so in one chunk.
    pub write_bytes: usize,
    /// Optional fields of the main API without a value (2.3: omitted by the spec; doubt 11).
    pub absent: Absent,
    pub paging: Paging,
    pub analytics: Analytics,
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
            order: Order::Runs,
            rounding: Rounding::None,
            retry_after: RetryAfter::None,
            error_body: ErrorBody::Json,
            layout: Layout::Compact,
            encoding: Encoding::Identity,
            framing: Framing::Chunked,
            date: DateHeader::Correct,
            exports_latency: Duration::ZERO,
            unreachable_for: Duration::ZERO,
            main_latency: Duration::ZERO,
            write_timeout: None,
            write_bytes: 64 * 1024,
            absent: Absent::Omitted,
            paging: Paging::default(),
            analytics: Analytics::default(),
        }
    }
}

/// A path prefix that the correct token may not read, and the status of the refusal.
#[derive(Clone, Debug)]
pub struct Forbidden {
    pub path_prefix: String,
    pub status: u16,
}

/// Whether a bound's own millisecond is included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    Inclusive,
    Exclusive,
}

/// The order of an export's records, by `updated_at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Ascending runs, interleaved differently for each response (docs/dixa-api.md 1.5: a body of
    /// 30 days was 553 such runs, B). Pages, whose keys are offsets, are ascending.
    Runs,
    Ascending,
    Descending,
    /// The same shuffle every time.
    Shuffled,
}

/// How a server rounds the bounds of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// They are exact to the millisecond.
    None,
    /// Down and up to whole multiples of this many milliseconds.
    To(i64),
    /// The lower bound is rounded down to whole multiples, the upper one is exact.
    LowerTo(i64),
    /// Both are ignored: every response has everything.
    Ignored,
}

impl Rounding {
    /// The bounds that the server uses instead.
    pub fn apply(self, after: i64, before: i64) -> (i64, i64) {
        let floor = |at: i64, unit: i64| at.div_euclid(unit) * unit;
        match self {
            Self::None => (after, before),
            Self::To(unit) => (
                floor(after, unit),
                floor(before.saturating_add(unit - 1), unit),
            ),
            Self::LowerTo(unit) => (floor(after, unit), before),
            Self::Ignored => (i64::MIN / 2, i64::MAX / 2),
        }
    }
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

/// `Gzip` is used only if the request's `Accept-Encoding` includes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Identity,
    Gzip,
}

/// How the end of a body is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Chunked,
    /// `Content-Length`: the body is held in memory first, so not for bulk.
    Length,
}

/// The `Date` header of every response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateHeader {
    Correct,
    Absent,
    /// Off by this many seconds.
    Shifted(i64),
}

/// How an optional field without a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    Omitted,
    Null,
}

/// The paged lists (docs/dixa-api.md 2.3, doubt 12: sizes and the last page are documented
/// nowhere).
#[derive(Clone, Debug)]
pub struct Paging {
    /// Rows of a page without a `pageLimit`.
    pub default_size: usize,
    pub max_size: usize,
    pub above_max: AboveMax,
    pub next: NextLink,
    /// Whether the page key carries the filters (2.3, doubt 12).
    pub key_has_filters: bool,
    /// Whether the link repeats `pageLimit` along with `pageKey`.
    pub limit_in_link: bool,
    pub last: LastMeta,
    /// A page (0-based) that is empty and still has a next one.
    pub empty_page: Option<usize>,
    pub after_last: AfterLast,
    /// How many bytes are added to the end of every page key.
    pub key_padding: usize,
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
            after_last: AfterLast::Nothing,
            key_padding: 0,
        }
    }
}

/// What a `pageLimit` above the maximum gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AboveMax {
    /// 400 "Decoding failure in request".
    Refused,
    /// Smaller pages than requested.
    Capped,
}

/// The response after the last row; all but the first are for hostile tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterLast {
    /// The last page has no link.
    Nothing,
    /// Empty pages forever, each with a new key.
    EmptyPages,
    /// The first row again, and so on forever, each page with a new key.
    FirstRow,
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
    /// The second page's key on every page, forever.
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

/// `POST /v1/analytics/records` (docs/dixa-api.md 2.8: no response has been seen; doubts 19 to 24). What is not here is in
/// `Paging`.
#[derive(Clone, Debug)]
pub struct Analytics {
    pub filters: FilterRule,
    /// Maximum rows of a page.
    pub max_page: usize,
    pub above_max: AboveMax,
    /// Whether `pageLimit` is accepted at all; 400 otherwise.
    pub takes_page_limit: bool,
    pub next: NextPage,
    /// Whether the interval includes its first millisecond.
    pub start: Bound,
    /// Whether the interval includes the millisecond that it ends at.
    pub end: Bound,
    /// Whether each response has the keys and fields of its rows in another order than the one before.
    pub unstable_bytes: bool,
    /// Record ids of the catalogue that are refused, each with the status.
    pub refused: Vec<(String, u16)>,
    /// The status for a record id that is not in the catalogue.
    pub unknown_id: u16,
}

impl Default for Analytics {
    fn default() -> Self {
        Self {
            filters: FilterRule::Optional,
            max_page: 300,
            above_max: AboveMax::Refused,
            takes_page_limit: true,
            next: NextPage::MetaLink,
            start: Bound::Inclusive,
            end: Bound::Exclusive,
            unstable_bytes: false,
            refused: Vec::new(),
            unknown_id: 400,
        }
    }
}

/// Whether a request for analytics needs a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterRule {
    /// As SPEC says.
    Optional,
    /// 400 without one that has values, as Dixa's own clients expect.
    Required,
}

/// How a response names the next page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextPage {
    /// A link in `meta.next`, as lists have it.
    MetaLink,
    /// The key in a top-level `pageKey`, without `meta`.
    TopLevelKey,
    /// The key in `meta.next`.
    BareKeyInMeta,
}
