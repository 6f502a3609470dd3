//! A server that cannot start as it was told to: it says what to change, and touches nothing.

use std::os::unix::fs::PermissionsExt;

use rustix::process::geteuid;

use crate::folder::{Folder, TOKEN, files, owner, stderr};

/// Runs `serve` to its end, which is an error: the exit code, and what was told, of which nothing is a secret.
fn refused(folder: &Folder) -> (Option<i32>, String) {
    let refused = folder.run(&["serve", "--config", &folder.text("qnect.toml")]);
    assert!(refused.stdout.is_empty(), "never ready");
    let told = stderr(&refused);
    assert!(!told.contains(TOKEN) && !told.contains("panic"), "{told}");
    assert!(told.starts_with("qnect: "), "{told}");
    (refused.status.code(), told)
}

/// The same for a fault of the configuration, which is noticed before the data folder is made.
fn refused_at_once(folder: &Folder) -> String {
    let (code, told) = refused(folder);
    assert_eq!(code, Some(2), "{told}");
    assert!(!folder.data().exists(), "nothing was touched: {told}");
    told
}

#[test]
fn an_unknown_key_in_any_section_is_told_with_its_line() {
    let example = Folder::without_key().run(&["config", "example"]);
    let example = String::from_utf8(example.stdout).expect("text");
    let sections: Vec<&str> = example.lines().filter(|line| line.starts_with('[')).collect();
    assert!(sections.len() >= 9, "{sections:?}");
    for section in sections {
        let name = section.trim_matches(['[', ']']);
        let path = if section.starts_with("[[") { format!("{name}[0].colour") } else { format!("{name}.colour") };
        // A section that the configuration does not have yet is written below it.
        let folder = Folder::new();
        let text = std::fs::read_to_string(folder.path("qnect.toml")).expect("the configuration");
        let with = format!("{section}\ncolour = \"mauve\"\n");
        let text = if text.contains(&format!("{section}\n")) {
            text.replace(&format!("{section}\n"), &with)
        } else {
            format!("{text}\n{with}")
        };
        std::fs::write(folder.path("qnect.toml"), &text).expect("a written file");
        let told = refused_at_once(&folder);
        let line = text.lines().position(|line| line.starts_with("colour")).expect("the line") + 1;
        assert!(
            told.contains(&format!("qnect.toml:{line}:1: {path}: unknown key; the nearest that we know is")),
            "{told}"
        );
        assert!(!told.contains("mauve"), "a value is never repeated: {told}");

        let variable = format!("{}__COLOUR", name.to_uppercase().replace('.', "__"));
        let told = refused_at_once(&Folder::new().set(&variable, "mauve"));
        assert!(told.contains(&format!("QNECT__{variable}: ")) && told.contains("; "), "{told}");
        assert!(!told.contains("mauve"), "{told}");
    }
}

#[test]
fn a_secret_that_is_missing_or_cannot_be_read_is_told() {
    let line = format!("auth_token = \"{TOKEN}\"\n");
    let told = refused_at_once(&Folder::new().edit(&line, ""));
    assert!(told.contains("providers.plivo.auth_token: is missing; write"), "{told}");
    for (name, content, says) in [
        ("nowhere", None, "can't read"),
        ("folder/", None, "can't read"),
        ("empty", Some(String::new()), "is empty"),
        ("blank", Some(" \n\n".to_owned()), "is empty"),
        ("short", Some("secret".to_owned()), "is shorter than 16 characters"),
        ("binary", Some("\u{0}".repeat(5_000)), "is longer than 4096 bytes"),
    ] {
        let folder = Folder::new();
        let path = folder.text(name);
        match content {
            Some(content) => std::fs::write(&path, content).expect("a written file"),
            None if name.ends_with('/') => std::fs::create_dir(&path).expect("a folder"),
            None => {}
        }
        let told = refused_at_once(&folder.edit(&line, &format!("auth_token_file = {path:?}\n")));
        assert!(told.contains("providers.plivo.auth_token_file: ") && told.contains(says), "{name}: {told}");
        assert!(told.contains("write the path of a file with the secret"), "what to do: {told}");
    }
    let folder = Folder::new();
    std::fs::write(folder.path("latin1"), [0xe9; 20]).expect("a written file");
    let path = folder.text("latin1");
    let told = refused_at_once(&folder.edit(&line, &format!("auth_token_file = {path:?}\n")));
    assert!(told.contains("can't read"), "{told}");
}

#[test]
fn a_master_key_that_is_exposed_damaged_or_no_file_is_told() {
    let right = std::fs::read(Folder::new().path("master.key")).expect("a key");
    let spoilt = |change: fn(&mut Vec<u8>)| {
        let mut key = right.clone();
        change(&mut key);
        key
    };
    for (how, key) in [
        ("empty", Vec::new()),
        ("cut", spoilt(|key| key.truncate(40))),
        ("longer", spoilt(|key| key.extend(b"00"))),
        ("in upper case", spoilt(|key| key.make_ascii_uppercase())),
        ("of another version", spoilt(|key| key[17] = b'9')),
        ("binary", vec![0; 84]),
        ("large", vec![b'0'; 1_000_000]),
    ] {
        let folder = Folder::new();
        std::fs::write(folder.path("master.key"), &key).expect("a written file");
        let told = refused_at_once(&folder);
        assert!(
            told.contains("not a master key file") && told.contains("bring it back from your copy"),
            "{how}: {told}"
        );
    }
    for mode in [0o640, 0o604, 0o660, 0o644, 0o777] {
        let folder = Folder::new();
        set_mode(&folder.text("master.key"), mode);
        let told = refused_at_once(&folder);
        assert!(told.contains(&format!("mode {mode:04o}")) && told.contains("chmod 600"), "{told}");
    }
    let folder = Folder::without_key();
    std::fs::create_dir(folder.path("master.key")).expect("a folder");
    set_mode(&folder.text("master.key"), 0o700);
    let told = refused_at_once(&folder);
    assert!(told.contains("master.key: cannot read"), "{told}");
    if !geteuid().is_root() {
        let folder = Folder::new();
        set_mode(&folder.text("master.key"), 0o000);
        assert!(refused_at_once(&folder).contains("cannot open the file"));
    }
}

