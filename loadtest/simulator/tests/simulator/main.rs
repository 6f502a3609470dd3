//! The simulator against an engine of a few lines that plays scripted documents.

mod delivery;
mod engine;
mod faults;
mod leaks;
mod lines;
mod outage;
mod program;
mod rest;
mod scanner;
mod scripts;
mod signature;
mod strict;
mod twilio;
mod twiml;
