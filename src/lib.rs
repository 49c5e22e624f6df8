//! An Airbyte source for Dixa, the customer-service platform: see ARCHITECTURE.md.

pub mod airbyte;
pub mod checkpoint;
pub mod cli;
pub mod commands;
pub mod config;
pub mod dedup;
pub mod dixa;
pub mod epoch;
pub mod failure;
pub mod nearest;
pub mod output;
pub mod singer;
pub mod stdio;
pub mod streams;
pub mod window;
