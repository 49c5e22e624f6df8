//! A local Dixa on one loopback port: generated data, the rules with their sources, faults on request, a request log.
//! It is a judge: it refuses what Dixa refuses.
//! Modules import downwards only: `http` from `api`, `api` from `data`, `data` from neither.

/// The rules: what Dixa accepts, refuses and answers. No sockets.
pub mod api;
/// What an account holds, as the exact bytes to send.
pub mod data;
/// Sockets, requests and responses on the wire, and the log of them.
pub mod http;
mod simulator;

pub use api::scenario::Scenario;
pub use simulator::Simulator;
