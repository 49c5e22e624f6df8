//! `probe` tells the truth about Dixa, whatever Dixa is like, within its limits, and nothing about the account.

mod analytics;
mod canaries;
mod command;
mod dixa;
mod settings;
mod truth;
