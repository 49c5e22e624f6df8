//! The rules: what Dixa accepts, refuses and answers. Knows the data, but no sockets.

mod activity_filter;
mod analytics;
pub mod authorization;
pub(crate) mod dixa;
pub mod endpoints;
mod exports;
pub mod faults;
pub mod host;
pub mod in_process;
mod lists;
mod metric_query;
mod order;
mod pages;
pub mod rate;
mod refusal;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod rules;
pub(crate) mod scenario;
pub mod switches;
