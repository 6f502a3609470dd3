//! Every key of the merged table, held against the list of known keys.

use toml::{Table, Value};

use super::keys::{self, Entry};
use super::layers::{Origins, join};
use super::problem::Problem;

/// Adds what is wrong with `table` to `problems`, and takes it out of the table, so that what is left can still be
/// judged as a whole.
pub(super) fn check(table: &mut Table, origins: &Origins, problems: &mut Vec<Problem>) {
    Walk { origins, problems }.section("", table);
}

struct Walk<'a> {
    origins: &'a Origins,
    problems: &'a mut Vec<Problem>,
}

impl Walk<'_> {
    fn section(&mut self, section: &str, table: &mut Table) {
        let missing: Vec<_> = keys::required_in(section)
            .filter(|key| !table.contains_key(key.name()) && !table.contains_key(&format!("{}_file", key.name())))
            .collect();
        for key in missing {
            self.report(&join(section, key.name()), "is missing", key.kind.advice());
        }
        table.retain(|name, value| self.is_right(section, name, value));
    }

    fn is_right(&mut self, section: &str, name: &str, value: &mut Value) -> bool {
        let path = join(section, name);
        // A name with a dot or a bracket was written in quotes, and is not the path that it looks like.
        let entry = if name.contains(['.', '[']) { Entry::Unknown } else { keys::entry(&path) };
        match (entry, value) {
            (Entry::Section, Value::Table(table)) => {
                self.section(&path, table);
                true
            }
            (Entry::Section, _) => self.report(&path, "is a section", format!("write [{path}] above its keys")),
            (Entry::Sections, Value::Array(items)) => self.list(&path, items),
            (Entry::Sections, _) => self.report(&path, "is a list of sections", format!("write [[{path}]] for each")),
            (Entry::Key(key), value) => {
                let faults = key.kind.faults(value);
                let right = faults.is_empty();
                for fault in faults {
                    self.report(&format!("{path}{}", fault.at), &fault.what, fault.write);
                }
                right
            }
            (Entry::ProviderToCome, _) => {
                self.report(&path, "unknown key: the adapter for this provider is not built yet", "remove the section")
            }
            (Entry::Unknown, Value::Table(_)) => {
                let known = keys::nearest_section(&path);
                self.report(&path, "unknown section", format!("the nearest that we know is [{known}]"))
            }
            (Entry::Unknown, _) => {
                let known = keys::nearest(&path);
                self.report(&path, "unknown key", format!("the nearest that we know is {known}"))
            }
        }
    }

    fn list(&mut self, path: &str, items: &mut [Value]) -> bool {
        let mut all_tables = true;
        for (index, item) in items.iter_mut().enumerate() {
            let path_of_item = format!("{path}[{index}]");
            match item {
                Value::Table(table) => self.section(&path_of_item, table),
                _ => {
                    let write = format!("write [[{path}]] above its keys");
                    all_tables = self.report(&path_of_item, "is not a section", write);
                }
            }
        }
        all_tables
    }

    /// Always false, which is what the value at `path` then is.
    fn report(&mut self, path: &str, what: &str, write: impl Into<String>) -> bool {
        self.problems.push(self.origins.problem(path, what, write));
        false
    }
}
