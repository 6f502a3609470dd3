//! The lying disk by itself: it undoes exactly what it says, and fails where it is told to.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use rustix::fs::{FallocateFlags, fallocate};
use tempfile::{NamedTempFile, TempDir};

use crate::disk::{Disk, Failure, Faults, Kinds};
use crate::random::{Random, seed};
use crate::rewind::{Loss, Names, rewind};

/// What a file that is not there "contains", for comparing.
type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// A process of its own on a lying disk: this one here, called with a script.
struct Hands {
    disk: Disk,
    folder: TempDir,
    /// What the process saw, beside the watched folder.
    seen: NamedTempFile,
}

impl Hands {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { disk: Disk::build(), folder, seen: NamedTempFile::new().expect("a temporary file") }
    }

    /// Carries out a script in the watched folder, with an undo log.
    fn carry_out(&mut self, script: &str) -> Output {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "lying::hands", "--ignored", "--nocapture"]);
        command.envs(self.disk.environment(self.folder.path(), true));
        command.env("QNECT_HANDS", script).env("QNECT_SEEN", self.seen.path()).current_dir(self.folder.path());
        command.output().expect("this program runs")
    }

    fn succeed(&mut self, script: &str) {
        let output = self.carry_out(script);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn lose_power(&self, loss: Loss, names: Names) -> Tree {
        rewind(&self.disk.log(), self.folder.path(), loss, names, &mut Random::of(1, 1));
        tree(self.folder.path())
    }
}

/// Runs only as a process of its own.
#[test]
#[ignore = "the hands of the tests here"]
fn hands() {
    let Ok(script) = std::env::var("QNECT_HANDS") else { return };
    match script.as_str() {
        "names" => names(),
        "bytes" => bytes(),
        "sync twice" => sync_twice(),
        "write" => fs::write("a", vec![7; 10_000]).expect("a written file"),
        "until full" => until_full(),
        "slow" => slow(),
        chance => at_random(chance.parse().expect("a seed")),
    }
}

fn sync_folder() {
    File::open(".").and_then(|folder| folder.sync_all()).expect("a synced folder");
}

fn names() {
    fs::write("removed", "1").expect("a file");
    fs::write("moved", "2").expect("a file");
    fs::write("replaced", "3").expect("a file");
    fs::create_dir("emptied").expect("a folder");
    fs::write("emptied/file", "4").expect("a file");
    for path in ["removed", "moved", "replaced", "emptied/file"] {
        File::open(path).and_then(|file| file.sync_all()).expect("a synced file");
    }
    sync_folder();
    fs::remove_file("removed").expect("removed");
    fs::rename("moved", "replaced").expect("moved");
    fs::remove_file("emptied/file").expect("removed");
    fs::remove_dir("emptied").expect("removed");
    fs::create_dir("new").expect("a folder");
    fs::create_dir("new/inside").expect("a folder");
    fs::write("new/inside/file", "5").expect("a file");
    File::open("new/inside/file").and_then(|file| file.sync_all()).expect("a synced file");
    fs::write("forgotten", "6").expect("a file");
}

#[test]
fn names_are_kept_by_a_sync_of_their_folder_and_new_ones_by_that_of_their_file() {
    let mut hands = Hands::new();
    hands.succeed("names");
    let kept = hands.lose_power(Loss::All, Names::WithFile);
    let file = |text: &str| Some(text.as_bytes().to_vec());
    let mut expected = Tree::from([
        ("removed".into(), file("1")),
        ("moved".into(), file("2")),
        ("replaced".into(), file("3")),
        ("emptied".into(), None),
        ("emptied/file".into(), file("4")),
        ("new".into(), None),
        ("new/inside".into(), None),
        ("new/inside/file".into(), file("5")),
    ]);
    assert_eq!(kept, expected);
    let mut hands = Hands::new();
    hands.succeed("names");
    let kept = hands.lose_power(Loss::All, Names::ByFolder);
    // Nobody synced the folders of these.
    ["emptied/file", "new", "new/inside", "new/inside/file"]
        .iter()
        .for_each(|path| drop(expected.remove(Path::new(path))));
    assert_eq!(kept, expected);
}

