//! A problem: where it is, which key, what is wrong, what to write.

use std::fmt;

/// Everything that is wrong with a configuration, in the order of the file, then of the variables and flags.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(problems))]
pub struct ConfigError {
    problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where the value came from.
    pub place: Place,
    /// The key's full name, like `numbers[0].provider`; empty when no key is concerned.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub write: String,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The file, at no particular line.
    File(String),
    /// A line of the file; both numbers begin at 1, the column counts characters.
    Line {
        /// The file's path as it was given.
        file: String,
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A command line flag.
    Flag(&'static str),
    /// Nowhere: the key is missing.
    Nowhere,
}

impl ConfigError {
    /// `problems` is not empty.
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by(|a, b| a.place.cmp(&b.place));
        Self { problems }
    }

    /// Problems of which nobody knows the place any more.
    pub(super) fn unplaced(findings: Vec<super::validate::Finding>) -> Self {
        Self::new(findings.into_iter().map(|finding| finding.at(Place::Nowhere)).collect())
    }

    /// At least one.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}; {}", self.what, self.write)
    }
}

/// With the colon and the space that stand after a place, so that nowhere is nothing at all.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{file}: "),
            Self::Line { file, line, column } => write!(f, "{file}:{line}:{column}: "),
            Self::Variable(name) => write!(f, "{name}: "),
            Self::Flag(name) => write!(f, "{name}: "),
            Self::Nowhere => Ok(()),
        }
    }
}
