//! From the three sources to a typed configuration, with every problem on the way.

use std::path::Path;

use serde::Deserialize;

use super::layers::{Layers, Origins, Overrides};
use super::problem::{ConfigError, Problem};
use super::validate::{self, Finding};
use super::{Config, schema, secret_files};

/// What a reading came to.
pub(super) struct Reading {
    /// `None` only if there are problems; with problems, the keys that have one are at their default.
    config: Option<Config>,
    problems: Vec<Problem>,
    pub(super) origins: Origins,
}

pub(super) fn read(file: Option<&Path>, env: impl Iterator<Item = (String, String)>, flags: &Overrides) -> Reading {
    let Layers { mut table, origins, mut problems } = Layers::new(file, env, flags);
    schema::check(&mut table, &origins, &mut problems);
    secret_files::read_into(&mut table, &origins, &mut problems);

    let config = match Config::deserialize(table) {
        Ok(config) => Some(config),
        // A required key was taken out because it is wrong, and that has been said.
        Err(_) if !problems.is_empty() => None,
        Err(error) => {
            problems.push(origins.problem("", error.message(), "compare with `config example`"));
            None
        }
    };
    let mut reading = Reading { config, problems, origins };
    reading.judge(validate::findings);
    reading
}

impl Reading {
    /// Adds what `judge` finds, but nothing about a key that already has a problem: its default is not what was meant.
    pub(super) fn judge(&mut self, judge: impl FnOnce(&Config) -> Vec<Finding>) {
        let findings = self.config.as_ref().map(judge).unwrap_or_default();
        for finding in findings {
            if self.problems.iter().all(|problem| problem.key != finding.key) {
                let place = self.origins.place(&finding.key);
                self.problems.push(finding.at(place));
            }
        }
    }

    /// What was read; with problems, the keys that have one are at their default.
    pub(super) fn config(&self) -> Option<&Config> {
        self.config.as_ref()
    }

    /// The problems, the origins staying where they are.
    pub(super) fn verdict(&self) -> Result<(), ConfigError> {
        if self.problems.is_empty() { Ok(()) } else { Err(ConfigError::new(self.problems.clone())) }
    }

    pub(super) fn into_config(self) -> Result<Config, ConfigError> {
        match self.config {
            Some(config) if self.problems.is_empty() => Ok(config),
            _ => Err(ConfigError::new(self.problems)),
        }
    }
}
