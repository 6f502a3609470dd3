//! Secrets that stand in files of their own: `<name>_file` is replaced by `<name>` with what the file holds.

use std::fs::File;
use std::io::Read;

use toml::{Table, Value};

use super::keys::{KEYS, Key};
use super::kinds::Kind;
use super::layers::Origins;
use super::problem::Problem;
use super::secret;

/// No secret of ours is longer; a longer file is a mistake, and `/dev/zero` would not end.
const SECRET_BYTES_MAX: u64 = 4096;

/// Reads every secret file that `table` names. A secret that stands there in both forms is a problem.
pub(super) fn read_into(table: &mut Table, origins: &Origins, problems: &mut Vec<Problem>) {
    for key in KEYS.iter().filter(|key| matches!(key.kind, Kind::Secret)) {
        let Some(section) = section_of(table, key) else {
            continue;
        };
        let file_name = format!("{}_file", key.name());
        let Some(paths) = section.remove(&file_name) else {
            continue;
        };
        let file_key = format!("{}_file", key.path);
        if section.contains_key(key.name()) {
            let what = format!("stands beside {}", key.path);
            problems.push(origins.problem(&file_key, what, "write one of the two"));
            continue;
        }
        match contents(&paths) {
            Ok(secrets) => drop(section.insert(key.name().to_owned(), secrets)),
            Err(what) => problems.push(origins.problem(&file_key, what, "write the path of a file with the secret")),
        }
    }
}

fn section_of<'a>(table: &'a mut Table, key: &Key) -> Option<&'a mut Table> {
    key.section().split('.').try_fold(table, |table, name| table.get_mut(name)?.as_table_mut())
}

fn contents(paths: &Value) -> Result<Value, String> {
    match paths {
        Value::Array(paths) => paths.iter().map(contents).collect::<Result<Vec<_>, _>>().map(Value::Array),
        Value::String(path) => content(path).map(Value::String),
        _ => Err("is not a path".to_owned()),
    }
}

fn content(path: &str) -> Result<String, String> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(SECRET_BYTES_MAX + 1).read_to_string(&mut text))
        .map_err(|error| format!("can't read {path} ({})", error.kind()))?;
    if text.len() as u64 > SECRET_BYTES_MAX {
        return Err(format!("{path} is longer than {SECRET_BYTES_MAX} bytes"));
    }
    match secret::fault(&text) {
        Some(what) => Err(format!("{path} {what}")),
        None => Ok(text.trim().to_owned()),
    }
}
