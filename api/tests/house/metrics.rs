//! Metrics: what is counted is described, and what is described is counted.

use std::collections::{BTreeMap, BTreeSet};

use crate::keep;
use crate::source::{Source, sources};

const DESCRIBING: [&str; 3] = ["describe_counter!", "describe_gauge!", "describe_histogram!"];
const USING: [&str; 3] = ["counter!", "gauge!", "histogram!"];

/// Labels that may only hold what somebody chose: ids of people or of things would never stop growing.
const LABELS: [&str; 12] = [
    "decision",
    "outcome",
    "provider",
    "result",
    "route",
    "code",
    "state",
    "signal",
    "operation",
    "check",
    "version",
    "commit",
];

#[test]
fn every_metric_is_described_and_every_description_is_of_a_metric() {
    keep(
        "a metric and its description come in pairs, and its name begins with qnect_",
        "an operator at three in the morning reads the help text, and an alert on a metric that is never set stays silent",
        unpaired(&sources()),
    );
}

#[test]
fn labels_are_from_closed_sets() {
    keep(
        "labels of metrics are known by name",
        "a label with an id in it fills the memory of whoever scrapes, and tells who did what",
        strange_labels(&sources()),
    );
}

fn unpaired(sources: &[Source]) -> Vec<String> {
    let (described, used) = (calls(sources, &DESCRIBING), calls(sources, &USING));
    let undescribed = used.iter().filter(|(name, _)| !described.contains_key(*name));
    let unused = described.iter().filter(|(name, _)| !used.contains_key(*name));
    let foreign = used.iter().filter(|(name, _)| !name.starts_with("qnect_"));
    let undescribed = undescribed.map(|(name, at)| format!("{at} {name} is not described"));
    let unused = unused.map(|(name, at)| format!("{at} {name} is described and never set"));
    let foreign = foreign.map(|(name, at)| format!("{at} {name} does not begin with qnect_"));
    undescribed.chain(unused).chain(foreign).collect()
}

fn strange_labels(sources: &[Source]) -> Vec<String> {
    let known: BTreeSet<&str> = LABELS.into();
    let mut strange = Vec::new();
    for source in sources {
        for at in macro_calls(source, &USING) {
            let end = closing(&source.code, at);
            let inside = source.strings.iter().filter(|(place, _)| (at..end).contains(place));
            // A label's name is what stands before an arrow.
            let names =
                inside.filter(|(place, text)| source.code[place + text.len() + 2..].trim_start().starts_with("=>"));
            let unknown = names.filter(|(_, text)| !known.contains(text.as_str()));
            strange.extend(unknown.map(|(place, text)| format!("{} {text}", source.place(*place))));
        }
    }
    strange
}

/// The first string of every call of these macros: a metric's name, and where it stands.
fn calls(sources: &[Source], macros: &[&str]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for source in sources {
        for at in macro_calls(source, macros) {
            if let Some((place, name)) = source.strings.iter().find(|(place, _)| *place > at) {
                found.insert(name.clone(), source.place(*place));
            }
        }
    }
    found
}

/// Where these macros are called: `describe_counter!` is not `counter!`.
fn macro_calls(source: &Source, macros: &[&str]) -> Vec<usize> {
    let alone = |at: usize| !source.code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let of_one = |name: &&str| source.code.match_indices(*name).map(|(at, _)| at).collect::<Vec<_>>();
    macros.iter().flat_map(of_one).filter(|at| alone(*at)).collect()
}

/// Where the bracket that opens behind `at` is closed.
fn closing(code: &str, at: usize) -> usize {
    let mut depth = 0;
    for (place, byte) in code.bytes().enumerate().skip(at) {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 1 => return place,
            b')' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

#[test]
fn broken_metrics_are_seen() {
    let source = Source::of(
        "a/src/b.rs",
        r#"metrics::counter!("qnect_a_total", "outcome" => x(1), "tag" => "state").increment(1);
           metrics::gauge!(
               "b"
           );
           describe_counter!("qnect_a_total", "a");
           describe_histogram!("qnect_c_seconds", "c");
           let unrelated = ("x", "y");"#,
    );
    let sources = [source];
    let told = unpaired(&sources).join("\n");
    assert_eq!(told.lines().count(), 3, "{told}");
    for what in ["3 b is not described", "b does not begin", "qnect_c_seconds is described and never set"] {
        assert!(told.contains(what), "{what}: {told}");
    }
    assert_eq!(strange_labels(&sources), ["a/src/b.rs:1 tag"]);
}
