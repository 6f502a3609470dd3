//! Alerts: whoever is woken up is told what to do, and every alert has been seen to ring and to keep silent.

use crate::keep;
use crate::source::root;

/// What an alert has, each on a line of its own.
const PARTS: [&str; 4] = ["expr: ", "summary: ", "description: ", "runbook: RUNBOOK.md#"];
const SEVERITIES: [&str; 2] = ["labels: { severity: page }", "labels: { severity: ticket }"];

#[test]
fn every_alert_is_explained_and_tested() {
    let [alerts, runbook, tests] = ["alerts.yml", "RUNBOOK.md", "tests.yml"].map(|name| {
        std::fs::read_to_string(root().join("ops/prometheus").join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    });
    assert!(sections(&alerts, "- alert: ").len() > 20, "the alerts were found");
    keep(
        "an alert has its parts, a section in the runbook, a test in which it fires and one in which it is silent",
        "at three in the morning nobody works out what an alert means, and one that never rang is none",
        offences(&alerts, &runbook, &tests),
    );
}

fn offences(alerts: &str, runbook: &str, tests: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (alerts, chapters, tests) =
        (sections(alerts, "- alert: "), sections(runbook, "### "), sections(tests, "- name: '"));
    for (name, body) in &alerts {
        let lacks = PARTS.iter().filter(|part| !body.contains(*part)).map(|part| format!("{name} lacks {part}"));
        found.extend(lacks);
        if !SEVERITIES.iter().any(|severity| body.contains(severity)) {
            found.push(format!("{name} has no known severity"));
        }
        if !body.contains(&format!("RUNBOOK.md#{}\n", name.to_lowercase())) {
            found.push(format!("{name} does not point to its own section"));
        }
        if !chapters.iter().any(|(chapter, _)| chapter == name) {
            found.push(format!("{name} has no section in the runbook"));
        }
        for does in ["fires", "is silent"] {
            let (title, asks) = (format!("{name} {does}: "), format!("alertname: {name}\n"));
            let expects = |body: &str| body.contains("exp_alerts:") == (does == "fires");
            if !tests.iter().any(|(t, body)| t.starts_with(&title) && body.contains(&asks) && expects(body)) {
                found.push(format!("no test in which {name} {does}"));
            }
        }
    }
    let is_alert = |name: &str| alerts.iter().any(|(alert, _)| alert == name);
    let idle = chapters.iter().filter(|(chapter, _)| !is_alert(chapter));
    found.extend(idle.map(|(chapter, _)| format!("the runbook explains {chapter}, which is no alert")));
    found
}

/// What begins with this mark on a line: the rest of that line, and the text up to the next one.
fn sections(text: &str, mark: &str) -> Vec<(String, String)> {
    let text = format!("\n{text}\n");
    let at = |part: &str| part.rsplit('\n').next().is_some_and(|before| before.trim().is_empty());
    let begins: Vec<usize> = text.match_indices(mark).map(|(i, _)| i).filter(|&i| at(&text[..i])).collect();
    let ends = begins.iter().skip(1).copied().chain([text.len()]);
    let section = |(from, to): (&usize, usize)| {
        let (title, body) = text[from + mark.len()..to].split_once('\n').unwrap_or_default();
        (title.to_owned(), body.to_owned())
    };
    begins.iter().zip(ends).map(section).collect()
}

#[test]
fn a_bare_alert_is_seen() {
    let alert = "  - alert: A\n    expr: x\n    labels: { severity: page }\n    summary: s\n    description: d\n    \
                 runbook: RUNBOOK.md#a\n";
    let tests = "  - name: 'A fires: x'\n    alertname: A\n    exp_alerts:\n  - name: 'A is silent: y'\n    \
                 alertname: A\n";
    assert_eq!(offences(alert, "### A\n", tests), Vec::<String>::new());
    let told = offences(&alert.replace("page", "loud").replace("#a", "#b"), "### B\n", &tests.replace("exp_", "no_"));
    let told = told.join("\n");
    assert_eq!(told.lines().count(), 5, "{told}");
    for what in ["no known severity", "its own section", "no section", "which A fires", "B, which is no alert"] {
        assert!(told.contains(what), "{what}: {told}");
    }
    assert!(offences("  - alert: A\n", "### A\n", tests).contains(&"A lacks summary: ".to_owned()));
}
