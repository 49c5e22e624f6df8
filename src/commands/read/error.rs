//! Why a stream was not read to its end, and in which part of it that happened.

use std::fmt::Display;

use crate::dixa::error::Error;
use crate::failure::Failure;
use crate::streams::stream::Stream;

/// Why a stream was not read to its end.
#[derive(Clone, Debug)]
pub enum ReadError {
    Failed(Failure),
    /// The reader of the output has closed it, so nothing can be reported.
    OutputClosed,
}

impl From<Failure> for ReadError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl ReadError {
    /// A Dixa error in this part of a stream, if it has parts: a window, an id. If the token is refused, the message names
    /// the endpoint that it may not read.
    pub fn new(error: Error, stream: &Stream, part: Option<&dyn Display>) -> Self {
        let endpoint = error
            .is_access_denied()
            .then(|| format!(" ({} {})", stream.method.name(), stream.path));
        let part = part.map(|part| format!(", {part}"));
        let subject = [Some(stream.name.to_owned()), endpoint, part];
        let subject: String = subject.into_iter().flatten().collect();
        match error {
            Error::Closed => Self::OutputClosed,
            error => Self::Failed(Failure::from(error).context(&subject)),
        }
    }

    /// The same error, its message preceded by what it happened to.
    pub fn context(self, subject: &str) -> Self {
        match self {
            Self::Failed(failure) => Self::Failed(failure.context(subject)),
            Self::OutputClosed => Self::OutputClosed,
        }
    }
}
