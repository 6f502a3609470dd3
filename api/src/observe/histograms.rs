//! Histograms that cost a request next to nothing: the buckets are counted when something is observed, each thread in cells
//! of its own. The exporter's own ones keep every sample until somebody folds them (metrics#467), and read a clock for each.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{HistogramFn, Key, KeyName, SharedString};

/// Threads whose counts are kept apart; more of them share.
const SHARDS: usize = 16;

/// The upper bounds of the buckets of a histogram, ascending; one more is for what is above all of them.
pub(super) type Bounds = &'static [f64];

/// All histograms of the process.
#[derive(Default)]
pub(super) struct Histograms {
    kinds: Mutex<BTreeMap<String, Kind>>,
}

/// Those of one name.
#[derive(Default)]
struct Kind {
    help: SharedString,
    of_labels: BTreeMap<Vec<(String, String)>, Arc<Buckets>>,
}

/// One histogram.
struct Buckets {
    bounds: Bounds,
    shards: [Shard; SHARDS],
}

/// What some threads observed. Alone on its cache lines.
#[repr(align(128))]
struct Shard {
    counts: Vec<AtomicU64>,
    /// The bits of an `f64`.
    sum: AtomicU64,
}

thread_local! {
    static SHARD: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS
    };
}

impl Histograms {
    pub(super) fn describe(&self, name: &KeyName, help: SharedString) {
        self.kinds().entry(name.as_str().to_owned()).or_default().help = help;
    }

    /// The histogram with this name and these labels; of the first one of a kind the bounds hold.
    pub(super) fn register(&self, key: &Key, bounds: Bounds) -> Arc<impl HistogramFn + use<>> {
        let mut labels: Vec<_> = key.labels().map(|l| (l.key().to_owned(), l.value().to_owned())).collect();
        labels.sort();
        let mut kinds = self.kinds();
        let kind = kinds.entry(key.name().to_owned()).or_default();
        kind.of_labels.entry(labels).or_insert_with(|| Arc::new(Buckets::new(bounds))).clone()
    }

    /// All of them in the text format of Prometheus.
    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        for (name, kind) in &*self.kinds() {
            if kind.of_labels.is_empty() {
                continue;
            }
            // Writing to a string cannot fail.
            let _ = writeln!(text, "# HELP {name} {}\n# TYPE {name} histogram", kind.help);
            for (labels, buckets) in &kind.of_labels {
                let labels: String = labels.iter().map(|(k, v)| format!("{k}=\"{}\",", escaped(v))).collect();
                buckets.render(name, &labels, &mut text);
            }
            text.push('\n');
        }
        text
    }

    fn kinds(&self) -> MutexGuard<'_, BTreeMap<String, Kind>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buckets {
    fn new(bounds: Bounds) -> Self {
        let shard =
            |_| Shard { counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(), sum: AtomicU64::new(0) };
        Self { bounds, shards: std::array::from_fn(shard) }
    }

    /// `labels` end in a comma.
    fn render(&self, name: &str, labels: &str, text: &mut String) {
        let mut count = 0;
        for (at, bound) in self.bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]).enumerate() {
            count += self.shards.iter().map(|shard| shard.counts[at].load(Ordering::Relaxed)).sum::<u64>();
            let _ = writeln!(text, "{name}_bucket{{{labels}le=\"{bound}\"}} {count}");
        }
        let sum: f64 = self.shards.iter().map(|shard| f64::from_bits(shard.sum.load(Ordering::Relaxed))).sum();
        let labels = labels.strip_suffix(',').map(|labels| format!("{{{labels}}}")).unwrap_or_default();
        let _ = writeln!(text, "{name}_sum{labels} {sum}\n{name}_count{labels} {count}");
    }
}

impl HistogramFn for Buckets {
    fn record(&self, value: f64) {
        let shard = &self.shards[SHARD.with(|shard| *shard)];
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        shard.counts[bucket].fetch_add(1, Ordering::Relaxed);
        let add = |sum| Some((f64::from_bits(sum) + value).to_bits());
        // It is always something.
        let _ = shard.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}

/// A label's value as the text format wants it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use metrics::Label;

    use super::*;

    const BOUNDS: Bounds = &[0.001, 1.0, 2.5];

    #[test]
    fn what_several_threads_observe_is_counted_once_and_up_to_each_bound() {
        let histograms = Histograms::default();
        histograms.describe(&KeyName::from_const_str("a_seconds"), "how long".into());
        let key = |label: &'static str| Key::from_parts("a_seconds", vec![Label::new("route", label)]);
        let (one, same) = (histograms.register(&key("/q"), BOUNDS), histograms.register(&key("/q"), BOUNDS));
        histograms.register(&key("o\"\\\n"), BOUNDS).record(7.0);
        std::thread::scope(|scope| {
            // A bound belongs to its bucket.
            scope.spawn(|| [0.001, 0.5].map(|value| one.record(value)));
            scope.spawn(|| same.record_many(2.5, 40));
        });
        let expected = r#"# HELP a_seconds how long
# TYPE a_seconds histogram
a_seconds_bucket{route="/q",le="0.001"} 1
a_seconds_bucket{route="/q",le="1"} 2
a_seconds_bucket{route="/q",le="2.5"} 42
a_seconds_bucket{route="/q",le="+Inf"} 42
a_seconds_sum{route="/q"} 100.501
a_seconds_count{route="/q"} 42
a_seconds_bucket{route="o\"\\\n",le="0.001"} 0
a_seconds_bucket{route="o\"\\\n",le="1"} 0
a_seconds_bucket{route="o\"\\\n",le="2.5"} 0
a_seconds_bucket{route="o\"\\\n",le="+Inf"} 1
a_seconds_sum{route="o\"\\\n"} 7
a_seconds_count{route="o\"\\\n"} 1

"#;
        assert_eq!(histograms.render(), expected);
    }

    #[test]
    fn without_labels_there_are_no_braces_and_what_is_only_described_is_not_shown() {
        let histograms = Histograms::default();
        histograms.describe(&KeyName::from_const_str("never"), "".into());
        histograms.register(&Key::from_static_name("b"), &[]).record(2.0);
        assert_eq!(
            histograms.render(),
            "# HELP b \n# TYPE b histogram\nb_bucket{le=\"+Inf\"} 1\nb_sum 2\nb_count 1\n\n"
        );
    }
}
