//! The API token, which only request headers and redaction may read.

use std::fmt;

use crate::dixa::host::Host;

/// In what form a request carries the token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenForm {
    /// The form that the host is known to accept.
    #[default]
    Usual,
    /// `Bearer <token>`.
    Bearer,
    /// The token alone.
    Bare,
}

/// An API token. It is sent in the header of a request and goes nowhere else.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The `Authorization` header's value. The usual form is `Bearer` on the Exports API, and the bare token on the main API
    /// (docs/dixa-api.md 1.3 and 2.1).
    pub(super) fn authorization(&self, host: Host, form: TokenForm) -> String {
        match (form, host) {
            (TokenForm::Usual, Host::Exports) | (TokenForm::Bearer, _) => {
                format!("Bearer {}", self.0)
            }
            (TokenForm::Usual, Host::Api) | (TokenForm::Bare, _) => self.0.clone(),
        }
    }

    /// The secret itself, for redaction only.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_prints_as_stars() {
        assert_eq!(format!("{:?}", Token::new("tok3n-9f86d081")), "***");
    }
}
