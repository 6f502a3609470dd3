//! What a verification found.

use std::fmt;

use crate::error::{Damage, StorageError};
use crate::layout::Space;
use crate::logical::LogicalHash;

/// Findings that a report lists; more are counted.
const FINDINGS_MAX: usize = 1_000;

/// One thing that is wrong. It names no person, and quotes nothing that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where: a file, or a keyspace and the beginning of a key.
    pub place: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place, self.what, self.remedy)
    }
}

/// What was looked at, and what is wrong with it.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The number of the last commit.
    pub commit: u64,
    /// The last commit that is known to have been safe, by the mark and by the journals.
    pub safe: u64,
    /// The tables whose every byte was read.
    pub tables: u64,
    /// Rows, by keyspace.
    pub rows: Vec<(&'static str, u64)>,
    /// Rows of people who were erased: what is sealed in them opens no more.
    pub erased: u64,
    /// Data keys: people.
    pub people: usize,
    /// Day keys.
    pub days: usize,
    /// What the store holds; absent when not all of it could be read.
    pub logical: Option<LogicalHash>,
    /// What is wrong, in the order in which it was found.
    pub findings: Vec<Finding>,
    /// What is wrong beyond those.
    pub more_findings: u64,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    pub(super) fn find(&mut self, finding: Finding) {
        if self.findings.contains(&finding) {
            return;
        }
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.more_findings += 1;
        }
    }

    /// Something of the database as a whole.
    pub(super) fn find_error(&mut self, error: &StorageError) {
        self.find(match error {
            StorageError::Damaged(Damage { path, at, what, remedy }) => Finding {
                place: match at {
                    Some(at) => format!("{} at byte {at}", path.display()),
                    None => path.display().to_string(),
                },
                what: what.clone(),
                remedy: remedy.to_string(),
            },
            StorageError::Keys(error) => Finding {
                place: "the key table".to_owned(),
                what: error.to_string(),
                remedy: "put the key table back that belongs to this database, from its own backup".to_owned(),
            },
            other => {
                let text = other.to_string();
                let (what, remedy) = text.split_once("; ").unwrap_or((&text, RESTORE));
                Finding { place: "the store".to_owned(), what: what.to_owned(), remedy: remedy.to_owned() }
            }
        });
    }

    /// Something of one row.
    pub(super) fn find_row(&mut self, space: Space, key: &[u8], what: impl Into<String>) {
        // Behind its first eight bytes, a session's key is a secret.
        let shown: String = key.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let place = format!("`{}` {shown}", space.name());
        self.find(Finding { place, what: what.into(), remedy: RESTORE.to_owned() });
    }
}

const RESTORE: &str = "restore a backup";
