//! Airbyte's protocol: the messages we write, and the catalog and state we are given. Knows nothing about Dixa.

pub mod catalog;
pub mod log;
pub mod message;
pub mod state;
