//! The doctor on a disk that lies: what is wrong with it is told, nothing is lost by the look, and nobody waits for ever.

use std::time::Duration;

use serde_json::Value;

use crate::disk::{Disk, Failure, Faults, Kinds};
use crate::folder::{Folder, owner, stderr, stdout};

/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:9";
/// Bytes that are free on a disk that is all but full: less than a hundredth of any, and not none.
const HARDLY_ANY: u64 = 1024 * 1024;

/// A folder with a database, on a disk of its own.
struct Ward {
    folder: Folder,
    disk: Disk,
}

impl Ward {
    fn new() -> Self {
        let folder = Folder::new();
        folder.import(&[owner("+919800000017")]);
        Self { folder, disk: Disk::build() }
    }

    /// All checks on a disk with these faults.
    fn examine(&mut self, faults: &Faults) -> Value {
        self.disk.plan(faults);
        let mut command = self.folder.command(&["doctor", "--json", "--config", &self.folder.text("qnect.toml")]);
        command.envs(self.disk.environment(&self.folder.data(), false));
        let output = command.env("QNECT__SERVER__PUBLIC_BASE_URL", NOBODY).output().expect("the binary runs");
        let told: Value = serde_json::from_str(&stdout(&output)).unwrap_or_else(|_| panic!("{}", stderr(&output)));
        assert_eq!(output.status.code(), Some(i32::from(told["state"] == "fail")), "{told}");
        told["checks"].clone()
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.data()).expect("a folder");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        names.into_iter().map(|name| name.into_string().expect("a name in UTF-8")).collect()
    }
}

/// State and text of one of the checks.
#[track_caller]
fn told<'a>(checks: &'a Value, id: &str) -> (&'a str, &'a str) {
    let check = checks.as_array().expect("checks").iter().find(|check| check["id"] == id);
    let check = check.unwrap_or_else(|| panic!("no {id}: {checks}"));
    (check["state"].as_str().expect("a state"), check["text"].as_str().expect("a text"))
}

#[test]
fn a_slow_disk_is_told_by_how_slow_it_is() {
    let mut ward = Ward::new();
    let checks = ward.examine(&Faults { sync: Duration::from_millis(60), ..Faults::NONE });
    let (state, text) = told(&checks, "disk_sync");
    assert!(state != "ok" && text.contains("faster disk"), "{state}: {text}");
    let checks = ward.examine(&Faults { sync: Duration::from_millis(510), ..Faults::NONE });
    let (state, text) = told(&checks, "disk_sync");
    assert!(state == "fail" && text.contains("callers would wait"), "{state}: {text}");
    assert_eq!(told(&checks, "database").0, "ok");
}

#[test]
fn a_disk_that_is_all_but_full_is_told_and_keeps_its_ballast() {
    let mut ward = Ward::new();
    let before = ward.files();
    assert!(before.contains(&"ballast".to_owned()), "{before:?}");
    let checks = ward.examine(&Faults { free: Some(HARDLY_ANY), ..Faults::NONE });
    assert_eq!(told(&checks, "disk_space").0, "fail", "{checks}");
    let checks = ward.examine(&Faults { space: Some(0), ..Faults::NONE });
    let (state, text) = told(&checks, "disk_sync");
    assert!(state == "fail" && text.contains("No space left"), "{state}: {text}");
    assert_eq!(ward.files(), before);
}

#[test]
fn a_broken_disk_is_told_and_nothing_is_left_on_it() {
    let mut ward = Ward::new();
    let before = ward.files();
    let broken = |kinds| Faults { kinds, from: 1, lasting: true, how: Failure::Broken, ..Faults::NONE };
    let checks = ward.examine(&broken(Kinds::SYNC));
    assert_eq!(told(&checks, "disk_sync").0, "fail", "{checks}");
    let checks = ward.examine(&broken(Kinds::READ));
    assert_eq!(told(&checks, "database").0, "fail", "{checks}");
    assert_eq!(ward.files(), before);
    assert_eq!(told(&ward.examine(&Faults::NONE), "database").0, "ok");
}

#[test]
fn a_disk_that_hangs_keeps_nothing_else_from_being_told() {
    let mut ward = Ward::new();
    let before = ward.files();
    let checks = ward.examine(&Faults { sync: Duration::from_secs(24 * 3_600), ..Faults::NONE });
    for id in ["disk_sync", "data_folder"] {
        let (state, text) = told(&checks, id);
        assert!(state == "fail" && text.contains("no answer within"), "{id}: {state}: {text}");
    }
    for id in ["configuration", "key_file", "clock", "cores"] {
        assert_eq!(told(&checks, id).0, "ok", "{checks}");
    }
    assert_eq!(told(&checks, "public_url").0, "warn");
    // What it could not remove, the next one removes.
    assert_eq!(told(&ward.examine(&Faults::NONE), "database").0, "ok");
    assert_eq!(ward.files(), before);
}
