//! `PROMISES.md`: every promise has a row, and what a row says of the code and of its tests is so.

use std::collections::BTreeMap;

use crate::keep;
use crate::living::{Files, living};
use crate::source::root;

const STATES: [&str; 5] = ["kept", "partly", "not yet", "refused", "not now"];
/// States that claim something, and so have to name the code that keeps it and a test that shows it.
const CLAIMS: [&str; 3] = ["kept", "partly", "refused"];
/// How a row that is kept in part goes on.
const MISSING: &str = ". Missing: ";
/// How a state that claims nothing begins to say why.
const WAITS: &str = "Waits for ";
/// What such a row says behind that, at least: a part of the product has a name.
const WAITS_CHARS_MIN: usize = 8;

/// Rows of the policy, of its sisters, and of the keys: counted through.
const COUNTED: [(&str, usize); 3] = [("N", 48), ("B", 71), ("K", 7)];
/// Rows of the law, by section of the Act and by rule.
#[rustfmt::skip]
const LAW: [&str; 31] = [
    "L-s5", "L-s6-1", "L-s6-4", "L-s6-7", "L-s6-10", "L-s7a", "L-s8-2", "L-s8-3", "L-s8-6", "L-s8-7", "L-s8-9", "L-s8-10",
    "L-s9", "L-s10", "L-s11-1", "L-s11-2", "L-s12", "L-s14", "L-s16",
    "L-r6a", "L-r6b", "L-r6c", "L-r6d", "L-r6e", "L-r6f", "L-r6g",
    "L-r8-1", "L-r8-3", "L-r14-1", "L-r23", "L-log180",
];

/// One row: where it stands and its cells.
struct Row<'a> {
    line: usize,
    id: &'a str,
    promise: &'a str,
    state: &'a str,
    code: &'a str,
    shown: &'a str,
}

#[test]
fn every_promise_is_answered_for() {
    keep(
        "PROMISES.md has every promise once, with a state, the code that keeps it and living tests that show it",
        "a promise that nobody can point at is broken one day, and nobody notices",
        offences(&table(), &expected(), &in_the_workspace),
    );
}

#[test]
fn the_order_of_precedence_is_written_down() {
    let order = "Law comes first, then consent, then the policy, then the contract.";
    let missing = (!table().contains(order)).then(|| format!("PROMISES.md: write {order:?}"));
    keep("what prevails is written down", "two promises that differ need a third", missing.as_slice());
}

fn table() -> String {
    std::fs::read_to_string(root().join("PROMISES.md")).expect("PROMISES.md")
}

fn expected() -> Vec<String> {
    let counted = COUNTED.iter().flat_map(|(family, count)| (1..=*count).map(move |n| format!("{family}{n:02}")));
    counted.chain(LAW.map(str::to_owned)).collect()
}

fn in_the_workspace(path: &str) -> Option<String> {
    let path = root().join(path);
    if path.is_dir() { Some(String::new()) } else { std::fs::read_to_string(path).ok() }
}

fn offences(text: &str, expected: &[String], files: Files<'_>) -> Vec<String> {
    let (rows, mut offences) = rows(text);
    let mut count: BTreeMap<&str, usize> = expected.iter().map(|id| (id.as_str(), 0)).collect();
    for row in &rows {
        match count.get_mut(row.id) {
            Some(count) => *count += 1,
            None => offences.push(row.offence("is no promise that we know: take its id from the list in this test")),
        }
        offences.extend(row.offences(files));
    }
    for (id, count) in count.into_iter().filter(|(_, count)| *count != 1) {
        let what = if count == 0 { "has no row: write one" } else { "has more than one row: leave one" };
        offences.push(format!("PROMISES.md: {id} {what}"));
    }
    offences
}

/// The rows of all tables, and what is wrong with lines that should be one.
fn rows(text: &str) -> (Vec<Row<'_>>, Vec<String>) {
    let (mut rows, mut offences) = (Vec::new(), Vec::new());
    for (line, text) in text.lines().enumerate().filter(|(_, text)| text.starts_with('|')) {
        let cells: Vec<&str> = text.trim().trim_matches('|').split('|').map(str::trim).collect();
        match cells[..] {
            ["Id", ..] => {}
            [rule, ..] if rule.starts_with("--") => {}
            [id, promise, state, code, shown] => rows.push(Row { line: line + 1, id, promise, state, code, shown }),
            _ => offences.push(format!("PROMISES.md:{}: a row has five cells, and no | inside of them", line + 1)),
        }
    }
    (rows, offences)
}

impl Row<'_> {
    fn offence(&self, what: &str) -> String {
        format!("PROMISES.md:{} {}: {what}", self.line, self.id)
    }

    fn offences(&self, files: Files<'_>) -> Vec<String> {
        let mut offences = Vec::new();
        let mut wrong = |what: String| offences.push(self.offence(&what));
        if self.promise.is_empty() {
            wrong("says nothing: write the promise in our own words".to_owned());
        }
        if !STATES.contains(&self.state) {
            wrong(format!("{:?} is no state: write one of {}", self.state, STATES.join(", ")));
        }
        let code = quoted(self.code);
        for path in code.iter().filter(|path| files(path).is_none()) {
            wrong(format!("{path} is not there: name the code that enforces it now"));
        }
        let tests = tests(self.shown);
        for (file, test) in &tests {
            if let Err(what) = living(file, test, files) {
                wrong(format!("{test} in {file:?} {what}"));
            }
        }
        if CLAIMS.contains(&self.state) {
            if code.is_empty() {
                wrong(format!("is {} by nothing: name the code, or say \"not yet\"", self.state));
            }
            if tests.is_empty() {
                wrong(format!("is {} and nothing shows it: name a test, or say \"not yet\"", self.state));
            }
            if self.state == "partly" && !self.shown.contains(MISSING) {
                wrong(format!("is kept in part, and says not in which: write {MISSING:?} and what that is"));
            }
        } else if self.shown.strip_prefix(WAITS).is_none_or(|what| what.chars().count() < WAITS_CHARS_MIN) {
            wrong(format!("says not what it waits for: write {WAITS:?} and which part of the product that is"));
        }
        offences
    }
}

