//! The doors of QNect: browsers, provider webhooks, configuration, the command line.
//!
//! Nothing is decided here. A request is read under its limits, becomes an input of the engine, and the engine's
//! decision becomes an answer; [`problem`] is the one table for what is not a success.

pub mod answer;
pub mod client;
pub mod commands;
pub mod config;
pub mod control;
pub mod doctor;
pub mod doors;
mod fields;
mod kept;
pub mod logging;
pub mod negotiate;
pub mod observe;
pub mod outbox;
pub mod pages;
pub mod problem;
pub mod process;
mod rate_limit;
pub mod server;
pub mod settings;
mod sharded;
pub mod sticker;
mod texts;
