//! The one recorder of the process: gauges are the exporter's, counters and histograms our own.

use std::sync::Arc;

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SetRecorderError, SharedString, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::counts::Count;
use super::histograms::{Bounds, Buckets};
use super::series::Series;

/// What is recorded, and what shows it.
struct Recording {
    exporter: PrometheusRecorder,
    counts: Arc<Series<Count>>,
    histograms: Arc<Series<Buckets>>,
    bounds: fn(&str) -> Bounds,
}

/// Everything that was recorded so far. Cheap to clone.
#[derive(Clone)]
pub struct Shown {
    exporter: PrometheusHandle,
    counts: Arc<Series<Count>>,
    histograms: Arc<Series<Buckets>>,
}

/// Installs the recorder, once for the process; `bounds` are those of the buckets of a histogram with this name.
pub(super) fn install(bounds: fn(&str) -> Bounds) -> Result<Shown, SetRecorderError<impl Recorder + Sync>> {
    let exporter = PrometheusBuilder::new().build_recorder();
    let shown = Shown { exporter: exporter.handle(), counts: Arc::default(), histograms: Arc::default() };
    let (counts, histograms) = (shown.counts.clone(), shown.histograms.clone());
    metrics::set_global_recorder(Recording { exporter, counts, histograms, bounds })?;
    Ok(shown)
}

impl Shown {
    /// The text format of Prometheus.
    pub fn render(&self) -> String {
        [self.counts.render(), self.exporter.render(), self.histograms.render()].concat()
    }
}

impl Recorder for Recording {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.counts.describe(&key, description);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.exporter.describe_gauge(key, unit, description);
    }

    fn describe_histogram(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.histograms.describe(&key, description);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.counts.register(key, Count::default))
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.exporter.register_gauge(key, metadata)
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.histograms.register(key, || Buckets::new((self.bounds)(key.name()))))
    }
}
