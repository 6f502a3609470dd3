//! The real binary, asked from outside: real sockets, a real folder, a telephone network of strangers.

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
mod scan;
mod server;
mod sessions;
mod shutdown;
mod status;
mod webhooks;
