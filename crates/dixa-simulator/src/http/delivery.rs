//! How a response is sent, and how the connection goes on after it.

use super::stop::StopSignal;
use crate::api::faults::Kind;
use crate::api::switches::Switches;

/// How a response is sent.
pub struct SendOptions<'a> {
    pub switches: &'a Switches,
    pub stop: &'a StopSignal,
    pub fault: Option<&'a Kind>,
    pub accepts_gzip: bool,
}

/// How the connection goes on after a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    KeepAlive,
    Close,
    Reset,
}
