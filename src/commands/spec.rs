//! `spec`: prints `spec.json`.

use crate::airbyte::message::Message;
use crate::config;
use crate::output::Output;

pub fn spec(output: &Output) {
    output.message(&Message::Spec {
        spec: &config::spec(),
    });
}
