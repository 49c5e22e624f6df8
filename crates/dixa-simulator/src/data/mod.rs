//! What an account holds, as the exact bytes to send. Knows neither the rules nor sockets.

pub mod account;
mod activity;
pub mod bulk;
mod children;
pub mod clock;
pub mod conversation;
mod directory;
mod json;
mod knowledge;
pub mod large;
mod message;
pub(crate) mod pretty;
pub mod row;
pub mod settings;