/// What stands between backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The tests that a cell names, each with its file: a path stands before the names of its tests.
fn tests(cell: &str) -> Vec<(&str, &str)> {
    let (mut file, mut tests) = ("", Vec::new());
    for word in quoted(cell) {
        if word.contains('/') { file = word } else { tests.push((file, word)) }
    }
    tests
}

/// Tests, one that is ignored, and what is none.
const TEST: &str = r#"
/// Why.
#[test]
fn shows() {}
    #[tokio::test(flavor = "multi_thread")]
    // so
    async fn waits() {}
#[test]
#[ignore]
fn sleeps() {}
fn helps() {}
"#;

fn in_a_small_house(path: &str) -> Option<String> {
    match path {
        "a/src" => Some(String::new()),
        "a/tests/a.rs" | "a/tests/a/b.rs" | "a/tests/a/lost.rs" => Some(TEST.to_owned()),
        "a/tests/a/main.rs" => Some("mod b;\n".to_owned()),
        _ => None,
    }
}

/// What is told of a table with this row and a right one.
fn told(row: &str) -> String {
    let text = format!("# Text\n\n| Id | a | b | c | d |\n|---|---|---|---|---|\n{row}\n");
    offences(&text, &["N01".to_owned()], &in_a_small_house).join("\n")
}

#[test]
fn a_right_row_is_right() {
    for row in [
        "| N01 | x | kept | `a/src` | `a/tests/a.rs` `shows`, `waits`; `a/tests/a/b.rs` `shows` |",
        "| N01 | x | refused | `a/src`, `a/tests/a.rs` | `a/tests/a/b.rs` `waits` and words |",
        "| N01 | x | partly | `a/src` | `a/tests/a.rs` `shows`. Missing: the other half |",
        "| N01 | x | not yet | | Waits for the portals |",
        "| N01 | x | not now | `a/src` | Waits for a decision of counsel |",
    ] {
        assert_eq!(told(row), "", "{row}");
    }
}

#[test]
fn a_wrong_row_is_told_with_what_to_do() {
    let shown = "`a/tests/a.rs` `shows`";
    for (row, says) in [
        (String::new(), "N01 has no row: write one"),
        (
            format!("| N01 | x | kept | `a/src` | {shown} |\n| N01 | x | kept | `a/src` | {shown} |"),
            "more than one row",
        ),
        (format!("| N02 | x | kept | `a/src` | {shown} |"), "N02: is no promise that we know"),
        (format!("| N01 | x | kept | `a/src` {shown} |"), "PROMISES.md:5: a row has five cells"),
        (format!("| N01 | | kept | `a/src` | {shown} |"), "says nothing"),
        (format!("| N01 | x | done | `a/src` | {shown} |"), "\"done\" is no state: write one of kept, partly"),
        (format!("| N01 | x | kept | `a/gone.rs` | {shown} |"), "a/gone.rs is not there"),
        (format!("| N01 | x | kept | nothing | {shown} |"), "is kept by nothing"),
        ("| N01 | x | partly | `a/src` | none |".to_owned(), "is partly and nothing shows it"),
        (format!("| N01 | x | partly | `a/src` | {shown} |"), "says not in which"),
        ("| N01 | x | refused | `a/src` | `a/tests/a.rs` |".to_owned(), "is refused and nothing shows it"),
        ("| N01 | x | kept | `a/src` | `shows` |".to_owned(), "in a file that is not there"),
        ("| N01 | x | kept | `a/src` | `a/tests/c.rs` `shows` |".to_owned(), "in a file that is not there"),
        ("| N01 | x | kept | `a/src` | `a/tests/a.rs` `show` |".to_owned(), "is not there: name the test"),
        ("| N01 | x | kept | `a/src` | `a/tests/a.rs` `helps` |".to_owned(), "is no test"),
        ("| N01 | x | kept | `a/src` | `a/tests/a.rs` `sleeps` |".to_owned(), "is ignored"),
        ("| N01 | x | kept | `a/src` | `a/tests/a/lost.rs` `shows` |".to_owned(), "no other names as its module"),
        ("| N01 | x | not yet | | `a/tests/a.rs` `shows` |".to_owned(), "says not what it waits for"),
        ("| N01 | x | not now | | Waits for it |".to_owned(), "says not what it waits for"),
    ] {
        let told = told(&row);
        assert!(told.contains(says), "{row}: {told}");
        assert!(told.contains(": ") && told.starts_with("PROMISES.md"), "{told}");
    }
}

#[test]
fn every_id_is_expected_once() {
    let mut ids = expected();
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), count), (48 + 71 + 7 + LAW.len(), ids.len()));
    assert!(ids.contains(&"N48".to_owned()) && ids.contains(&"B01".to_owned()) && !ids.contains(&"B72".to_owned()));
}
