//! Invariant 3, in the sources: an actor is reachable only through a visit.

use std::path::{Path, PathBuf};

#[test]
fn addresses_of_actors_are_known_to_visits_alone() {
    let sources = sources();
    assert!(sources.len() > 10, "the sources were found");
    for (path, text) in &sources {
        let name = path.file_name().unwrap().to_str().unwrap();
        // The one field that holds an address, and the one line that sends to it.
        let (fields, sends) = if name == "visit.rs" { (1, 1) } else { (0, 0) };
        assert_eq!(text.matches("Addr<").count(), fields, "{name} names an address");
        assert_eq!(text.matches("address.send(").count(), sends, "{name} sends to an actor");
        let starts = usize::from(name == "engine.rs");
        assert_eq!(text.matches("Addr::new(").count(), starts, "{name} starts actors");
    }
}

#[test]
fn no_actor_is_told_anything_without_waiting() {
    for (path, text) in sources() {
        for call in [".do_send(", "address.try_send(", ".recipient(", ".downgrade()"] {
            assert!(!text.contains(call), "{} uses {call}", path.display());
        }
    }
}

#[test]
fn no_actix_type_shows_in_the_public_face() {
    for (path, text) in sources() {
        for line in text.lines().map(str::trim_start).filter(|line| line.starts_with("pub ")) {
            for word in ["Addr<", "Arbiter", "Recipient", "actix"] {
                assert!(!line.contains(word), "{}: {line}", path.display());
            }
        }
    }
}

/// All sources of the engine but its tests.
fn sources() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .map(|path| (path.clone(), std::fs::read_to_string(path).unwrap()))
        .collect()
}
