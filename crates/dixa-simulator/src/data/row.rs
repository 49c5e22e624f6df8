//! One record of the account, with what the filters need to know about it.

use std::sync::Arc;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The id's raw JSON token: `17`, or `"93b8…"` with its quotes.
    pub key: String,
    /// What the time filter sees, in ms: `updated_at`, or `created_at` where that is null. Lists do not use it.
    pub at: i64,
    /// The bytes that are sent.
    pub json: Arc<str>,
}

impl Row {
    pub fn new(key: &str, at: i64, json: &str) -> Self {
        Self {
            key: key.to_owned(),
            at,
            json: json.into(),
        }
    }

    /// The id as text, without the quotes of its token.
    pub fn id(&self) -> &str {
        self.key.trim_matches('"')
    }

    /// A top-level integer field.
    pub fn time(&self, name: &str) -> Option<i64> {
        let record: serde_json::Value = serde_json::from_str(&self.json).ok()?;
        record.get(name)?.as_i64()
    }
}
