//! The doors of QNect: browsers, provider webhooks, configuration, the command line.
//!
//! Nothing is decided here. A request is read under its limits, becomes an input of the engine, and the engine's
//! decision becomes an answer; [`answer`] is the one table for that.

pub mod answer;
pub mod client;
pub mod commands;
pub mod config;
pub mod doors;
pub mod logging;
pub mod negotiate;
pub mod observe;
pub mod pages;
pub mod server;
pub mod settings;
