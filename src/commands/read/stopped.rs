//! Why a stream was not read to its end, and what befell it there.

use std::fmt::Display;

use crate::dixa::error::Error;
use crate::failure::Failure;
use crate::streams::Stream;

/// Why a stream was not read to its end.
#[derive(Clone, Debug)]
pub enum Stopped {
    Failed(Failure),
    /// Nobody reads the output any more, so nobody is to be told either.
    Closed,
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Stopped {
    /// By an error of Dixa's that befell this part of a stream, if it has parts: a window, an id. A refusal names what the token
    /// lacks the right to read.
    pub fn by(error: Error, stream: &Stream, part: Option<&dyn Display>) -> Self {
        let right = error
            .is_refusal()
            .then(|| format!(" (GET {})", stream.path));
        let part = part.map(|part| format!(", {part}"));
        let subject = [Some(stream.name.to_owned()), right, part];
        let subject: String = subject.into_iter().flatten().collect();
        match error {
            Error::Closed => Self::Closed,
            error => Self::Failed(Failure::from(error).about(&subject)),
        }
    }

    /// What was stopped, in front.
    pub fn about(self, subject: &str) -> Self {
        match self {
            Self::Failed(failure) => Self::Failed(failure.about(subject)),
            Self::Closed => Self::Closed,
        }
    }
}