#[test]
fn a_data_folder_that_cannot_be_used_is_named() {
    let taken_by_a_file = |folder: &Folder| std::fs::write(folder.data(), "").expect("a written file");
    let no_database = |folder: &Folder| {
        std::fs::create_dir(folder.data()).expect("a folder");
        std::fs::write(folder.data().join("db"), "").expect("a written file");
    };
    let no_key_table = |folder: &Folder| {
        folder.import(&[owner("+919800000017")]);
        std::fs::remove_file(folder.data().join("keys.table")).expect("a key table");
        std::fs::create_dir(folder.data().join("keys.table")).expect("a folder");
    };
    for (how, spoil, says) in [
        ("a file", &taken_by_a_file as &dyn Fn(&Folder), ["data: ", "check that it exists"]),
        ("a file where the database is", &no_database, ["db/lock: ", "check that it exists"]),
        ("a folder where the key table is", &no_key_table, ["keys.table: ", "check the path"]),
    ] {
        let folder = Folder::new();
        spoil(&folder);
        let (code, told) = refused(&folder);
        assert_eq!(code, Some(70), "{how}: {told}");
        assert!(says.iter().all(|says| told.contains(says)), "{how}: {told}");
    }
    // Nobody can make a folder below a file, not even the superuser.
    let folder = Folder::new();
    std::fs::write(folder.path("file"), "").expect("a written file");
    let (data, below) = (folder.text("data"), folder.text("file/data"));
    let (code, told) = refused(&folder.edit(&data, &below));
    assert!(code == Some(70) && told.contains(&below), "{told}");
    if !geteuid().is_root() {
        let folder = Folder::new();
        std::fs::create_dir(folder.data()).expect("a folder");
        set_mode(&folder.text("data"), 0o500);
        let (code, told) = refused(&folder);
        assert!(code == Some(70) && told.contains("belongs to this user"), "{told}");
        set_mode(&folder.text("data"), 0o700);
    }
}

#[test]
fn a_data_folder_of_others_is_not_touched() {
    let folder = Folder::new();
    std::fs::create_dir(folder.data()).expect("a folder");
    std::fs::write(folder.data().join("holiday.jpg"), "a picture").expect("a written file");
    folder.import(&[owner("+919800000017")]);
    let kept = files(&folder.data()).into_iter().find(|(path, _)| path.ends_with("holiday.jpg"));
    assert_eq!(kept.expect("it is still there").1, b"a picture");
}

#[test]
fn a_configuration_that_is_no_such_file_is_told() {
    for (how, content, says) in [
        ("not there", None, "write the path of a readable file"),
        ("not UTF-8", Some(vec![b'#', 0xff]), "save it in UTF-8"),
        ("NULs", Some(vec![0; 100]), "not TOML"),
        ("without end", Some(vec![b'#'; 1024 * 1024 + 1]), "write at most 1 MiB"),
        ("JSON", Some(b"{\"server\": {}}".to_vec()), "not TOML"),
        ("XML", Some(b"<server/>".to_vec()), "not TOML"),
        ("empty", Some(Vec::new()), "storage.data_dir: is missing"),
    ] {
        let folder = Folder::new();
        match content {
            Some(content) => std::fs::write(folder.path("qnect.toml"), content).expect("a written file"),
            None => std::fs::remove_file(folder.path("qnect.toml")).expect("the configuration"),
        }
        let told = refused_at_once(&folder);
        assert!(told.contains(says), "{how}: {told}");
    }
    let folder = Folder::new();
    let directory = folder.run(&["serve", "--config", &folder.text("")]);
    assert_eq!(directory.status.code(), Some(2));
    assert!(stderr(&directory).contains("write the path of a readable file"), "{}", stderr(&directory));
}

#[test]
fn a_key_file_that_cannot_be_made_is_told_and_leaves_nothing() {
    let folder = Folder::new();
    std::fs::write(folder.path("file"), "").expect("a written file");
    std::fs::create_dir(folder.path("folder")).expect("a folder");
    let before = files(&folder.path("")).len();
    for (path, code) in [("nowhere/master.key", 1), ("file/master.key", 1), ("folder", 2), ("master.key", 2)] {
        let made = folder.run(&["keys", "init", "--key-file", &folder.text(path)]);
        assert_eq!(made.status.code(), Some(code), "{path}: {}", stderr(&made));
        let told = stderr(&made);
        assert!(told.contains(&folder.text(path)) && (told.contains("check") || told.contains("choose")), "{told}");
    }
    assert_eq!(files(&folder.path("")).len(), before, "nothing is left behind");
}

fn set_mode(path: &str, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a file of ours");
}
