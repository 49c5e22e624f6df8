//! `spec`: prints `spec.json`.

use crate::airbyte::message::Message;
use crate::airbyte::output::Output;
use crate::config;

pub fn spec(output: &Output) {
    output.message(&Message::Spec {
        spec: &config::spec(),
    });
}
