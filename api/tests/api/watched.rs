//! What the dashboard and the rules of `ops` ask for is what a running engine tells: names, labels and their values.
//!
//! With `QNECT_PROMTOOL`, the path of Prometheus' own `promtool`, that one reads the metrics and the dashboard's queries too.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use qnect_simulator::{Faults, OwnerScript};
use serde_json::Value;

use crate::calls::{call, network, owner_phone};
use crate::folder::{Folder, owner};
use crate::metrics::Metrics;
use crate::promql::{Asked, Query, rules};
use crate::server::Server;

const DASHBOARD: &str = "ops/grafana/qnect.json";
const RULES: [&str; 2] = ["ops/prometheus/recording.yml", "ops/prometheus/alerts.yml"];
/// Labels that Prometheus gives.
const GIVEN: [&str; 2] = ["job", "instance"];

#[tokio::test]
async fn the_dashboard_and_the_rules_ask_for_what_there_is() {
    let metrics = served().await;
    let (records, expressions) = asked_of_prometheus();
    let live = Live::of(&metrics, &records);
    let offences: Vec<String> = expressions
        .iter()
        .flat_map(|(place, text)| live.missing(text).into_iter().map(move |m| format!("{place}: {m}")))
        .collect();
    assert!(offences.is_empty(), "no such thing in a running engine:\n{}", offences.join("\n"));
    assert!(expressions.len() > 100, "the expressions were found: {}", expressions.len());
    assert!(Live::names(&expressions).len() > 40, "and the metrics in them");
    // A name, a label and a value that nobody has are seen.
    for (wrong, told) in [
        ("rate(qnect_scan_total[5m])", "qnect_scan_total"),
        ("sum by (route) (qnect_scans_total)", "route"),
        (r#"qnect_scans_total{verdict="allow"}"#, "verdict"),
        (r#"qnect_scans_total{decision!~"allow|allowed"}"#, "allowed"),
        (r#"qnect_commit_seconds_bucket{le="3"}"#, "le"),
        ("job:qnect_nothing:rate5m", "job:qnect_nothing:rate5m"),
    ] {
        let missing = live.missing(wrong);
        assert!(missing.len() == 1 && missing[0].contains(told), "{wrong}: {missing:?}");
    }

    if let Some(promtool) = std::env::var_os("QNECT_PROMTOOL").map(PathBuf::from) {
        run(&promtool, &["check", "metrics"], &metrics.0);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let queries = folder.path().join("dashboard.yml");
        std::fs::write(&queries, as_rules(&expressions)).expect("a written file");
        run(&promtool, &["check", "rules", &queries.to_string_lossy()], "");
    }
}

/// What a server tells that has served a scan and a call.
async fn served() -> Metrics {
    let folder = Folder::new().edit("lines_max = 0", "lines_max = 50");
    let code = folder.import(&[owner(&owner_phone(0))]).remove(0);
    let server = Server::start(&folder);
    server.public.get(&format!("/q/{code}")).await;
    let opened = server.open(&code, "blocking").await;
    let network = network(&server, Faults::default());
    network.set_telephone(&owner_phone(0), OwnerScript::Answers);
    assert!(call(&network, 0, &opened).await.bridged);
    server.metrics().await
}

/// The names that rules record, and every expression of rules and dashboard with its place.
fn asked_of_prometheus() -> (BTreeSet<String>, Vec<(String, String)>) {
    let (mut records, mut expressions) = (BTreeSet::new(), Vec::new());
    for path in RULES {
        for rule in rules(&read(path)) {
            records.extend(rule.record);
            expressions.push((path.to_owned(), rule.expression));
        }
    }
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).expect("the dashboard is JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    for panel in panels {
        let place = format!("{DASHBOARD}, {}", panel["title"].as_str().expect("a title"));
        for target in panel["targets"].as_array().into_iter().flatten() {
            expressions.push((place.clone(), target["expr"].as_str().expect("an expression").to_owned()));
        }
    }
    for variable in dashboard["templating"]["list"].as_array().expect("variables") {
        if let Some(query) = variable["query"]["query"].as_str() {
            let series = query.strip_prefix("label_values(").and_then(|q| q.rsplit_once(',')).expect("label_values");
            expressions.push((format!("{DASHBOARD}, variables"), series.0.to_owned()));
        }
    }
    (records, expressions)
}

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// What there is: by name of a series, its labels and their values.
struct Live<'a>(BTreeMap<&'a str, BTreeMap<&'a str, BTreeSet<&'a str>>>);

impl<'a> Live<'a> {
    fn of(metrics: &'a Metrics, records: &'a BTreeSet<String>) -> Self {
        let mut live: BTreeMap<_, BTreeMap<_, BTreeSet<_>>> = BTreeMap::new();
        for (name, labels) in metrics.series() {
            let known = live.entry(name).or_default();
            labels.into_iter().for_each(|(label, value)| _ = known.entry(label).or_default().insert(value));
        }
        // A recorded name begins with its labels.
        for record in records {
            let level = record.split(':').next().unwrap_or_default();
            let labels = level.split('_').map(|label| (label, BTreeSet::new())).collect();
            live.insert(record, labels);
        }
        Self(live)
    }

    fn names(expressions: &[(String, String)]) -> BTreeSet<String> {
        expressions.iter().flat_map(|(_, text)| Query::of(text).asked).map(|asked| asked.name).collect()
    }

    /// What an expression names and nobody has.
    fn missing(&self, expression: &str) -> Vec<String> {
        let query = Query::of(expression);
        let mut missing: Vec<String> = query.asked.iter().flat_map(|asked| self.missing_of(asked)).collect();
        let series = query.asked.iter().filter_map(|asked| self.0.get(asked.name.as_str()));
        let known: BTreeSet<&str> = series.flat_map(|labels| labels.keys().copied()).chain(GIVEN).collect();
        let foreign = query.grouped.iter().filter(|label| !known.contains(label.as_str()));
        missing.extend(foreign.map(|label| format!("no label {label} to group by")));
        missing
    }

    fn missing_of(&self, asked: &Asked) -> Vec<String> {
        let Some(labels) = self.0.get(asked.name.as_str()) else {
            return vec![format!("no series {}", asked.name)];
        };
        let of_ours = asked.labels.iter().filter(|(label, _)| !GIVEN.contains(&label.as_str()));
        let mut missing = Vec::new();
        for (label, wanted) in of_ours {
            match labels.get(label.as_str()) {
                None => missing.push(format!("{} has no label {label}", asked.name)),
                Some(values) if values.is_empty() => {}
                Some(values) => {
                    let unknown = wanted.iter().filter(|value| !values.contains(value.as_str()));
                    missing.extend(unknown.map(|value| format!("{} has no {label} {value}", asked.name)));
                }
            }
        }
        missing
    }
}

/// All expressions as recording rules, which promtool parses. What Grafana puts in stands for itself.
fn as_rules(expressions: &[(String, String)]) -> String {
    let mut text = String::from("groups:\n  - name: dashboard\n    rules:\n");
    for (index, (_, expression)) in expressions.iter().enumerate() {
        let expression = expression.replace("$__rate_interval", "5m");
        let expression = serde_json::to_string(&expression).expect("JSON, which is YAML");
        text.push_str(&format!("      - record: dashboard:{index}\n        expr: {expression}\n"));
    }
    text
}

fn run(promtool: &Path, arguments: &[&str], input: &str) {
    let mut command = Command::new(promtool);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("promtool runs");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("a reader");
    let output = child.wait_with_output().expect("promtool ends");
    let told = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "promtool {arguments:?}: {told}");
}
