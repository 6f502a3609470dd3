//! The one recorder of the process: counters and gauges are the exporter's, histograms our own.

use std::sync::Arc;

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SetRecorderError, SharedString, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::histograms::{Bounds, Histograms};

/// What is recorded, and what shows it.
struct Recording {
    exporter: PrometheusRecorder,
    histograms: Arc<Histograms>,
    bounds: fn(&str) -> Bounds,
}

/// Everything that was recorded so far. Cheap to clone.
#[derive(Clone)]
pub struct Shown {
    exporter: PrometheusHandle,
    histograms: Arc<Histograms>,
}

/// Installs the recorder, once for the process; `bounds` are those of the buckets of a histogram with this name.
pub(super) fn install(bounds: fn(&str) -> Bounds) -> Result<Shown, SetRecorderError<impl Recorder + Sync>> {
    let (exporter, histograms) = (PrometheusBuilder::new().build_recorder(), Arc::<Histograms>::default());
    let shown = Shown { exporter: exporter.handle(), histograms: histograms.clone() };
    metrics::set_global_recorder(Recording { exporter, histograms, bounds })?;
    Ok(shown)
}

impl Shown {
    /// The text format of Prometheus.
    pub fn render(&self) -> String {
        self.exporter.render() + &self.histograms.render()
    }
}

impl Recorder for Recording {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.exporter.describe_counter(key, unit, description);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.exporter.describe_gauge(key, unit, description);
    }

    fn describe_histogram(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.histograms.describe(&key, description);
    }

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        self.exporter.register_counter(key, metadata)
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.exporter.register_gauge(key, metadata)
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.histograms.register(key, (self.bounds)(key.name())))
    }
}
