//! Prometheus text, read.

use std::collections::BTreeSet;

/// What `/metrics` gave.
#[derive(Debug)]
pub(crate) struct Metrics(pub(crate) String);

/// One line: a name, its labels, a value.
struct Sample<'a> {
    name: &'a str,
    labels: Vec<(&'a str, &'a str)>,
    value: f64,
}

impl Metrics {
    /// The sum of a name's series that have these labels, 0 if there is none.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let is_it = |s: &Sample<'_>| s.name == name && labels.iter().all(|label| s.labels.contains(label));
        self.samples().filter(is_it).map(|s| s.value).sum()
    }

    /// The sum over all series of a name.
    pub(crate) fn sum(&self, name: &str) -> f64 {
        self.value(name, &[])
    }

    /// The label names of a metric's series, `le` of histograms apart; empty if it has no series.
    pub(crate) fn labels_of(&self, name: &str) -> BTreeSet<Vec<&str>> {
        let parts = ["", "_bucket", "_sum", "_count"].map(|part| format!("{name}{part}"));
        let samples = self.samples().filter(|s| parts.iter().any(|part| part == s.name));
        samples.map(|s| s.labels.into_iter().map(|(name, _)| name).filter(|name| *name != "le").collect()).collect()
    }

    /// Every series: its name, its labels with their values.
    pub(crate) fn series(&self) -> impl Iterator<Item = (&str, Vec<(&str, &str)>)> {
        self.samples().map(|sample| (sample.name, sample.labels))
    }

    /// Whether a metric has its `# HELP`.
    pub(crate) fn is_described(&self, name: &str) -> bool {
        self.0.lines().any(|line| line.starts_with(&format!("# HELP {name} ")))
    }

    fn samples(&self) -> impl Iterator<Item = Sample<'_>> {
        self.0.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(sample)
    }
}

fn sample(line: &str) -> Sample<'_> {
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("not a sample: {line}"));
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    // No label of ours holds a comma or an equals sign.
    let labels = labels.strip_suffix('}').unwrap_or_default().split(',').filter_map(|label| label.split_once('='));
    let labels = labels.map(|(name, value)| (name, value.trim_matches('"'))).collect();
    Sample { name, labels, value: value.parse().unwrap_or_else(|e| panic!("{line}: {e}")) }
}
