//! Dixa's two hosts.

/// Dixa's two hosts. One port serves both, so the path decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// `exports.dixa.io`: `/v1/conversation_export` and `/v1/message_export`, no others
    /// (docs/dixa-api.md 1.1: A).
    Exports,
    /// `dev.dixa.io`.
    Main,
    /// The simulator's own `/simulator/…`.
    Control,
}

impl Host {
    pub fn of(path: &str) -> Self {
        match path {
            "/v1/conversation_export" | "/v1/message_export" => Self::Exports,
            _ if path.starts_with("/simulator/") => Self::Control,
            _ => Self::Main,
        }
    }
}
