//! The operations listener: liveness, readiness, metrics. Never on the public one.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use qnect_storage::Storage;
use tokio::sync::watch;

use crate::observe::Shown;
use crate::process::Process;

/// What the operations listener tells about.
pub struct Operations {
    /// Renders all metrics.
    pub metrics: Shown,
    /// What the operating system counts of this process.
    pub process: Process,
    /// The store.
    pub storage: Arc<Storage>,
    /// True once the process drains.
    pub draining: watch::Receiver<bool>,
}

/// One commit that takes longer makes the process unready. A disk that is alive takes well below a second.
const COMMIT_READY_MAX: Duration = Duration::from_secs(10);

impl Operations {
    /// What readiness hangs on, and whether it is so.
    fn checks(&self) -> [(&'static str, bool); 3] {
        [
            ("storage", !*self.storage.failed().borrow()),
            ("commits", self.storage.commit_under_way() < COMMIT_READY_MAX),
            ("not_draining", !*self.draining.borrow()),
        ]
    }

    /// All metrics; those that are a look at something are taken now.
    fn render(&self) -> String {
        for (check, ok) in self.checks().into_iter().chain([("disk_space", self.storage.has_space())]) {
            metrics::gauge!("qnect_check_passed", "check" => check).set(f64::from(u8::from(ok)));
        }
        // A commit thread that hangs tells nothing.
        metrics::gauge!("qnect_commit_under_way_seconds").set(self.storage.commit_under_way().as_secs_f64());
        metrics::gauge!("qnect_commit_queue_records").set(self.storage.commit_queue_depth() as f64);
        self.process.look();
        self.metrics.render()
    }
}

/// The operations listener's routes.
pub fn operations(state: Arc<Operations>) -> Router {
    Router::new()
        .route("/livez", get(async || "live\n"))
        .route("/readyz", get(ready))
        .route("/startupz", get(ready))
        .route("/metrics", get(async |State(o): State<Arc<Operations>>| o.render()))
        .with_state(state)
}

async fn ready(State(operations): State<Arc<Operations>>, RawQuery(query): RawQuery) -> Response {
    let checks = operations.checks();
    let all = checks.iter().all(|(_, ok)| *ok);
    let mut text = String::from(if all { "ready\n" } else { "not ready\n" });
    if query.is_some_and(|q| q.split('&').any(|p| p == "verbose" || p.starts_with("verbose="))) {
        for (name, ok) in checks {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name}: {}", if ok { "ok" } else { "failed" });
        }
        // No reason to send the webhooks of calls that are on elsewhere.
        let has_space = operations.storage.has_space();
        let _ = writeln!(text, "disk_space: {}", if has_space { "ok" } else { "low, new sessions are refused" });
    }
    let status = if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, text).into_response()
}
