//! Backups: made while calls are made, restored elsewhere, and what a newcomer is told on the way.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use qnect_simulator::Faults;

use crate::calls::{call, network, owner_phone};
use crate::folder::{Folder, owner, stderr, stdout};
use crate::server::{Opened, Server};

const OWNERS: usize = 3;
/// So many that their backup does not fit into a socket and the few pieces that wait.
const CROWD: usize = 6_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with owners: theirs are the codes.
fn furnished() -> (Folder, Vec<String>) {
    let folder = Folder::new();
    let owners: Vec<_> = (0..OWNERS).map(|n| owner(&owner_phone(n))).collect();
    let codes = folder.import(&owners);
    (folder, codes)
}

/// A folder without data, under the same master key.
fn elsewhere(folder: &Folder) -> Folder {
    let other = Folder::without_key();
    other.take_key_of(folder);
    other
}

fn back_up(folder: &Folder, name: &str) -> Output {
    folder.operate(&["backup", "--out", &folder.text(name)])
}

fn back_up_keys(folder: &Folder, name: &str) -> Output {
    folder.operate(&["keys", "backup", "--out", &folder.text(name)])
}

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    stdout(output)
}

fn logical_hash(told: &str) -> &str {
    let hash = told.lines().find_map(|line| line.strip_prefix("logical hash ")).expect("a hash");
    assert_eq!(hash.len(), 64, "{told}");
    hash
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_made_while_calls_are_made_serves_elsewhere() {
    let (folder, codes) = furnished();
    let folder = Arc::new(folder);
    let server = Server::start(&folder);
    let phones = network(&server, Faults::default());
    let before = server.open(&codes[0], "blocking").await;
    assert!(call(&phones, 0, &before).await.bridged);
    assert_eq!(server.outcome(&before.session).await, "completed");
    let waiting = server.open(&codes[1], "lights_on").await;

    let operator = folder.clone();
    let backup = tokio::task::spawn_blocking(move || {
        let made = ["first", "second", "third"].map(|name| done(&back_up(&operator, name)));
        done(&back_up_keys(&operator, "keys"));
        made
    });
    let mut calls = 0;
    while !backup.is_finished() || calls == 0 {
        let opened = server.open(&codes[2], "window_open").await;
        assert!(call(&phones, 2 + calls, &opened).await.bridged, "a backup disturbs no call");
        calls += 1;
        if calls % 5 == 0 {
            // A tag rings six times an hour.
            break;
        }
    }
    let made = backup.await.expect("no panic");
    let states = [&before, &waiting].map(|opened| opened.session.clone());
    let mut told = Vec::new();
    for session in &states {
        told.push(server.status(session).await);
    }
    server.kill();

    let other = elsewhere(&folder);
    let arguments = ["restore", "--from", &folder.text("third"), "--keys", &folder.text("keys")];
    let restored = done(&other.operate(&arguments));
    assert_eq!(logical_hash(&restored), logical_hash(&made[2]));
    let server = Server::start(&other);
    for (session, told) in states.iter().zip(&told) {
        assert_eq!(&server.status(session).await, told);
    }
    for code in &codes {
        assert_eq!(server.public.get(&format!("/q/{code}")).await.status, 200);
    }
    // The session that waited is called there, and what happens then stays.
    let phones = network(&server, Faults::default());
    assert!(call(&phones, 1, &waiting).await.bridged);
    assert_eq!(server.outcome(&waiting.session).await, "completed");
    server.kill();
    let server = Server::start(&other);
    assert_eq!(server.status(&waiting.session).await, ("ended".to_owned(), Some("completed".to_owned())));
}

#[test]
fn an_engine_and_a_folder_are_backed_up_alike() {
    let (folder, _) = furnished();
    let server = Server::start(&folder);
    let of_engine = [back_up(&folder, "a"), back_up_keys(&folder, "b")].map(|output| done(&output));
    server.kill();
    let of_folder = [back_up(&folder, "c"), back_up_keys(&folder, "d")].map(|output| done(&output));
    assert_eq!(logical_hash(&of_engine[0]), logical_hash(&of_folder[0]));
    assert!(of_engine[0].contains("`qnect keys backup`"), "what is not in it: {}", of_engine[0]);
    assert!(of_engine[1].contains("erased"), "what an old one brings back: {}", of_engine[1]);
    let read = |name: &str| std::fs::read(folder.path(name)).expect("a file");
    assert_eq!(read("b"), read("d"));
    assert_eq!(read("b"), std::fs::read(folder.data().join("keys.table")).expect("a key table"));
    for name in ["a", "b", "c", "d"] {
        let mode = std::fs::metadata(folder.path(name)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_nothing_unfinished(&folder);
    let text = String::from_utf8_lossy(&read("a")).into_owned();
    assert!(!text.contains("An Owner") && !text.contains("RJ14"), "nothing in it can be read");
}

fn assert_nothing_unfinished(folder: &Folder) {
    let entries = std::fs::read_dir(folder.path("")).expect("a folder");
    let names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().ends_with(".new")), "{names:?}");
}

#[test]
fn a_newcomers_mistakes_are_told_with_what_to_do() {
    let (folder, _) = furnished();
    done(&back_up(&folder, "backup"));
    done(&back_up_keys(&folder, "keys"));
    let refuses = |folder: &Folder, arguments: &[&str], code: i32, says: &[&str]| {
        let output = folder.operate(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}{}", stdout(&output), stderr(&output));
        for words in says {
            assert!(stderr(&output).contains(words), "{arguments:?}: no {words:?} in {}", stderr(&output));
        }
        assert_nothing_unfinished(folder);
    };
    let [backup, keys] = ["backup", "keys"].map(|name| folder.text(name));
    let before = std::fs::read(&backup).expect("a file");
    for command in [&["backup"][..], &["keys", "backup"]] {
        let to = |out: &str| -> Vec<String> { [command, &["--out", out]].concat().iter().map(|&a| a.into()).collect() };
        let refused = |out: &str, says: &[&str]| {
            let arguments = to(out);
            refuses(&folder, &arguments.iter().map(String::as_str).collect::<Vec<_>>(), 2, says);
        };
        refused(&backup, &["is there already", "--force"]);
        refused(&folder.text("nowhere/backup"), &["a folder that exists"]);
        refused(&folder.text(""), &["is there already"]);
    }
    assert_eq!(std::fs::read(&backup).expect("a file"), before, "nothing was overwritten");
    done(&folder.operate(&["backup", "--out", &backup, "--force"]));
    assert_ne!(std::fs::read(&backup).expect("a file"), before);

    let other = elsewhere(&folder);
    refuses(&other, &["backup", "--out", &other.text("x")], 2, &["holds no data yet", "storage.data_dir"]);
    refuses(&other, &["keys", "backup", "--out", &other.text("x")], 70, &["no key table here"]);
    let restore = |from: &str| ["restore", "--from", from].map(str::to_owned);
    let from = |from: &str, code, says: &[&str]| {
        let arguments = [&restore(from)[..], &["--keys".to_owned(), keys.clone()]].concat();
        refuses(&other, &arguments.iter().map(String::as_str).collect::<Vec<_>>(), code, says);
        assert!(
            std::fs::read_dir(other.data()).is_ok_and(|mut files| files.next().is_none()) || !other.data().exists()
        );
    };
    refuses(&folder, &["restore", "--from", &backup], 2, &["not empty", "storage.data_dir"]);
    refuses(&other, &["restore", "--from", &backup], 2, &["--keys FILE", "qnect keys backup"]);
    refuses(&other, &["restore", "--from", &backup, "--keys", &other.text("nowhere")], 2, &["nowhere"]);
    from(&folder.text("nowhere"), 2, &["nowhere"]);
    from(&folder.text(""), 2, &["directory"]);
    from(&folder.text("qnect.toml"), 2, &["no backup of qnect's database"]);
    from(&keys, 2, &["no backup of qnect's database"]);
    let stranger = Folder::new();
    let with_keys = ["restore", "--from", &backup, "--keys", &keys];
    refuses(&stranger, &with_keys, 2, &["master key", "storage.key_file"]);
    let mut damaged = std::fs::read(&backup).expect("a file");
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    std::fs::write(folder.path("damaged"), &damaged).expect("a file");
    from(&folder.text("damaged"), 70, &["damaged at byte", "another backup"]);
    let newer = [&damaged[..8], &[9], &damaged[9..]].concat();
    std::fs::write(folder.path("damaged"), newer).expect("a file");
    from(&folder.text("damaged"), 70, &["version 9", "version 1", "install a newer qnect"]);

    // The key table of a time before the backup's last owner.
    folder.import(&[owner("+919800000099")]);
    done(&back_up(&folder, "later"));
    from(&folder.text("later"), 2, &["older than the backup", "later key table"]);

    // A restore that was cut off: no engine starts there, and the same command begins again.
    std::fs::create_dir_all(other.data().join("restore.unfinished")).expect("a folder");
    refuses(&other, &["serve"], 70, &["qnect restore"]);
    refuses(&other, &["tags", "mint"], 70, &["qnect restore"]);
    done(&other.operate(&with_keys));
    done(&other.operate(&["tags", "mint"]));
}

#[test]
fn a_damaged_folder_and_one_in_use_are_no_source() {
    let (folder, _) = furnished();
    let server = Server::start(&folder);
    std::fs::remove_file(folder.data().join("control.sock")).expect("a socket");
    for output in [back_up(&folder, "backup"), back_up_keys(&folder, "backup")] {
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains("in use"), "{}", stderr(&output));
    }
    server.kill();
    done(&back_up(&folder, "whole"));
    let journals = crate::folder::files(&folder.data().join("db"));
    let journals = journals.iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "jnl"));
    for (path, bytes) in journals {
        cut(path, bytes);
    }
    let refused = back_up(&folder, "backup");
    assert_eq!(refused.status.code(), Some(70), "{}", stderr(&refused));
    assert!(!folder.path("backup").exists());
    assert_nothing_unfinished(&folder);
    // Its keys are saved all the same.
    done(&back_up_keys(&folder, "keys"));
}

