//! What a person is told when something asked for could not be done.

/// Whose turn it is: Airbyte's `failure_type` follows from it (airbyte.md 5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The user can mend it: a refused token, a bad config, a bad catalog.
    Config,
    /// Dixa or the network; a later try may succeed.
    Transient,
    /// A fault of this program, or an answer that it was not made for.
    System,
}

/// One cause, told once: what happened, to what, and what to do.
#[derive(Clone, Debug)]
pub struct Failure {
    pub kind: FailureKind,
    /// For the person who set the source up. Never holds a token, a body or a record.
    pub message: String,
    /// The technical chain behind it, for those who mend this program. The same rule holds.
    pub cause: Option<String>,
}

impl Failure {
    /// A failure that the user can mend.
    pub fn config(message: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Config,
            message: message.into(),
            cause: None,
        }
    }

    /// A fault of this program.
    pub fn system(message: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::System,
            message: message.into(),
            cause: None,
        }
    }

    #[must_use]
    pub fn because(self, cause: &impl ToString) -> Self {
        Self {
            cause: Some(cause.to_string()),
            ..self
        }
    }

    /// The same failure with what it befell in front.
    #[must_use]
    pub fn about(self, subject: &str) -> Self {
        Self {
            message: format!("{subject}: {}", self.message),
            ..self
        }
    }
}
