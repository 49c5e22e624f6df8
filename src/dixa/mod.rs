//! Dixa's API: its two hosts, the requests to them, and the records in their responses. Knows nothing of Airbyte.

pub mod byte_order_mark;
pub mod client;
pub mod concurrency;
mod connect_error;
pub mod error;
pub mod event;
mod explanation;
pub mod fetch;
pub mod gzip;
pub mod host;
mod host_client;
pub mod next_page;
pub mod policy;
mod proxy;
pub mod rate_limit;
mod rate_limit_hits;
pub mod request;
pub mod response;
pub mod retry_budget;
pub mod sink;
pub mod timestamp;
mod tls;
pub mod token;
pub mod transport;
