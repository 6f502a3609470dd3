//! The table of rooms: which crate may know which.

use crate::keep;
use crate::manifests::{Manifest, manifests};

/// Each room, and the rooms that it may import. Everything else of ours is a stranger to it.
const ROOMS: [(&str, &[&str]); 8] = [
    ("qnect-core", &[]),
    ("qnect-storage", &["qnect-core"]),
    ("qnect-engine", &["qnect-core", "qnect-storage"]),
    ("qnect-providers", &["qnect-core"]),
    ("qnect-api", &["qnect-core", "qnect-storage", "qnect-engine", "qnect-providers", "qnect-simulator"]),
    ("qnect-simulator", &[]),
    ("qnect-loadtest", &["qnect-simulator"]),
    (
        "qnect-benches",
        &["qnect-core", "qnect-storage", "qnect-engine", "qnect-providers", "qnect-api", "qnect-simulator"],
    ),
];

/// What the core is built from: small, pure, and without a runtime, a clock, randomness or I/O.
const PURE: [&str; 7] = ["arrayvec", "hmac", "jiff", "sha2", "subtle", "thiserror", "zeroize"];

/// Libraries that one room alone may touch: there is one place to look when they change.
const KEEPERS: [(&[&str], &[&str]); 4] = [
    (&["actix", "actix-rt"], &["qnect-engine"]),
    (&["fjall"], &["qnect-storage"]),
    (&["axum", "askama", "tower"], &["qnect-api"]),
    (
        &["http", "hyper", "hyper-util", "http-body-util"],
        &["qnect-api", "qnect-simulator", "qnect-loadtest", "qnect-benches"],
    ),
];

/// What a room must not be built from, beside what [`KEEPERS`] keeps away: the wire's formats stay at the doors.
const STRANGERS: [(&str, &[&str]); 4] = [
    ("qnect-storage", &["serde", "serde_json"]),
    ("qnect-engine", &["serde", "serde_json"]),
    ("qnect-providers", &["serde", "tokio", "reqwest"]),
    ("qnect-core", &["serde", "serde_json", "tokio", "tracing", "metrics", "getrandom", "rand"]),
];

#[test]
fn rooms_know_only_the_rooms_that_they_may() {
    keep(
        "the table of rooms",
        "a wall that is a crate is kept by the compiler, and this table says which walls there are",
        walls_broken(&manifests()),
    );
}

#[test]
fn the_core_is_built_from_pure_crates() {
    keep(
        "the core's dependencies are a closed list",
        "the core decides and never waits: whatever it is built from must be as pure as itself",
        impure(&manifests()),
    );
}

#[test]
fn a_library_has_its_keeper() {
    keep(
        "actix in the engine, fjall in the storage, HTTP at the doors",
        "words of the outside stop at the doors, and a library's hazards are known in one place",
        strayed(&manifests()),
    );
}

fn walls_broken(manifests: &[Manifest]) -> Vec<String> {
    let mut broken = Vec::new();
    for manifest in manifests {
        let Some((_, may)) = ROOMS.iter().find(|(room, _)| *room == manifest.name) else {
            broken.push(format!("{} is no room of the table: say there what it may import", manifest.name));
            continue;
        };
        let ours = manifest.all().filter(|name| name.starts_with("qnect-"));
        broken.extend(
            ours.filter(|name| !may.contains(&name.as_str())).map(|name| format!("{} imports {name}", manifest.name)),
        );
    }
    broken
}

fn impure(manifests: &[Manifest]) -> Vec<String> {
    let core = manifests.iter().find(|m| m.name == "qnect-core").expect("the core");
    let strange = core.dependencies.iter().filter(|name| !PURE.contains(&name.as_str()));
    strange.map(|name| format!("qnect-core is built from {name}")).collect()
}

fn strayed(manifests: &[Manifest]) -> Vec<String> {
    let mut strayed = Vec::new();
    for manifest in manifests {
        for name in &manifest.dependencies {
            let kept = KEEPERS.iter().find(|(libraries, _)| libraries.contains(&name.as_str()));
            let by_others = kept.is_some_and(|(_, keepers)| !keepers.contains(&manifest.name.as_str()));
            let banned = STRANGERS.iter().any(|(room, names)| *room == manifest.name && names.contains(&name.as_str()));
            if by_others || banned {
                strayed.push(format!("{} is built from {name}", manifest.name));
            }
        }
    }
    strayed
}

#[test]
fn broken_walls_are_seen() {
    let manifest =
        |name: &str, dependencies: &str| Manifest::of(&format!("[package]\nname = \"{name}\"\n{dependencies}"));
    let core = manifest("qnect-core", "[dependencies]\nqnect-storage = \"1\"\nrand = \"1\"\n");
    let engine = manifest("qnect-engine", "[dev-dependencies]\nqnect-api = \"1\"\n[dependencies]\nhttp = \"1\"\n");
    let loadtest = manifest("qnect-loadtest", "[dependencies]\nqnect-core = \"1\"\n");
    let nobody = manifest("qnect-cellar", "");
    let providers = manifest("qnect-providers", "[dependencies]\nactix = \"1\"\ntokio = \"1\"\n");
    let house = [core, engine, loadtest, nobody, providers];
    assert_eq!(walls_broken(&house).len(), 4, "{:?}", walls_broken(&house));
    assert_eq!(impure(&house).len(), 2, "{:?}", impure(&house));
    assert_eq!(strayed(&house).len(), 4, "{:?}", strayed(&house));
    let right =
        [manifest("qnect-storage", "[dependencies]\nqnect-core = \"1\"\n[dev-dependencies]\nqnect-storage = \"1\"\n")];
    assert_eq!(walls_broken(&right), Vec::<String>::new(), "a crate may test itself with other features");
}
