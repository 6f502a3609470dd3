//! A run as one page: no script, and nothing that comes from elsewhere, so that it can be kept and sent.
//!
//! `axis` places values and names some of them, `plot` draws a few lines, `charts` says which lines a run has.

mod axis;
mod charts;
mod plot;

use std::fmt::Write;

use crate::load::Verdict;
use crate::page::axis::{count, time};

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub(crate) fn render(verdict: &Verdict) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>QNect load test: {scenario}</title><style>{STYLE}</style></head><body><main>\n",
        scenario = verdict.scenario
    );
    head(&mut out, verdict);
    tiles(&mut out, verdict);
    out += "<div class=\"grid\">\n";
    thresholds(&mut out, verdict);
    reasons(&mut out, verdict);
    for plot in charts::all(verdict) {
        out += &plot.section();
    }
    out += "</div>\n";
    times(&mut out, verdict);
    out + "</main></body></html>\n"
}

fn head(out: &mut String, verdict: &Verdict) {
    let class = if verdict.good() { "verdict good" } else { "verdict" };
    let options: Vec<String> =
        verdict.options.iter().map(|(name, value)| format!("{name} {}", escaped(value))).collect();
    let _ = writeln!(
        out,
        "<header><small>QNect load test</small><h1>{}</h1><span class=\"{class}\">{}</span></header>\
         <p class=\"options\">{}</p><p class=\"soft\">{}</p>",
        verdict.scenario,
        verdict.word(),
        options.join(" · "),
        escaped(&verdict.machine.line())
    );
    if let Some(why) = verdict.invalid() {
        let _ = writeln!(out, "<p class=\"why\">Not to be used: {}.</p>", escaped(&why));
    }
}

/// The figures that are looked at first.
fn tiles(out: &mut String, verdict: &Verdict) {
    let run = &verdict.record;
    let quantile = |quantile| match run.latency(None).filter(|times| !times.is_empty()) {
        Some(times) => time(times.value_at_quantile(quantile) as f64 / 1_000.0),
        None => "none".to_owned(),
    };
    let share = |visits| run.percent(visits).map_or_else(|| "none".to_owned(), |percent| format!("{percent:.2} %"));
    let tiles = [
        ("Good visits", count(run.good()), format!("of {}", count(run.visits()))),
        ("A second", count(run.good_rate().round() as u64), String::new()),
        ("p50", quantile(0.5), String::new()),
        ("p99", quantile(0.99), String::new()),
        ("Refused", share(run.refused()), String::new()),
        ("Wrong", share(run.wrong()), String::new()),
    ];
    *out += "<dl class=\"tiles\">";
    for (name, value, more) in tiles {
        let _ = write!(out, "<div><dt>{name}</dt><dd>{value} <small>{more}</small></dd></div>");
    }
    *out += "</dl>\n";
}

fn thresholds(out: &mut String, verdict: &Verdict) {
    *out += "<section><h2>Thresholds</h2><div class=\"wide\"><table><tr><th>bound</th><th>measured</th><th></th></tr>";
    for threshold in &verdict.thresholds {
        let (class, word) = if threshold.kept { ("kept", "kept") } else { ("broken", "not kept") };
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td class=\"{class}\">{word}</td></tr>",
            escaped(&threshold.text),
            threshold.measured()
        );
    }
    *out += "</table></div></section>\n";
}

fn reasons(out: &mut String, verdict: &Verdict) {
    *out += "<section><h2>Refusals and errors</h2>";
    if verdict.record.reasons().is_empty() {
        *out += "<p class=\"soft\">None: every visit was answered as it should be.</p></section>\n";
        return;
    }
    *out += "<div class=\"wide\"><table><tr><th>reason</th><th></th><th>visits</th></tr>";
    for reason in verdict.record.reasons() {
        let kind = if reason.is_refusal { "refused" } else { "wrong" };
        let _ = write!(
            out,
            "<tr><td class=\"text\">{}</td><td>{kind}</td><td>{}</td></tr>",
            escaped(&reason.text),
            count(reason.visits)
        );
    }
    *out += "</table></div></section>\n";
}

fn times(out: &mut String, verdict: &Verdict) {
    let run = &verdict.record;
    let others = [("refusals", run.turned_away()), ("own delay", run.late())];
    let quantiles = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)];
    *out += "<section><h2>Times</h2><p class=\"soft\">From when a visit was due, however slow the answers before it were. \
             Steps that were refused stand by themselves; own delay is the generator's.</p><div class=\"wide\"><table><tr><th>step</th>";
    for (name, _) in quantiles {
        let _ = write!(out, "<th>{name}</th>");
    }
    *out += "<th>answers</th></tr>";
    for (step, times) in run.steps().chain(others).filter(|(_, times)| !times.is_empty()) {
        let _ = write!(out, "<tr><td>{step}</td>");
        for (_, quantile) in quantiles {
            let _ = write!(out, "<td>{}</td>", time(times.value_at_quantile(quantile) as f64 / 1_000.0));
        }
        let _ = write!(out, "<td>{}</td></tr>", count(times.len()));
    }
    *out += "</table></div></section>\n";
}

/// Text as it may stand in the page, in attributes too.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::render;
    use crate::load::{Course, End, Machine, Outcome, Pace, Record, Sample, Step, Usual, Verdict};

    fn verdict() -> Verdict {
        let course = Course {
            scenario: "test",
            steps: &["one", "two"],
            options: vec![("rate", "10/s".to_owned())],
            pace: Pace { rate: 10.0, curve: Usual::EVEN, seed: 1 },
            lasts: Duration::from_secs(5),
            in_flight: 1,
            thresholds: vec!["p99<1s".parse().expect("a threshold"), "rate>100".parse().expect("a threshold")],
            json: false,
            html: None,
            operations: None,
            pid: None,
        };
        let mut record = Record::new(course.steps, course.lasts);
        for nth in 0..50 {
            let end = if nth % 10 == 0 { End::refused("<b>full</b>") } else { End::Good };
            let step = |at, end| Step { nth: at, took: Duration::from_millis(nth), end };
            let steps = vec![step(0, end), step(1, End::Good)];
            record.add(&Outcome { due: Duration::from_millis(nth * 100), late: Duration::ZERO, steps });
        }
        let sample = |at| Sample { at, commit_queue: Some(at), resident_mib: Some(90.0), ..Sample::default() };
        Verdict::new(&course, Machine::look(), record, (0_u8..5).map(|at| sample(f64::from(at))).collect())
    }

    #[test]
    fn a_page_needs_nothing_and_runs_nothing() {
        let page = render(&verdict());
        for foreign in ["<script", "http://", "https://", "src=", "url(", "@import", "<link", "onload", "<b>", "NaN"] {
            assert!(!page.contains(foreign), "{foreign} in {page}");
        }
        for tag in ["main", "section", "div", "table", "tr", "td", "th", "svg", "p", "dl", "h2", "style"] {
            let count = |text: String| page.matches(&text).count();
            let open = count(format!("<{tag}>")) + count(format!("<{tag} "));
            assert_eq!(open, count(format!("</{tag}>")), "{tag}");
        }
    }

    #[test]
    fn a_page_says_what_the_run_was_and_what_came_of_it() {
        let page = render(&verdict());
        for said in [
            "<h1>test</h1>",
            "a threshold is not kept",
            "rate 10/s",
            "p99&lt;1s",
            "9.0/s",
            "&lt;b&gt;full&lt;/b&gt;",
            "Commit queue",
            "Resident memory",
        ] {
            assert!(page.contains(said), "{said} in {page}");
        }
        assert!(!page.contains("Open sessions"), "what was never read is not drawn");
    }
}
