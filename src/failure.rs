//! A failure as it is reported to the user: what happened, to what, and what to do.

/// Who can fix a failure. Maps to Airbyte's `failure_type` (docs/airbyte-protocol.md 5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The user: a rejected token, an invalid config, an invalid catalog.
    Config,
    /// The user: a command line that cannot be carried out (exit code 2).
    Usage,
    /// Dixa or the network. A later attempt may succeed.
    Transient,
    /// The developers: a bug in this program, or a response that it does not support.
    System,
}

/// One failure, reported once.
#[derive(Clone, Debug)]
pub struct Failure {
    pub kind: FailureKind,
    /// What it happened to: a file, a stream with its window. Empty if that is clear.
    pub subject: String,
    /// For the person who set up the source. Never contains a token, a body or a record.
    pub message: String,
    /// What that person can do about it.
    pub advice: Option<String>,
    /// The technical cause, for the developers. Never contains a token, a body or a record either.
    pub cause: Option<String>,
}

impl Failure {
    /// A failure that the user can fix.
    pub fn config(message: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Config,
            subject: String::new(),
            message: message.into(),
            advice: None,
            cause: None,
        }
    }

    /// A command line that cannot be carried out.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Usage,
            ..Self::config(message)
        }
    }

    /// A file that is not JSON: what was expected, and where. A syntax error holds nothing of the text.
    pub fn not_json(what: &str, error: &serde_json::Error) -> Self {
        let place = format!("line {}, column {}", error.line(), error.column());
        if error.is_eof() {
            let fault = match error.column() {
                0 if error.line() <= 1 => "it is empty".to_owned(),
                _ => format!("it is cut off ({place})"),
            };
            return Self::config(format!("The {what} is not valid JSON: {fault}."));
        }
        let error = error.to_string();
        let expected = match error.split(" at line ").next().unwrap_or_default() {
            "key must be a string" => {
                "expected a name in double quotes; JSON has no comments or single quotes"
            }
            expected => expected,
        };
        Self::config(format!(
            "The {what} is not valid JSON: {expected} ({place})."
        ))
    }

    /// A bug in this program.
    pub fn system(message: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::System,
            subject: String::new(),
            message: message.into(),
            advice: None,
            cause: None,
        }
    }

    /// What happened, and to what.
    pub fn headline(&self) -> String {
        if self.subject.is_empty() {
            self.message.clone()
        } else {
            format!("{}: {}", self.subject, self.message)
        }
    }

    /// The headline followed by the advice.
    pub fn text(&self) -> String {
        match &self.advice {
            Some(advice) => format!("{}. {advice}", self.headline()),
            None => self.headline(),
        }
    }

    #[must_use]
    pub fn with_cause(self, cause: &impl ToString) -> Self {
        Self {
            cause: Some(cause.to_string()),
            ..self
        }
    }

    #[must_use]
    pub fn with_advice(self, advice: impl Into<String>) -> Self {
        Self {
            advice: Some(advice.into()),
            ..self
        }
    }

    /// The same failure of something in this subject.
    #[must_use]
    pub fn context(self, subject: &str) -> Self {
        let subject = if self.subject.is_empty() {
            subject.to_owned()
        } else {
            format!("{subject}: {}", self.subject)
        };
        Self { subject, ..self }
    }
}
