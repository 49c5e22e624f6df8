//! The simulator judged by raw requests: a judge must be judged first.

mod answers;
mod client;
mod faults;
mod pages;
mod rules;
