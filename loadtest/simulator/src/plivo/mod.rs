//! Plivo's voice protocol as its own package and documentation have it: signatures, parameters, documents, causes.

pub(crate) mod cause;
pub(crate) mod document;
pub(crate) mod grammar;
pub(crate) mod params;
pub(crate) mod signing;
