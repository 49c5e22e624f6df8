//! What an account holds, as the exact bytes to send. Knows neither the rules nor sockets.

pub mod account;
mod activity;
pub mod analytics;
pub mod answers;
pub mod bulk;
pub mod cast;
mod children;
pub mod clock;
pub mod conversation;
mod directory;
mod hours;
mod json;
mod knowledge;
pub mod large;
mod message;
mod metric_catalogue;
pub mod metric_record;
mod plot;
pub(crate) mod pretty;
pub mod row;
pub mod settings;
mod steps;
pub mod story;
mod texts;
