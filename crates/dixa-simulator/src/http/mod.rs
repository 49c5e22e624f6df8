//! Sockets, requests and responses on the wire, and the log of them. What to answer is decided by `api::rules::judge`.

mod body_writer;
pub(crate) mod context;
mod control;
mod delivery;
mod exchange;
pub mod log;
mod receive;
mod send;
pub(crate) mod server;
mod stop;
