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
    let own = table.get("features").and_then(toml::Value::as_table);
    let (mut asked, mut waiting) = (wanted_of_others(table), vec!["default".to_owned()]);
    while let Some(feature) = waiting.pop() {
        let leads_to = own.and_then(|own| own.get(&feature)).map(words).unwrap_or_default();
        waiting.extend(leads_to.into_iter().filter(|feature| asked.insert(feature.clone())));
    }
    asked
}

/// The features that a table's dependencies are wanted with, but for tests.
fn wanted_of_others(table: &Table) -> BTreeSet<String> {
    let tables = |name: &str| table.get(name).and_then(toml::Value::as_table).into_iter().flatten();
    let wanted =
        tables("dependencies").chain(tables("build-dependencies")).filter_map(|(_, value)| value.get("features"));
    let of_targets = tables("target").filter_map(|(_, of)| of.as_table()).flat_map(wanted_of_others);
    wanted.flat_map(words).chain(of_targets).collect()
}

fn words(list: &toml::Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(toml::Value::as_str).map(str::to_owned).collect()
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
        "[package]\nname = \"a\"\n[features]\ndefault = [\"b\"]\nb = [\"i/j\"]\nc = [\"d\"]\n\
         [dependencies]\ne = { version = \"1\", features = [\"f\"] }\n\
         [dev-dependencies]\ng = { version = \"1\", features = [\"h\"] }\n\
         [target.'cfg(unix)'.dependencies]\nk = { version = \"1\", features = [\"l\"] }\n",
    );
    assert_eq!(manifest.unasked.iter().collect::<Vec<_>>(), ["b", "f", "i/j", "l"]);
}

#[test]
fn nothing_goes_wrong_on_purpose_in_a_build_that_nobody_asked_for_it() {
    let asks = |feature: &str| feature.rsplit('/').next() == Some("faults");
    let all = manifests().into_iter();
    let mut offences: Vec<_> = all.filter(|m| m.unasked.iter().any(|feature| asks(feature))).map(|m| m.name).collect();
    let workspace: Table =
        std::fs::read_to_string(root().join("Cargo.toml")).expect("a manifest").parse().expect("a table");
    let for_all = workspace["workspace"].as_table().map(wanted_of_others).unwrap_or_default();
    offences.extend(for_all.into_iter().filter(|feature| asks(feature)));
    keep("no crate has `faults` by default, or needs it", "a release panics for no other reason than a bug", offences);
}
