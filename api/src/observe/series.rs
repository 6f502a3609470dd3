//! All counters, or all histograms, of the process: by name and labels, and shown in the text format of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{Key, KeyName, SharedString};

/// One counter, or one histogram, that writes its own lines.
pub(super) trait Lines {
    /// Its type in the text format.
    const TYPE: &'static str;

    /// Appends its lines to `text`. `labels` are written out, and each ends in a comma.
    fn write(&self, name: &str, labels: &str, text: &mut String);
}

/// All of one type.
pub(super) struct Series<T> {
    kinds: Mutex<BTreeMap<String, Kind<T>>>,
}

/// Those of one name.
struct Kind<T> {
    help: SharedString,
    of_labels: BTreeMap<Vec<(String, String)>, Arc<T>>,
}

impl<T> Default for Series<T> {
    fn default() -> Self {
        Self { kinds: Mutex::default() }
    }
}

impl<T> Clone for Kind<T> {
    fn clone(&self) -> Self {
        Self { help: self.help.clone(), of_labels: self.of_labels.clone() }
    }
}

impl<T> Default for Kind<T> {
    fn default() -> Self {
        Self { help: SharedString::default(), of_labels: BTreeMap::new() }
    }
}

impl<T: Lines> Series<T> {
    pub(super) fn describe(&self, name: &KeyName, help: SharedString) {
        self.kinds().entry(name.as_str().to_owned()).or_default().help = help;
    }

    /// The one with this name and these labels, made if it is new.
    pub(super) fn register(&self, key: &Key, make: impl FnOnce() -> T) -> Arc<T> {
        let mut labels: Vec<_> = key.labels().map(|l| (l.key().to_owned(), l.value().to_owned())).collect();
        labels.sort();
        let mut kinds = self.kinds();
        let kind = kinds.entry(key.name().to_owned()).or_default();
        kind.of_labels.entry(labels).or_insert_with(|| Arc::new(make())).clone()
    }

    /// All of them in the text format of Prometheus. What is only described is not shown.
    pub(super) fn render(&self) -> String {
        // Nobody waits for the text who only looks one up.
        let kinds = self.kinds().clone();
        let mut text = String::new();
        for (name, kind) in kinds.iter().filter(|(_, kind)| !kind.of_labels.is_empty()) {
            // Writing to a string cannot fail.
            if !kind.help.is_empty() {
                let _ = writeln!(text, "# HELP {name} {}", kind.help);
            }
            let _ = writeln!(text, "# TYPE {name} {}", T::TYPE);
            for (labels, one) in &kind.of_labels {
                let labels: String = labels.iter().map(|(k, v)| format!("{k}=\"{}\",", escaped(v))).collect();
                one.write(name, &labels, &mut text);
            }
            text.push('\n');
        }
        text
    }

    fn kinds(&self) -> MutexGuard<'_, BTreeMap<String, Kind<T>>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Labels of which each ends in a comma, as they stand behind a name.
pub(super) fn in_braces(labels: &str) -> String {
    labels.strip_suffix(',').map(|labels| format!("{{{labels}}}")).unwrap_or_default()
}

/// A label's value as the text format wants it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
