//! A record: its bytes, its key and its cursor.

/// The maximum nesting depth that common parsers accept, including the record itself.
pub const COMMON_DEPTH: usize = 200;

/// A record as received, but without line breaks between its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    pub bytes: &'a [u8],
    /// The key's JSON token; `None` if it is missing or null.
    pub key: Option<&'a [u8]>,
    /// The cursor's JSON token; `None` if it is missing or null.
    pub cursor: Option<&'a [u8]>,
    /// Whether the record is `{}`.
    pub is_empty: bool,
    /// Whether a database or another parser may reject the record, so that [`crate::repair`] must check it: it has an escape of
    /// U+0000 or of a surrogate, a number that may be beyond the range of a double, or deep nesting.
    pub may_need_repair: bool,
    /// Whether it has a field that is not declared in [`crate::Fields`].
    pub has_undeclared: bool,
}

/// The role of a field in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub enum Role {
    Plain,
    /// None of the declared fields.
    Undeclared,
    Key,
    Cursor,
}
