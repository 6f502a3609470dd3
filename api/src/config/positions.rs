//! Where in the text of the file a key stands, and where the text stops being TOML.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::layers::join;
use super::problem::{Place, Problem};

/// Calls `note` for every key and every item of a list, with its full name and its place in the text.
pub(super) fn note_table(prefix: &str, table: &DeTable<'_>, note: &mut impl FnMut(String, Range<usize>)) {
    for (key, value) in table {
        let path = join(prefix, key.get_ref());
        note(path.clone(), key.span());
        note_value(&path, value, note);
    }
}

fn note_value(path: &str, value: &Spanned<DeValue<'_>>, note: &mut impl FnMut(String, Range<usize>)) {
    match value.get_ref() {
        DeValue::Table(table) => note_table(path, table, note),
        DeValue::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let path = format!("{path}[{index}]");
                note(path.clone(), item.span());
                note_value(&path, item, note);
            }
        }
        _ => {}
    }
}

/// Both begin at 1; the column counts characters, as editors do.
pub(super) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (line, before[line_start..].chars().count() + 1)
}

/// What the parser found. Its own text repeats the whole line, where a secret may stand; the key in front of `=`
/// is enough.
pub(super) fn syntax_problem(file: &str, text: &str, error: &toml::de::Error) -> Problem {
    let offset = error.span().map_or(0, |span| span.start);
    let (line, column) = line_and_column(text, offset);
    let before_equals = text.lines().nth(line - 1).and_then(|line| line.split_once('=')).map(|(key, _)| key.trim());
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let key = before_equals.filter(|key| key.chars().all(bare)).unwrap_or_default();
    Problem {
        place: Place::Line { file: file.to_owned(), line, column },
        key: key.to_owned(),
        what: format!("not TOML: {}", error.message().replace('\n', " ")),
        write: "write `key = value`, text in quotes".to_owned(),
    }
}