fn bytes() {
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).open("a").expect("a new file");
    file.write_all(&[1; 9_000]).expect("written");
    file.sync_data().expect("synced");
    file.write_all_at(&[2; 100], 50).expect("written");
    file.seek(SeekFrom::End(0)).expect("an end");
    file.write_all(&[3; 100]).expect("written");
    file.set_len(4_000).expect("cut");
    file.set_len(12_000).expect("longer");
    fallocate(&file, FallocateFlags::empty(), 12_000, 1_000).expect("longer");
    let mut again = OpenOptions::new().append(true).open("a").expect("the file");
    again.write_all(&[4; 10]).expect("written");
    // Copied by the kernel, where it may.
    fs::copy("a", "b").expect("a copy");
    File::create("a").expect("emptied");
}

#[test]
fn bytes_are_kept_by_a_sync_of_their_file() {
    let mut hands = Hands::new();
    hands.succeed("bytes");
    let kept = hands.lose_power(Loss::All, Names::WithFile);
    assert_eq!(kept, Tree::from([("a".into(), Some(vec![1; 9_000]))]));
}

fn sync_twice() {
    let file = File::create("a").expect("a new file");
    file.write_all_at(&[1; 8_192], 0).expect("written");
    assert!(file.sync_all().is_err(), "the disk is broken once");
    file.write_all_at(&[2; 10], 0).expect("written");
    file.sync_all().expect("the second sync says yes");
    file.sync_all().expect("and a third");
}

#[test]
fn after_a_sync_that_failed_a_later_one_brings_back_only_what_is_written_again() {
    let mut hands = Hands::new();
    hands.disk.plan(&Faults { kinds: Kinds::SYNC, from: 1, ..Faults::NONE });
    hands.succeed("sync twice");
    assert_eq!((hands.disk.happened().seen, hands.disk.happened().failed), (3, 1));
    let kept = hands.lose_power(Loss::All, Names::WithFile);
    let first_page = [[2; 10].as_slice(), &[1; 4_086]].concat();
    assert_eq!(kept, Tree::from([("a".into(), Some([first_page, vec![0; 4_096]].concat()))]));
}

#[test]
fn calls_fail_where_they_are_told_to() {
    let mut hands = Hands::new();
    // Opened, then written.
    for (from, how, length) in [
        (1, Failure::Broken, None),
        (2, Failure::Full, Some(0)),
        (2, Failure::HalfThenFull, Some(5_000)),
        (3, Failure::Broken, Some(10_000)),
        (1, Failure::Interrupted, Some(10_000)),
        (2, Failure::Interrupted, Some(10_000)),
    ] {
        hands.disk.plan(&Faults { from, how, ..Faults::NONE });
        let output = hands.carry_out("write");
        let is_told = !output.status.success();
        assert_eq!(is_told, from < 3 && how != Failure::Interrupted, "{from} {how:?}");
        let happened = hands.disk.happened();
        assert_eq!(happened.failed, u64::from(from < 3), "{from} {how:?}: {happened:?}");
        assert_eq!(happened.first_failed.is_some(), from < 3);
        let found = fs::read(hands.folder.path().join("a")).ok().map(|bytes| bytes.len());
        assert_eq!(found, length, "{from} {how:?}: {happened:?}");
        let _ = fs::remove_file(hands.folder.path().join("a"));
    }
}

fn until_full() {
    let mut file = File::create("a").expect("a new file");
    let full = loop {
        if let Err(e) = file.write_all(&[7; 1_000]) {
            break e;
        }
    };
    assert_eq!(full.kind(), ErrorKind::StorageFull);
    assert_eq!(File::create("b").expect_err("no room for a name").kind(), ErrorKind::StorageFull);
    file.set_len(100_000).expect("a hole needs no room");
}

