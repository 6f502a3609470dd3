//! Fear: two purposes, or two versions of one, share a key.

use std::collections::HashSet;

use qnect_storage::keys::{MasterKey, Purpose};

const PURPOSES: [Purpose; 6] = [
    Purpose::TagCheck,
    Purpose::SessionCheck,
    Purpose::Index,
    Purpose::CallerRoot,
    Purpose::EpochSeal,
    Purpose::Backup,
];

#[test]
fn every_purpose_and_version_has_a_key_of_its_own() {
    let mut seen = HashSet::new();
    for master in [MasterKey::from_bytes([1; 32]), MasterKey::from_bytes([2; 32])] {
        for purpose in PURPOSES {
            for version in 0..=u8::MAX {
                assert!(seen.insert(*master.derive(purpose, version).as_bytes()), "{purpose:?} {version}");
            }
        }
    }
}

#[test]
fn the_same_question_has_the_same_answer() {
    let (first, second) = (MasterKey::from_bytes([1; 32]), MasterKey::from_bytes([1; 32]));
    for purpose in PURPOSES {
        assert_eq!(first.derive(purpose, 1).as_bytes(), second.derive(purpose, 1).as_bytes());
    }
}
