//! One record: its bytes, and the two of its values that anybody looks at.

/// One record as it came, line breaks between its tokens taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    pub bytes: &'a [u8],
    /// The key's JSON token; `None` where it is missing or null.
    pub key: Option<&'a [u8]>,
    /// The cursor's JSON token; `None` where it is missing or null.
    pub cursor: Option<&'a [u8]>,
    /// The record is `{}`.
    pub is_empty: bool,
}