#[test]
fn a_full_disk_takes_no_more() {
    let mut hands = Hands::new();
    hands.disk.plan(&Faults { space: Some(12_345), ..Faults::NONE });
    hands.succeed("until full");
    let bytes = fs::read(hands.folder.path().join("a")).expect("a file");
    assert_eq!(bytes.iter().filter(|byte| **byte == 7).count(), 12_345);
}

fn slow() {
    let started = Instant::now();
    let mut file = File::options().read(true).write(true).create_new(true).open("a").expect("a new file");
    file.write_all(b"x").expect("written");
    file.sync_all().expect("synced");
    file.rewind().expect("the beginning");
    file.read_exact(&mut [0]).expect("read");
    assert!(started.elapsed() >= Duration::from_millis(300), "a disk takes at least the time that it is told to");
}

#[test]
fn a_slow_disk_is_slow() {
    let mut hands = Hands::new();
    let (sync, read) = (Duration::from_millis(200), Duration::from_millis(100));
    hands.disk.plan(&Faults { sync, read, ..Faults::NONE });
    hands.succeed("slow");
    assert_eq!((hands.disk.happened().syncs, hands.disk.happened().syncs_waiting), (1, 0));
}

/// Works at random, syncs all there is, and says what there is then; works on, and ends.
fn at_random(seed: u64) {
    let mut random = Random::of(seed, 0);
    (0..200).for_each(|_| work(&mut random, 9));
    let before = tree(Path::new("."));
    for (path, content) in &before {
        File::open(path).and_then(|there| there.sync_all()).expect("synced");
        assert!(content.is_some() || path.is_dir());
    }
    sync_folder();
    let there = format!("{:?}", tree(Path::new(".")));
    fs::write(std::env::var_os("QNECT_SEEN").expect("a path outside"), there).expect("written");
    (0..200).for_each(|_| work(&mut random, 8));
}

/// Of nine things that can be done, the last one is a sync.
fn work(random: &mut Random, things: usize) {
    let folder = ["", "one/", "two/"][random.below(3)];
    let _ = fs::create_dir(folder);
    let (name, other) = (format!("{folder}{}", random.below(4)), format!("{folder}{}", random.below(4)));
    let file = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&name).expect("a file");
    // What fails, fails: there may be no such file.
    match random.below(things) {
        0 => drop(fs::remove_file(&name)),
        1 => drop(fs::rename(&name, &other)),
        2 => file().set_len(random.below(20_000) as u64).expect("another length"),
        3 => drop(File::create(&name).expect("an emptied file")),
        4 => drop(fs::remove_dir_all(folder)),
        5 => drop(fs::copy(&name, &other)),
        8 => drop(file().sync_all()),
        _ => {
            let bytes = vec![random.below(256) as u8; 1 + random.below(9_000)];
            file().write_all_at(&bytes, random.below(12_000) as u64).expect("written");
        }
    }
}

#[test]
fn whatever_is_done_after_a_sync_of_everything_is_undone_to_the_byte() {
    let mut hands = Hands::new();
    let seed = seed();
    for (round, loss) in (0..).zip([Loss::All, Loss::SyncedToo, Loss::All, Loss::SyncedToo, Loss::All, Loss::All]) {
        hands.folder = tempfile::tempdir().expect("a temporary folder");
        hands.succeed(&(seed.wrapping_add(round) >> 1).to_string());
        let kept = hands.lose_power(loss, Names::WithFile);
        let expected = match loss {
            Loss::SyncedToo => format!("{:?}", Tree::new()),
            _ => fs::read_to_string(hands.seen.path()).expect("what there was"),
        };
        assert_eq!(format!("{kept:?}"), expected, "round {round}, {loss:?}");
    }
}

/// All files with their content and all folders below one.
fn tree(folder: &Path) -> Tree {
    let mut found = Tree::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(folder).expect("a path in the folder").to_owned();
            if path.is_dir() {
                found.insert(name, None);
                folders.push(path);
            } else {
                found.insert(name, Some(fs::read(path).expect("a file")));
            }
        }
    }
    found
}
