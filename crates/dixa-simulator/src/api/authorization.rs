//! In what form a request carries the token.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::request::Request;

/// The form of the `authorization` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorization {
    /// `Bearer <token>`, in any case of `bearer`.
    Bearer,
    /// `<token>` alone.
    Bare,
    /// `Basic base64("bearer:" + token)`.
    Basic,
    None,
    /// Some other text.
    Wrong,
}

impl Authorization {
    /// In what form the request carries the token.
    pub fn of(request: &Request, token: &str) -> Self {
        let Some(value) = request.header("authorization") else {
            return Self::None;
        };
        let (scheme, credentials) = value.split_once(' ').unwrap_or(("", value));
        if value == token {
            Self::Bare
        } else if scheme.eq_ignore_ascii_case("bearer") && credentials == token {
            Self::Bearer
        } else if scheme.eq_ignore_ascii_case("basic")
            && credentials == BASE64_STANDARD.encode(format!("bearer:{token}"))
        {
            Self::Basic
        } else {
            Self::Wrong
        }
    }
}
