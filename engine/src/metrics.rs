//! The engine's metrics: handles resolved once, labels only from closed sets.

use metrics::{Counter, Gauge, Histogram, Unit, describe_counter, describe_gauge, describe_histogram};
use qnect_core::abuse::{Signal, SignalSet};
use qnect_core::facts::Outcome;
use qnect_core::scan::Verdict;

/// Handles of everything that the engine counts.
pub(crate) struct Metrics {
    scans: [Counter; 4],
    outcomes: [Counter; 7],
    signals: [Counter; Signal::ALL.len()],
    sessions_displaced: Counter,
    pub(crate) scan_decision_seconds: Histogram,
    pub(crate) session_to_ring_seconds: Histogram,
    pub(crate) session_to_talk_seconds: Histogram,
    pub(crate) sessions_opened: Counter,
    pub(crate) sessions_limited: Counter,
    pub(crate) sessions_refused: Counter,
    pub(crate) sessions_exhausted: Counter,
    pub(crate) sessions_overloaded: Counter,
    pub(crate) sessions_open: Gauge,
    pub(crate) tag_actors: Gauge,
    pub(crate) tag_actor_panics: Counter,
    pub(crate) visits_refused: Counter,
    pub(crate) scan_records_dropped: Counter,
    pub(crate) revivals: Counter,
    pub(crate) stays: Counter,
    pub(crate) dials_withheld: Counter,
    pub(crate) provider_requests_dropped: Counter,
}

impl Metrics {
    /// Resolves all handles; the recorder must be installed before.
    pub(crate) fn resolve() -> Self {
        let opened = |outcome: &'static str| metrics::counter!("qnect_sessions_opened_total", "outcome" => outcome);
        Self {
            scans: Verdict::ALL.map(|v| metrics::counter!("qnect_scans_total", "decision" => v.id())),
            outcomes: Outcome::ALL.map(|o| metrics::counter!("qnect_session_outcomes_total", "outcome" => o.id())),
            signals: Signal::ALL.map(|s| metrics::counter!("qnect_abuse_signals_total", "signal" => s.id())),
            sessions_displaced: metrics::counter!("qnect_sessions_displaced_total"),
            scan_decision_seconds: metrics::histogram!("qnect_scan_decision_seconds"),
            session_to_ring_seconds: metrics::histogram!("qnect_session_to_ring_seconds"),
            session_to_talk_seconds: metrics::histogram!("qnect_session_to_talk_seconds"),
            sessions_opened: opened("opened"),
            sessions_limited: opened("limited"),
            sessions_refused: opened("refused"),
            sessions_exhausted: opened("exhausted"),
            sessions_overloaded: opened("overloaded"),
            sessions_open: metrics::gauge!("qnect_sessions_open"),
            tag_actors: metrics::gauge!("qnect_tag_actors"),
            tag_actor_panics: metrics::counter!("qnect_tag_actor_panics_total"),
            visits_refused: metrics::counter!("qnect_visits_refused_total"),
            scan_records_dropped: metrics::counter!("qnect_scan_records_dropped_total"),
            revivals: metrics::counter!("qnect_revivals_total"),
            stays: metrics::counter!("qnect_provider_events_stayed_total"),
            dials_withheld: metrics::counter!("qnect_dials_withheld_total"),
            provider_requests_dropped: metrics::counter!("qnect_provider_requests_dropped_total"),
        }
    }

    pub(crate) fn scan(&self, verdict: Verdict) {
        self.scans[verdict as usize].increment(1);
    }

    /// Somebody was challenged or refused because of these signs.
    pub(crate) fn held_up(&self, because: SignalSet) {
        because.iter().for_each(|signal| self.signals[signal as usize].increment(1));
    }

    /// A session gave way to another.
    pub(crate) fn gave_way(&self) {
        self.sessions_displaced.increment(1);
        self.ended(Outcome::Expired);
    }

    pub(crate) fn ended(&self, outcome: Outcome) {
        self.outcomes[outcome as usize].increment(1);
        self.sessions_open.decrement(1.0);
    }
}

/// Describes every metric of the engine and of the store, once the recorder is installed.
pub fn describe() {
    describe_counter!("qnect_scans_total", "scans by decision");
    describe_histogram!("qnect_scan_decision_seconds", Unit::Seconds, "from a scan at the engine to its decision");
    describe_histogram!(
        "qnect_session_to_ring_seconds",
        Unit::Seconds,
        "from opening a session to telling the provider to ring"
    );
    describe_histogram!(
        "qnect_session_to_talk_seconds",
        Unit::Seconds,
        "from opening a session to the owner's pressed key"
    );
    describe_counter!("qnect_sessions_opened_total", "requests to open a session, by what came of them");
    describe_gauge!("qnect_sessions_open", "sessions that have not ended");
    describe_counter!("qnect_session_outcomes_total", "ended sessions by outcome");
    describe_counter!("qnect_abuse_signals_total", "challenges and refusals for a score, by each sign that led to it");
    describe_counter!("qnect_sessions_displaced_total", "sessions that waited and gave way to another in a full tag");
    describe_gauge!("qnect_tag_actors", "tags in memory");
    describe_counter!("qnect_tag_actor_panics_total", "tag actors that were lost to a panic");
    describe_counter!("qnect_visits_refused_total", "visits that a bound turned away");
    describe_counter!("qnect_scan_records_dropped_total", "scan records that a full commit queue dropped");
    describe_counter!("qnect_revivals_total", "tags that were revived from the store");
    describe_counter!("qnect_provider_events_stayed_total", "provider events that told nothing new");
    describe_counter!(
        "qnect_provider_requests_dropped_total",
        "requests to providers that found no room in their queue"
    );
    describe_counter!("qnect_dials_withheld_total", "dials that were not sent because their commit was late");
    describe_counter!("qnect_shared_cells_refused_total", "limits not enforced because a bounded map was full");
    describe_counter!("qnect_store_reads_total", "reads that reached the store, but for the janitor's");
    describe_histogram!("qnect_commit_seconds", Unit::Seconds, "one group commit, its sync included");
    describe_histogram!("qnect_commit_batch_records", "records in one commit");
    describe_gauge!("qnect_disk_free_ratio", "free part of the data folder's file system, 0 to 1");
    describe_gauge!("qnect_commit_queue_records", "jobs that wait for the commit thread");
    describe_gauge!("qnect_lines", "legs that accounts at providers carry, and that they could carry still");
    describe_gauge!("qnect_intermediary_numbers", "sessions that intermediary numbers carry, by state");
}
