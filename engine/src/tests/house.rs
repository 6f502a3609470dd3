//! Invariant 3, in the sources: an actor is reachable only through a visit.

use std::path::{Path, PathBuf};

#[test]
fn addresses_of_actors_are_known_to_visits_alone() {
    let sources = sources();
    assert!(sources.len() > 10, "the sources were found");
    for (path, text) in &sources {
        let name = path.file_name().unwrap().to_str().unwrap();
        if name != "visit.rs" {
            assert!(!text.contains("Addr<"), "{name} names an address");
        }
        // `start_in_arbiter` in engine.rs makes the one address; registry.rs only asks whether it is connected.
        for (number, line) in text.lines().enumerate() {
            let allowed = match name {
                "visit.rs" => line.contains(".address"),
                "registry.rs" => line.contains("active.address.connected()"),
                _ => false,
            };
            assert!(
                allowed || !line.contains(".address.") || line.contains("policy.address"),
                "{name}:{} reaches for an address",
                number + 1
            );
        }
    }
}

#[test]
fn no_actor_is_told_anything_without_waiting() {
    for (path, text) in sources() {
        assert!(!text.contains(".do_send("), "{} uses do_send", path.display());
        assert!(!text.contains("address.try_send("), "{} uses try_send", path.display());
        assert!(!text.contains(".recipient("), "{} hands out a recipient", path.display());
    }
}

#[test]
fn no_actix_type_shows_in_the_public_face() {
    for (path, text) in sources() {
        for line in text.lines().map(str::trim_start).filter(|line| line.starts_with("pub ")) {
            for word in ["Addr", "Arbiter", "Recipient", "actix"] {
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
