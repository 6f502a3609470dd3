//! The three sources, laid over one another in one table, with the origin of every key.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::DeTable;
use toml::{Table, Value};

use super::keys::{self, Entry, Key};
use super::kinds::Kind;
use super::positions;
use super::problem::{Place, Problem};

/// What the command line says; it beats the environment and the file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--listen`
    pub listen: Option<SocketAddr>,
    /// `--ops-listen`
    pub ops_listen: Option<SocketAddr>,
    /// `--data-dir`
    pub data_dir: Option<PathBuf>,
    /// `--public-base-url`
    pub public_base_url: Option<String>,
}

/// The variables of this process that are ours. What is not UTF-8 in a value is replaced, and then refused where it
/// matters.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok().filter(|name| name.starts_with(VARIABLE_PREFIX))?;
        Some((name, value.to_string_lossy().into_owned()))
    })
}

const VARIABLE_PREFIX: &str = "QNECT__";
/// No configuration is longer; a longer file is a mistake, and `/dev/zero` would not end.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The merged sources. No `Debug`: secrets stand here in clear.
pub(super) struct Layers {
    pub(super) table: Table,
    pub(super) origins: Origins,
    pub(super) problems: Vec<Problem>,
}

/// Where each key came from.
#[derive(Default)]
pub(super) struct Origins {
    file: Option<String>,
    by_path: BTreeMap<String, Place>,
}

impl Layers {
    pub(super) fn new(file: Option<&Path>, env: impl Iterator<Item = (String, String)>, flags: &Overrides) -> Self {
        let mut layers = Self { table: Table::new(), origins: Origins::default(), problems: Vec::new() };
        if let Some(path) = file {
            layers.lay_file(path);
        }
        // In the order of their names, so that the same environment always gives the same answer.
        let variables: BTreeMap<String, String> = env.collect();
        layers.lay_environment(variables);
        layers.lay_flags(flags);
        layers
    }

    fn lay_file(&mut self, path: &Path) {
        let file = path.display().to_string();
        self.origins.file = Some(file.clone());
        let text = match read_text(path) {
            Ok(text) => text,
            Err(error) => {
                let what = format!("can't read the file ({})", error.kind());
                let write = match error.kind() {
                    ErrorKind::InvalidData => "save it in UTF-8",
                    ErrorKind::FileTooLarge => "write at most 1 MiB",
                    _ => "write the path of a readable file",
                };
                self.problems.push(self.origins.problem("", what, write));
                return;
            }
        };
        let parsed = DeTable::parse(&text).and_then(|spans| Ok((spans, text.parse::<Table>()?)));
        match parsed {
            Ok((spans, table)) => {
                let mut note = |path: String, span: Range<usize>| {
                    let (line, column) = positions::line_and_column(&text, span.start);
                    self.origins.by_path.insert(path, Place::Line { file: file.clone(), line, column });
                };
                positions::note_table("", spans.get_ref(), &mut note);
                self.table = table;
            }
            Err(error) => self.problems.push(positions::syntax_problem(&file, &text, &error)),
        }
    }

    fn lay_environment(&mut self, variables: BTreeMap<String, String>) {
        for (name, value) in variables {
            let Some(rest) = name.strip_prefix(VARIABLE_PREFIX) else {
                continue;
            };
            let path = rest.to_lowercase().replace("__", ".");
            match keys::entry(&path) {
                // Upper case is the one spelling: a variable in two cases would have no winner.
                Entry::Key(key) if key.is_scalar() && rest == rest.to_uppercase() => {
                    let value = value_of(key, value);
                    self.lay(key, value, Place::Variable(name));
                }
                entry => self.problems.push(variable_problem(name, &path, &entry)),
            }
        }
    }

