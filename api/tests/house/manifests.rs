//! `Cargo.toml` files.

use std::collections::BTreeSet;

use toml::Table;

use crate::keep;
use crate::source::root;

/// A crate of the workspace.
pub(crate) struct Manifest {
    /// `qnect-core` and the like.
    pub(crate) name: String,
    /// What it is built from.
    pub(crate) dependencies: BTreeSet<String>,
    /// What its tests and benches need beside that.
    pub(crate) for_tests: BTreeSet<String>,
    /// Features of it, or of what it is built from, that a build has whether or not somebody asks for them.
    pub(crate) unasked: BTreeSet<String>,
}

impl Manifest {
    /// Reads a manifest; a renamed dependency counts by its real name.
    pub(crate) fn of(text: &str) -> Self {
        let table: Table = text.parse().expect("a manifest");
        let name = table["package"]["name"].as_str().expect("a name").to_owned();
        let (mut dependencies, mut for_tests) = (BTreeSet::new(), BTreeSet::new());
        collect(&table, &mut dependencies, &mut for_tests);
        Self { name, dependencies, for_tests, unasked: unasked(&table) }
    }

    /// Everything that it depends on in any way, but itself.
    pub(crate) fn all(&self) -> impl Iterator<Item = &String> {
        self.dependencies.union(&self.for_tests).filter(|name| **name != self.name)
    }
}

fn collect(table: &Table, dependencies: &mut BTreeSet<String>, for_tests: &mut BTreeSet<String>) {
    let sections = [("dependencies", 0), ("build-dependencies", 0), ("dev-dependencies", 1)];
    for (section, into) in sections {
        for (name, value) in table.get(section).and_then(toml::Value::as_table).into_iter().flatten() {
            let real = value.get("package").and_then(toml::Value::as_str).unwrap_or(name);
            [&mut *dependencies, &mut *for_tests][into].insert(real.to_owned());
        }
    }
    for (_, of_target) in table.get("target").and_then(toml::Value::as_table).into_iter().flatten() {
        collect(of_target.as_table().expect("a target's table"), dependencies, for_tests);
    }
}

fn unasked(table: &Table) -> BTreeSet<String> {
    let of = |section: Option<&toml::Value>| section.and_then(toml::Value::as_table).cloned().unwrap_or_default();
    let default = of(table.get("features")).remove("default").into_iter();
    let needed = of(table.get("dependencies")).into_iter().filter_map(|(_, value)| value.get("features").cloned());
    let lists = default.chain(needed).filter_map(|list| list.as_array().cloned());
    lists.flatten().filter_map(|feature| feature.as_str().map(str::to_owned)).collect()
}

/// All crates of the workspace.
pub(crate) fn manifests() -> Vec<Manifest> {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("a manifest");
    let workspace: Table = read("Cargo.toml").parse().expect("the workspace's manifest");
    let members = workspace["workspace"]["members"].as_array().expect("members");
    members.iter().map(|m| Manifest::of(&read(&format!("{}/Cargo.toml", m.as_str().expect("a path"))))).collect()
}

#[test]
fn every_kind_of_dependency_is_seen() {
    let manifest = Manifest::of(
        "[package]\nname = \"a\"\n[dependencies]\nb.workspace = true\nc = { package = \"d\", version = \"1\" }\n\
         [dev-dependencies]\na = { path = \".\" }\ne = \"1\"\n[build-dependencies]\nf = \"1\"\n\
         [target.'cfg(unix)'.dependencies]\ng = \"1\"\n",
    );
    assert_eq!(manifest.dependencies.iter().collect::<Vec<_>>(), ["b", "d", "f", "g"]);
    assert_eq!(manifest.all().collect::<Vec<_>>(), ["b", "d", "e", "f", "g"]);
}

#[test]
fn every_feature_that_nobody_asks_for_is_seen() {
    let manifest = Manifest::of(
        "[package]\nname = \"a\"\n[features]\ndefault = [\"b\"]\nc = [\"d\"]\n\
         [dependencies]\ne = { version = \"1\", features = [\"f\"] }\n\
         [dev-dependencies]\ng = { version = \"1\", features = [\"h\"] }\n",
    );
    assert_eq!(manifest.unasked.iter().collect::<Vec<_>>(), ["b", "f"]);
}

#[test]
fn nothing_goes_wrong_on_purpose_in_a_build_that_nobody_asked_for_it() {
    let asks = |feature: &str| feature.rsplit('/').next() == Some("faults");
    let all = manifests().into_iter();
    let offences: Vec<_> = all.filter(|m| m.unasked.iter().any(|feature| asks(feature))).map(|m| m.name).collect();
    keep("no crate has `faults` by default, or needs it", "a release panics for no other reason than a bug", offences);
}
