//! Why a body could not be split into records.

use thiserror::Error;

/// Why a body could not be split into records; the text completes "the response cannot be used: …".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SplitError {
    /// The bytes are not JSON; says where the grammar was left.
    #[error("it is not JSON ({0})")]
    NotJson(&'static str),
    /// A record, or the frame around the records, is not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// An array was expected, or the declared envelope around one.
    #[error("it holds no list of records where one was expected")]
    NoArray,
    /// The one record was expected, or the declared envelope around it.
    #[error("it holds no record where one was expected")]
    NoRecordThere,
    /// An element of the array is not an object.
    #[error("an element of its list is not an object")]
    NoObject,
    /// Containers are nested more than [`crate::MAX_DEPTH`] deep.
    #[error("it nests deeper than 512 levels")]
    TooDeep,
    /// One record is larger than [`crate::MAX_RECORD`].
    #[error("one record is larger than 64 MB")]
    RecordTooLarge,
    /// The frame is larger than [`crate::MAX_ENVELOPE`].
    #[error("what surrounds its records is larger than 1 MB")]
    EnvelopeTooLarge,
    /// Whitespace, or something else that is not a record, without end.
    #[error("64 MB of it held no record")]
    NoRecord,
    /// The body ended before its JSON did.
    #[error("it ended too early")]
    Unfinished,
    /// The body continues after its JSON ended.
    #[error("it continues after its end")]
    Trailing,
}

impl SplitError {
    /// The same request would return the same body: trying again does not help.
    pub fn is_permanent(self) -> bool {
        matches!(
            self,
            Self::TooDeep | Self::RecordTooLarge | Self::EnvelopeTooLarge
        )
    }
}
