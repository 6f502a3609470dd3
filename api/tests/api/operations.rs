//! The operations listener: what it tells, and that nobody else does.

use std::collections::BTreeSet;

use qnect_simulator::{Faults, OwnerScript};

use crate::calls::{call, network, owner_phone};
use crate::folder::{Folder, owner};
use crate::server::Server;

/// The metrics of the public interface that exist, with their labels.
const METRICS: [(&str, &[&str]); 19] = [
    ("qnect_scans_total", &["decision"]),
    ("qnect_scan_decision_seconds", &[]),
    ("qnect_sessions_opened_total", &["outcome"]),
    ("qnect_sessions_open", &[]),
    ("qnect_session_outcomes_total", &["outcome"]),
    ("qnect_webhooks_total", &["provider", "result"]),
    ("qnect_webhook_answer_seconds", &["provider"]),
    ("qnect_tag_actors", &[]),
    ("qnect_tag_actor_panics_total", &[]),
    ("qnect_visits_refused_total", &[]),
    ("qnect_commit_seconds", &[]),
    ("qnect_commit_batch_records", &[]),
    ("qnect_commit_queue_records", &[]),
    ("qnect_disk_free_ratio", &[]),
    ("qnect_scan_records_dropped_total", &[]),
    ("qnect_http_requests_total", &["route", "code"]),
    ("qnect_http_request_seconds", &["route"]),
    ("qnect_intermediary_numbers", &["state"]),
    ("qnect_build_info", &["version", "commit"]),
];

#[tokio::test]
async fn liveness_readiness_and_metrics_stay_inside() {
    let folder = Folder::new();
    let server = Server::start(&folder);
    for (path, first_line) in [("/livez", "live"), ("/readyz", "ready"), ("/startupz", "ready")] {
        let answer = server.operations.get(path).await;
        assert_eq!((answer.status, answer.body.lines().next()), (200, Some(first_line)), "{path}");
    }
    let verbose = server.operations.get("/readyz?verbose").await.body;
    assert!(verbose.lines().count() > 2 && verbose.contains("storage: ok"), "every check has its line: {verbose}");
    let nothing = server.public.get("/nothing").await;
    for path in ["/livez", "/readyz", "/readyz?verbose", "/startupz", "/metrics"] {
        assert_eq!(server.public.get(path).await.bytes(), nothing.bytes(), "{path} on the public listener");
    }
    for path in ["/q/00000000000000000000", "/webhooks/plivo/voice", "/sessions/x", "/"] {
        assert_eq!(server.operations.get(path).await.status, 404, "{path} on the operations listener");
    }
}

#[tokio::test]
async fn every_metric_is_described_and_names_nobody() {
    let folder = Folder::new();
    let code = folder.import(&[owner(&owner_phone(0))]).remove(0);
    let server = Server::start(&folder);
    server.public.get(&format!("/q/{code}")).await;
    server.public.get(&format!("/q/{code}/what/ever")).await;
    let opened = server.open(&code, "blocking").await;
    let network = network(&server, Faults::default());
    network.set_telephone(&owner_phone(0), OwnerScript::Busy);
    let report = call(&network, 0, &opened).await;
    assert_eq!(server.outcome(&opened.session).await, "busy", "{:?}", report.timeline);

    let metrics = server.metrics().await;
    for (name, labels) in METRICS {
        assert!(metrics.is_described(name), "{name} has its # HELP");
        let expected: BTreeSet<&str> = labels.iter().copied().collect();
        let found = metrics.labels_of(name);
        assert!(!found.is_empty(), "{name} has a series");
        for labels in found {
            assert_eq!(labels.into_iter().collect::<BTreeSet<_>>(), expected, "labels of {name}");
        }
    }
    for name in metrics.0.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()) {
        assert!(name.starts_with("qnect_") && metrics.is_described(name), "{name} is ours and described");
        assert!(!metrics.0.contains(&format!("# TYPE {name} summary")), "{name} has buckets");
    }
    let routes: BTreeSet<&str> =
        metrics.0.split("route=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    for route in &routes {
        assert!(!route.contains(&code), "a template and no path: {route}");
    }
    assert_eq!(metrics.value("qnect_http_requests_total", &[("route", "/q/{code}"), ("code", "200")]), 1.0);
    for secret in [code.as_str(), &opened.session, &opened.access_code, &owner_phone(0)[3..], &report.exchanges[0].url]
    {
        assert!(!metrics.0.contains(secret), "metrics name nobody");
    }
}

#[tokio::test]
async fn nobody_waits_while_the_kernel_makes_tables_or_pages_larger() {
    let folder = Folder::new();
    let server = Server::start(&folder);
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("a running process");
    let field = |name: &str| {
        let value = status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        value.and_then(|value| value.parse::<u64>().ok()).unwrap_or_else(|| panic!("{name} in {status}"))
    };
    assert_eq!(field("THP_enabled:"), 0);
    let limit = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).expect("a running process");
    let files = limit.lines().find_map(|line| line.strip_prefix("Max open files")).expect("a limit");
    let files: u64 = files.split_whitespace().next().and_then(|soft| soft.parse().ok()).unwrap_or(u64::MAX);
    // Ten thousand connections, and the store's files.
    assert!(field("FDSize:") >= files.min(12_048), "{status}");
}
