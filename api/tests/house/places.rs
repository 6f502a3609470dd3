//! Files: what they are about, and what they must not remember of the machine that they were written on.

use crate::keep;
use crate::source::{files, root};

const MAIN_LINES_MAX: usize = 150;

/// Kinds of files that are run or read by a machine. Documents may name a path as an example.
const KINDS: [&str; 13] =
    ["rs", "toml", "sh", "py", "lua", "html", "css", "js", "yml", "yaml", "json", "service", "conf"];

/// What clippy must go on refusing, and what would be lost without.
const REFUSED: [(&str, &str); 5] = [
    ("dashmap::mapref::one::Ref", "a guard of a dashmap across an await deadlocks"),
    ("dashmap::mapref::one::RefMut", "a guard of a dashmap across an await deadlocks"),
    ("std::sync::MutexGuard", "a lock across an await stalls an arbiter"),
    ("actix::Addr::do_send", "a message past the count of visits has no bound"),
    ("std::time::SystemTime::now", "time is read in one place"),
];

#[test]
fn no_file_remembers_the_machine_it_was_written_on() {
    let mut offences = Vec::new();
    for path in files() {
        let name = path.to_string_lossy().replace('\\', "/");
        let script = path.extension().is_none() && !name.starts_with("LICENSE");
        let kind = path.extension().is_some_and(|e| KINDS.iter().any(|kind| e == *kind));
        if !script && !kind {
            continue;
        }
        // What is not text names nobody's home.
        if let Ok(text) = std::fs::read_to_string(root().join(&path)) {
            offences.extend(machine_paths(&text).into_iter().map(|line| format!("{name}:{line}")));
        }
    }
    keep("no absolute path of a machine in a source or a script", "a clone works wherever it stands", offences);
}

#[test]
fn the_main_file_only_parses() {
    let main = std::fs::read_to_string(root().join("api/src/main.rs")).expect("the main file");
    keep(
        &format!("main.rs has at most {MAIN_LINES_MAX} lines"),
        "it turns arguments into a call; whatever else it does cannot be tested",
        too_long(&main),
    );
}

#[test]
fn clippy_goes_on_refusing() {
    let text = std::fs::read_to_string(root().join("clippy.toml")).expect("clippy's configuration");
    let workspace = std::fs::read_to_string(root().join("Cargo.toml")).expect("the workspace's manifest");
    keep(
        "clippy.toml lists what may not be called or held, and the lints deny it",
        "these bans are kept by the compiler as long as they stand there",
        not_refused(&text, &workspace),
    );
}

/// Lines with a path that begins in a home, in the superuser's, in a scratch folder or in a workshop.
fn machine_paths(text: &str) -> Vec<usize> {
    // In two parts, so that this file does not hold what it looks for.
    let folders = ["root", "home", "work", "tmp"].map(|name| format!("/{name}/"));
    let begins = |line: &str, at: usize| {
        line[..at]
            .chars()
            .next_back()
            .is_none_or(|c| matches!(c, '"' | '\'' | '`' | '=' | '(' | '[' | ':' | ' ' | '\t'))
    };
    let hit =
        |line: &str| folders.iter().any(|folder| line.match_indices(folder.as_str()).any(|(at, _)| begins(line, at)));
    text.lines().enumerate().filter(|(_, line)| hit(line)).map(|(index, _)| index + 1).collect()
}

fn too_long(text: &str) -> Vec<String> {
    let lines = text.lines().count();
    (lines > MAIN_LINES_MAX).then(|| format!("it has {lines}")).into_iter().collect()
}

fn not_refused(clippy: &str, workspace: &str) -> Vec<String> {
    let clippy: toml::Table = clippy.parse().expect("clippy's configuration");
    let lists = ["disallowed-methods", "await-holding-invalid-types"].map(|list| clippy.get(list));
    let entries = lists.into_iter().flatten().filter_map(toml::Value::as_array).flatten();
    let paths: Vec<&str> = entries.filter_map(|entry| entry.get("path").unwrap_or(entry).as_str()).collect();
    let missing = REFUSED.iter().filter(|(path, _)| !paths.contains(path));
    let missing = missing.map(|(path, lost)| format!("{path} is not refused any more: {lost}"));
    let workspace: toml::Table = workspace.parse().expect("the workspace's manifest");
    let level = |lint: &&str| workspace["workspace"]["lints"]["clippy"].get(*lint).and_then(toml::Value::as_str);
    let lints = ["await_holding_invalid_type", "disallowed_methods"];
    let lax = lints.into_iter().filter(|lint| level(lint) != Some("deny"));
    missing.chain(lax.map(|lint| format!("clippy's {lint} is not denied"))).collect()
}

#[test]
fn broken_places_are_seen() {
    let path = ["/ho", "me/somebody/project"].concat();
    let text = format!("a = \"{path}\"\nurl = \"https://example{path}\"\n{path}\n../tmp/x\ncd {path}\nPATH=a:{path}\n");
    assert_eq!(machine_paths(&text), [1, 3, 5, 6]);
    assert_eq!(too_long(&"\n".repeat(151)).len(), 1);
    assert_eq!(too_long(&"\n".repeat(150)).len(), 0);
    let clippy = "disallowed-methods = [\"actix::Addr::do_send\"]\nawait-holding-invalid-types = []\n";
    let workspace = "[workspace.lints.clippy]\nawait_holding_invalid_type = \"warn\"\ndisallowed_methods = \"deny\"\n";
    assert_eq!(not_refused(clippy, workspace).len(), 5);
}
