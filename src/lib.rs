//! An Airbyte source for Dixa, the customer-service platform: see ARCHITECTURE.md.

pub mod airbyte;
pub mod checkpoint;
pub mod cli;
pub mod commands;
pub mod config;
pub mod dixa;
pub mod epoch;
pub mod failure;
pub mod seam;
pub mod streams;
pub mod terminal;
pub mod window;