    fn lay_flags(&mut self, flags: &Overrides) {
        let address = |address: SocketAddr| Value::String(address.to_string());
        let data_dir = flags.data_dir.as_ref().map(|path| match path.to_str() {
            Some(path) => Value::String(path.to_owned()),
            // Not text, which is what the schema then says of it.
            None => Value::Array(Vec::new()),
        });
        let given = [
            ("--listen", "server.listen", flags.listen.map(address)),
            ("--ops-listen", "server.ops_listen", flags.ops_listen.map(address)),
            ("--data-dir", "storage.data_dir", data_dir),
            ("--public-base-url", "server.public_base_url", flags.public_base_url.clone().map(Value::String)),
        ];
        for (flag, path, value) in given {
            if let (Some(value), Entry::Key(key)) = (value, keys::entry(path)) {
                self.lay(key, value, Place::Flag(flag));
            }
        }
    }

    /// Sets one key, whatever stood there.
    fn lay(&mut self, key: &Key, value: Value, place: Place) {
        let mut table = &mut self.table;
        for name in key.section().split('.') {
            let entry = table.entry(name).or_insert_with(|| Value::Table(Table::new()));
            // A section that the file has as something else is the schema's to complain about.
            let Value::Table(section) = entry else { return };
            table = section;
        }
        // The other form of a secret, where the file has it, is beaten too. One from the environment stays, and two
        // forms there are a problem.
        if let Some(other) = other_form(key) {
            let other_path = format!("{}.{other}", key.section());
            if matches!(self.origins.by_path.get(&other_path), Some(Place::Line { .. })) {
                table.remove(&other);
                self.origins.by_path.remove(&other_path);
            }
        }
        table.insert(key.name().to_owned(), value);
        self.origins.by_path.insert(key.path.to_owned(), place);
    }
}

impl Origins {
    /// The place of `path`, or of the nearest thing around it that has one.
    pub(super) fn place(&self, path: &str) -> Place {
        let mut path = path;
        loop {
            if let Some(place) = self.by_path.get(path) {
                return place.clone();
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return self.file.clone().map_or(Place::Nowhere, Place::File),
            }
        }
    }

    pub(super) fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    pub(super) fn problem(&self, key: &str, what: impl Into<String>, write: impl Into<String>) -> Problem {
        Problem { place: self.place(key), key: key.to_owned(), what: what.into(), write: write.into() }
    }
}

/// The whole text of a file, read under its cap.
fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX { Err(ErrorKind::FileTooLarge.into()) } else { Ok(text) }
}

/// The full name of `name` in the section `prefix`.
pub(super) fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// A variable is text; what should be a number and isn't stays text, and the schema says so.
fn value_of(key: &Key, text: String) -> Value {
    match key.kind {
        Kind::Whole { .. } => text.parse().map_or(Value::String(text), Value::Integer),
        _ => Value::String(text),
    }
}

fn variable_problem(name: String, path: &str, entry: &Entry) -> Problem {
    let (what, write) = match entry {
        Entry::Key(key) if key.is_scalar() => ("is not in upper case", format!("write {}", variable_name(key.path))),
        Entry::Key(_) | Entry::Sections => ("is not one value", "write it in the file".to_owned()),
        Entry::Section => ("is a section", "write a variable for each of its keys".to_owned()),
        Entry::ProviderToCome => ("the adapter for this provider is not built yet", "remove the variable".to_owned()),
        Entry::Unknown => {
            let nearest = variable_name(keys::nearest_scalar(path));
            ("is not a variable that we know", format!("the nearest that we know is {nearest}"))
        }
    };
    Problem { place: Place::Variable(name), key: path.to_owned(), what: what.to_owned(), write }
}

fn variable_name(path: &str) -> String {
    format!("{VARIABLE_PREFIX}{}", path.to_uppercase().replace('.', "__"))
}

/// `auth_token` for `auth_token_file`, and the other way round.
fn other_form(key: &Key) -> Option<String> {
    match key.kind {
        Kind::Secret => Some(format!("{}_file", key.name())),
        Kind::SecretFile => key.name().strip_suffix("_file").map(str::to_owned),
        _ => None,
    }
}
