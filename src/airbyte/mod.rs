//! Airbyte's shore: the protocol's messages, what it hands us (catalog, state), and the one way out. Knows nothing of Dixa.

pub mod catalog;
pub mod format;
pub mod keeper;
pub mod log;
pub mod message;
pub mod output;
pub mod state;
