//! The real binary, asked from outside: real sockets, a real folder, a telephone network of strangers.

mod bad_bodies;
mod bad_codes;
mod bad_heads;
mod bad_start;
mod bad_webhooks;
mod calls;
mod canary;
mod client;
mod demo;
mod folder;
mod import;
mod killed;
mod metrics;
mod operations;
mod plivo;
mod privacy_asked;
mod privacy_errors;
mod raw;
mod scan;
mod server;
mod sessions;
mod shutdown;
mod status;
mod webhooks;
