//! Fear: the master key is overwritten, readable by others, or misread.

mod keys_common;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use keys_common::folder;
use qnect_storage::keys::{KeyError, MasterKey, Purpose};

const HEX: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn read(content: &[u8]) -> Result<MasterKey, KeyError> {
    let (_folder, path) = folder();
    fs::write(&path, content).expect("write");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("chmod");
    MasterKey::read_file(&path)
}

fn fingerprint(key: &MasterKey) -> [u8; 32] {
    *key.derive(Purpose::Index, 1).as_bytes()
}

#[test]
fn a_new_file_holds_one_line_for_its_owner_only() {
    let (_folder, path) = folder();
    let made = MasterKey::create_file(&path).unwrap();
    let line = fs::read_to_string(&path).unwrap();
    let hex = line.strip_prefix("qnect-master-key-1 ").unwrap().strip_suffix('\n').unwrap();
    assert_eq!(hex.len(), 64);
    assert!(hex.chars().all(|digit| matches!(digit, '0'..='9' | 'a'..='f')));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fingerprint(&MasterKey::read_file(&path).unwrap()), fingerprint(&made));
}

#[test]
fn two_new_keys_differ() {
    assert_ne!(fingerprint(&MasterKey::generate().unwrap()), fingerprint(&MasterKey::generate().unwrap()));
}

#[test]
fn the_bytes_are_read_in_order() {
    let mut expected = [0; 32];
    for (position, byte) in expected.iter_mut().enumerate() {
        *byte = (position % 16) as u8 * 0x11;
    }
    let key = read(format!("qnect-master-key-1 {HEX}\n").as_bytes()).unwrap();
    assert_eq!(fingerprint(&key), fingerprint(&MasterKey::from_bytes(expected)));
    let without_line_feed = read(format!("qnect-master-key-1 {HEX}").as_bytes()).unwrap();
    assert_eq!(fingerprint(&without_line_feed), fingerprint(&key));
}

#[test]
fn nothing_is_overwritten() {
    let (_folder, path) = folder();
    for content in ["", "somebody's file", &format!("qnect-master-key-1 {HEX}\n")] {
        fs::write(&path, content).unwrap();
        assert!(matches!(MasterKey::create_file(&path), Err(KeyError::AlreadyExists { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn nothing_is_left_behind_where_a_file_cannot_be_made() {
    let (folder, _) = folder();
    let path = folder.path().join("no such folder").join("key");
    assert!(matches!(MasterKey::create_file(&path), Err(KeyError::Io { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_missing_file_is_told_how_to_make() {
    let (_folder, path) = folder();
    let error = MasterKey::read_file(&path).unwrap_err();
    assert!(matches!(error, KeyError::MasterMissing { .. }));
    assert!(error.to_string().contains(&format!("qnect keys init --key-file {}", path.display())));
}

#[test]
fn a_file_open_to_anybody_else_is_refused() {
    let (_folder, path) = folder();
    MasterKey::create_file(&path).unwrap();
    for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o666, 0o777, 0o440, 0o404] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let error = MasterKey::read_file(&path).unwrap_err();
        assert!(matches!(error, KeyError::MasterExposed { .. }), "{mode:o}");
        assert!(error.to_string().contains(&format!("chmod 600 {}", path.display())));
    }
    for mode in [0o600, 0o400] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        assert!(MasterKey::read_file(&path).is_ok(), "{mode:o}");
    }
}

#[test]
fn anything_but_the_line_is_refused_and_not_repeated() {
    let line = format!("qnect-master-key-1 {HEX}\n");
    let mut wrong = vec![
        String::new(),
        "\n".to_owned(),
        HEX.to_owned(),
        format!("qnect-master-key-2 {HEX}\n"),
        format!("qnect-master-key-1  {HEX}\n"),
        format!(" qnect-master-key-1 {HEX}\n"),
        format!("qnect-master-key-1 {}\n", HEX.to_uppercase()),
        format!("qnect-master-key-1 {}g\n", &HEX[1..]),
        format!("qnect-master-key-1 {HEX}0\n"),
        format!("qnect-master-key-1 {HEX}\r\n"),
        format!("qnect-master-key-1 {HEX}\n\n"),
        format!("qnect-master-key-1 {HEX}\n{HEX}"),
        format!("\u{feff}qnect-master-key-1 {HEX}\n"),
    ];
    wrong.extend((0..line.len() - 1).map(|len| line[..len].to_owned()));
    for content in wrong {
        let error = read(content.as_bytes()).unwrap_err();
        assert!(matches!(error, KeyError::MasterMalformed { .. }), "{content:?}");
        assert!(!error.to_string().contains("2233") && !format!("{error:?}").contains("2233"));
    }
}

#[test]
fn debug_shows_nothing() {
    let key = MasterKey::from_bytes([0xab; 32]);
    assert_eq!(format!("{key:?}"), "MasterKey(..)");
    assert_eq!(format!("{:?}", key.derive(Purpose::Index, 1)), "DerivedKey(..)");
}
