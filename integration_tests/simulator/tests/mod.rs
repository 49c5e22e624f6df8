//! The simulator judged by raw requests: a judge must be judged first.

mod answers;
mod client;
mod faults;
mod lists;
mod openapi;
mod pages;
mod rules;
