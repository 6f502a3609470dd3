//! On what machine a run was made, and how busy that was before it: figures without it say nothing.

use std::fs;

use serde::Serialize;

/// One machine, as Linux tells of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) model: String,
    /// Of the last minute before the run, what others asked of it included.
    pub(crate) load_before: Option<f64>,
}

impl Machine {
    /// This one, now.
    pub(crate) fn look() -> Machine {
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Machine {
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            model: model(&cpus).unwrap_or("unknown processor").to_owned(),
            load_before: load.split(' ').next().and_then(|load| load.parse().ok()),
        }
    }

    pub(crate) fn line(&self) -> String {
        let load = self.load_before.map_or_else(|| "unknown".to_owned(), |load| format!("{load:.2}"));
        format!("{} cores, {}, load {load} before the run", self.cores, self.model)
    }
}

fn model(cpus: &str) -> Option<&str> {
    let line = cpus.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim())
}

#[cfg(test)]
mod tests {
    use super::{Machine, model};

    #[test]
    fn a_processor_is_named() {
        assert_eq!(model("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nmodel\t: 1\n"), Some("Some CPU @ 2 GHz"));
        assert_eq!(model(""), None);
        assert!(Machine::look().cores > 0);
    }
}