/// Takes away the last half of what was written.
fn cut(path: &Path, bytes: &[u8]) {
    let written = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    std::fs::write(path, &bytes[..written / 2]).expect("a shorter file");
}

#[tokio::test]
async fn a_copy_that_nobody_takes_is_in_nobodys_way() {
    let folder = Folder::new();
    let owners: Vec<_> = (0..CROWD).map(|n| owner(&owner_phone(n))).collect();
    let code = folder.import(&owners).remove(0);
    let mut server = Server::start(&folder);
    let ask = || {
        let mut stream = UnixStream::connect(folder.data().join("control.sock")).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let head = "POST /v1/copies HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nContent-Length: 10\r\n\r\n\"database\"";
        stream.write_all(head.as_bytes()).expect("a request");
        let mut begun = [0; 1024];
        stream.read_exact(&mut begun).expect("its beginning");
        assert!(begun.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&begun));
        stream
    };
    let slow = ask();
    let busy = back_up(&folder, "backup");
    assert_eq!(busy.status.code(), Some(1), "{}", stderr(&busy));
    assert!(stderr(&busy).contains("being made already"), "{}", stderr(&busy));
    let opened: Opened = server.open(&code, "blocking").await;
    assert_eq!(server.status(&opened.session).await.0, "waiting");
    drop(slow);
    // The engine sees with its next piece that nobody is there.
    let again = async {
        while back_up(&folder, "backup").status.code() != Some(0) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("the next one's turn");

    let mut slow = ask();
    server.terminate();
    while server.operations.get("/readyz").await.status == 200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).expect("an end in order");
    let end = String::from_utf8_lossy(&rest[rest.len().saturating_sub(300)..]).into_owned();
    assert!(end.contains("qnect-copy-ended: {\"kind\":\"refused\"") && end.contains("broken off"), "{end}");
    assert_eq!(server.ended(Duration::from_secs(15)).await.code(), Some(0), "{}", server.stderr());
}
