//! Whether a database is whole.
//!
//! [`preflight`] is asked before an engine may open one, [`offline`] looks at all of a folder that no engine has, [`live`] at
//! all of a store that serves. [`manifest`] and [`archive`] read what lsm-tree keeps beside its rows, [`rows`] the rows.

mod archive;
mod live;
mod lock;
mod manifest;
mod names;
mod offline;
mod preflight;
mod report;
mod rows;
mod shadow;

pub(crate) use live::Checks;
pub use live::VerifyError;
pub(crate) use lock::Lock;
pub use offline::verify;
pub(crate) use preflight::{Preflight, Proof};
pub use report::{Finding, Report};
pub(crate) use shadow::{SHADOWS, copy_journal};
