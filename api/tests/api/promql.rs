//! Prometheus' expressions, read as far as names and labels go.

use std::collections::BTreeSet;

/// A series that an expression asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) name: String,
    /// Labels that it selects by, and the values that it names.
    pub(crate) labels: Vec<(String, Vec<String>)>,
}

/// What an expression asks for.
#[derive(Debug)]
pub(crate) struct Query {
    /// Our series, recorded ones included.
    pub(crate) asked: Vec<Asked>,
    /// Labels that it groups or joins by.
    pub(crate) grouped: BTreeSet<String>,
}

impl Query {
    pub(crate) fn of(expression: &str) -> Self {
        let (mut asked, mut grouped) = (Vec::new(), BTreeSet::new());
        let mut rest = expression;
        while let Some(at) = rest.find(is_name) {
            let end = rest[at..].find(|c| !is_name(c)).map_or(rest.len(), |length| at + length);
            let (word, behind) = (&rest[at..end], &rest[end..]);
            let in_brackets = || behind.trim_start().strip_prefix('(').and_then(|text| text.split_once(')'));
            if ["by", "without", "on", "ignoring", "group_left", "group_right"].contains(&word) {
                if let Some((labels, _)) = in_brackets() {
                    grouped.extend(labels.split(',').map(|label| label.trim().to_owned()).filter(|l| !l.is_empty()));
                }
            } else if word.starts_with("qnect_") || word.contains(":qnect_") {
                asked.push(Asked { name: word.to_owned(), labels: matchers(behind) });
            }
            rest = behind;
        }
        Self { asked, grouped }
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

/// The selectors of a series in braces, if they follow at once.
fn matchers(behind: &str) -> Vec<(String, Vec<String>)> {
    let Some(mut rest) = behind.strip_prefix('{') else { return Vec::new() };
    let mut found = Vec::new();
    // A value may hold braces, but no quote.
    while let Some((label, behind)) = rest.split_once(['=', '!']).filter(|(label, _)| !label.contains('}')) {
        let Some((operator, behind)) = behind.split_once('"') else { break };
        let Some((value, behind)) = behind.split_once('"') else { break };
        let is_pattern = operator.contains('~');
        let values = value.split('|').filter(|value| !(is_pattern && value.contains(['.', '*'])));
        found.push((label.trim_matches([',', ' ']).to_owned(), values.map(str::to_owned).collect()));
        rest = behind;
    }
    found
}

/// One rule of a file.
pub(crate) struct Rule {
    /// The name that it records.
    pub(crate) record: Option<String>,
    pub(crate) expression: String,
}

/// The rules of a file, whose expressions stand on one line or in a block.
pub(crate) fn rules(text: &str) -> Vec<Rule> {
    let mut rules = Vec::new();
    let mut record = None;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some((_, name)) = line.split_once("- record: ") {
            record = Some(name.to_owned());
        }
        let Some((indent, first)) = line.split_once("expr: ") else { continue };
        let mut expression = first.trim_start_matches('|').to_owned();
        while let Some(more) =
            lines.next_if(|next| next.len() > indent.len() && next[..=indent.len()].trim().is_empty())
        {
            expression.push_str(more);
            expression.push('\n');
        }
        rules.push(Rule { record: record.take(), expression });
    }
    rules
}

#[test]
fn expressions_are_read() {
    let text = r#"sum by (job, le) (rate(qnect_a_bucket{route!="/q/{code}", code=~"5..|503", x="a|b"}[5m]))
        / on (job) group_left job:qnect_b:rate5m > up{job="c"}"#;
    let query = Query::of(text);
    let label = |name: &str, values: &[&str]| (name.to_owned(), values.iter().map(|v| (*v).to_owned()).collect());
    let labels = vec![label("route", &["/q/{code}"]), label("code", &["503"]), label("x", &["a", "b"])];
    assert_eq!(
        query.asked,
        [
            Asked { name: "qnect_a_bucket".to_owned(), labels },
            Asked { name: "job:qnect_b:rate5m".to_owned(), labels: Vec::new() },
        ]
    );
    assert_eq!(query.grouped.into_iter().collect::<Vec<_>>(), ["job", "le"]);
}

#[test]
fn rules_are_read() {
    let text =
        "    - record: a:b\n      expr: x > 1\n    - alert: C\n      expr: |\n        y\n        < 2\n      for: 1m\n";
    let found = rules(text);
    let told: Vec<_> =
        found.iter().map(|rule| (rule.record.as_deref(), rule.expression.split_whitespace().collect())).collect();
    let expected: [(Option<&str>, Vec<&str>); 2] = [(Some("a:b"), vec!["x", ">", "1"]), (None, vec!["y", "<", "2"])];
    assert_eq!(told, expected);
}
