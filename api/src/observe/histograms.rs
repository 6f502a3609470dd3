//! Histograms that cost a request next to nothing: the buckets are counted when something is observed, each thread in cells
//! of its own. The exporter's own ones keep every sample until somebody folds them (metrics#467), and read a clock for each.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_utils::CachePadded;
use metrics::HistogramFn;

use super::series::{Lines, in_braces};
use crate::sharded::{SHARDS, here};

/// The upper bounds of the buckets of a histogram, ascending; one more is for what is above all of them.
pub(super) type Bounds = &'static [f64];

/// One histogram.
pub(super) struct Buckets {
    bounds: Bounds,
    shards: [CachePadded<Shard>; SHARDS],
}

/// What some threads observed.
struct Shard {
    counts: Vec<AtomicU64>,
    /// The bits of an `f64`.
    sum: AtomicU64,
}

impl Buckets {
    pub(super) fn new(bounds: Bounds) -> Self {
        let shard =
            |_| Shard { counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(), sum: AtomicU64::new(0) };
        Self { bounds, shards: std::array::from_fn(|nth| CachePadded::new(shard(nth))) }
    }
}

impl Lines for Buckets {
    const TYPE: &'static str = "histogram";

    fn write(&self, name: &str, labels: &str, text: &mut String) {
        let mut count = 0;
        for (at, bound) in self.bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]).enumerate() {
            count += self.shards.iter().map(|shard| shard.counts[at].load(Ordering::Relaxed)).sum::<u64>();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name}_bucket{{{labels}le=\"{bound}\"}} {count}");
        }
        let sum: f64 = self.shards.iter().map(|shard| f64::from_bits(shard.sum.load(Ordering::Relaxed))).sum();
        let labels = in_braces(labels);
        let _ = writeln!(text, "{name}_sum{labels} {sum}\n{name}_count{labels} {count}");
    }
}

impl HistogramFn for Buckets {
    fn record(&self, value: f64) {
        let shard = &self.shards[here()];
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        shard.counts[bucket].fetch_add(1, Ordering::Relaxed);
        let add = |sum| Some((f64::from_bits(sum) + value).to_bits());
        // It is always something.
        let _ = shard.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}

#[cfg(test)]
mod tests {
    use metrics::{Key, KeyName, Label};

    use super::*;
    use crate::observe::series::Series;

    fn of_bounds() -> Buckets {
        Buckets::new(&[0.001, 1.0, 2.5])
    }

    #[test]
    fn what_several_threads_observe_is_counted_once_and_up_to_each_bound() {
        let histograms = Series::default();
        histograms.describe(&KeyName::from_const_str("a_seconds"), "how long".into());
        let key = |label: &'static str| Key::from_parts("a_seconds", vec![Label::new("route", label)]);
        let (one, same) = (histograms.register(&key("/q"), of_bounds), histograms.register(&key("/q"), of_bounds));
        histograms.register(&key("o\"\\\n"), of_bounds).record(7.0);
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
        let histograms = Series::default();
        histograms.describe(&KeyName::from_const_str("never"), "".into());
        histograms.register(&Key::from_static_name("b"), || Buckets::new(&[])).record(2.0);
        assert_eq!(histograms.render(), "# TYPE b histogram\nb_bucket{le=\"+Inf\"} 1\nb_sum 2\nb_count 1\n\n");
    }
}
