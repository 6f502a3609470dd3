//! Fear: a key that was given out is not there, or is another one, after a restart.

mod keys_common;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use keys_common::{BLOCK, assert_keys, create, folder, letter, letters, master, open, opens};
use proptest::prelude::*;
use qnect_storage::keys::{DataKey, KeyCounts, KeyError, KeyTable, MasterKey};

#[test]
fn keys_are_the_same_after_a_restart() {
    let (_folder, path) = folder();
    let owners = [0, 1, 42, u64::MAX];
    let table = create(&path);
    assert_eq!((table.epoch(), table.counts()), (1, KeyCounts { data_keys: 0, day_keys: 0 }));
    table.add_data_keys(&owners).unwrap();
    let letters = letters(&table, &owners);
    let tokens = [0, 20_000, u32::MAX].map(|day| table.day_key(day).unwrap().token(&[5; 32]));
    drop(table);

    let table = open(&path).unwrap();
    assert_keys(&table, &owners, &letters, owners.len());
    assert_eq!([0, 20_000, u32::MAX].map(|day| table.day_key(day).unwrap().token(&[5; 32])), tokens);
    assert_eq!((table.epoch(), table.counts()), (1, KeyCounts { data_keys: 4, day_keys: 3 }));
    assert!(table.data_key(2).is_none());
}

#[test]
fn known_owners_keep_their_key_and_cost_no_entry() {
    let (_folder, path) = folder();
    let table = create(&path);
    table.add_data_keys(&[1, 2, 1]).unwrap();
    let letters = letters(&table, &[1, 2]);
    table.add_data_keys(&[2, 3, 1, 3]).unwrap();
    table.add_data_keys(&[3, 2, 1]).unwrap();
    table.add_data_keys(&[]).unwrap();
    assert_keys(&table, &[1, 2], &letters, 2);
    assert_eq!(table.counts().data_keys, 3);
    assert_eq!(fs::metadata(&path).unwrap().len(), 4 * BLOCK as u64);
}

#[test]
fn no_two_keys_are_the_same() {
    let (_folder, path) = folder();
    let table = create(&path);
    table.add_data_keys(&[1, 2]).unwrap();
    let letter = letter(&table.data_key(1).unwrap());
    assert!(!opens(&table.data_key(2).unwrap(), &letter));
    let tokens = [1, 2].map(|day| table.day_key(day).unwrap().token(&[5; 32]));
    assert_ne!(tokens[0], tokens[1]);
    assert_ne!(table.day_key(1).unwrap().token(&[6; 32]), tokens[0]);
    assert_eq!(table.day_key(1).unwrap().token(&[5; 32]), tokens[0]);
}

#[test]
fn an_owner_and_a_day_of_the_same_number_are_two_things() {
    let (_folder, path) = folder();
    let table = create(&path);
    table.day_key(7).unwrap();
    assert!(table.data_key(7).is_none());
    table.add_data_keys(&[7]).unwrap();
    drop(table);
    assert_eq!(open(&path).unwrap().counts(), KeyCounts { data_keys: 1, day_keys: 1 });
}

#[test]
fn a_table_is_for_its_owner_only_and_alone_in_its_folder() {
    let (folder, path) = folder();
    let table = create(&path);
    table.add_data_keys(&[1]).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_table_is_never_overwritten() {
    let (folder, path) = folder();
    let table = create(&path);
    table.add_data_keys(&[1]).unwrap();
    drop(table);
    let before = fs::read(&path).unwrap();
    assert!(matches!(KeyTable::create(&path, &master()), Err(KeyError::AlreadyExists { .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the temporary file is gone");
}

#[test]
fn a_missing_table_is_made_only_where_that_was_asked() {
    let (_folder, path) = folder();
    assert!(matches!(open(&path), Err(KeyError::TableMissing { .. })));
    assert!(!path.exists());
    let table = KeyTable::open_or_create(&path, &master()).unwrap();
    table.add_data_keys(&[1]).unwrap();
    let letters = letters(&table, &[1]);
    drop(table);
    assert_keys(&KeyTable::open_or_create(&path, &master()).unwrap(), &[1], &letters, 1);
}

#[test]
fn a_damaged_table_is_not_replaced_by_a_new_one() {
    let (_folder, path) = folder();
    for content in [
        "",
        "short",
        "this was never a table of keys, and it is long enough to be one: ..................................................................",
    ] {
        fs::write(&path, content).unwrap();
        assert!(matches!(KeyTable::open_or_create(&path, &master()), Err(KeyError::Damaged { offset: 0, .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn another_master_key_opens_nothing_and_changes_nothing() {
    let (_folder, path) = folder();
    let table = create(&path);
    table.add_data_keys(&[1]).unwrap();
    drop(table);
    let before = fs::read(&path).unwrap();
    let error = KeyTable::open_or_create(&path, &MasterKey::generate().unwrap()).unwrap_err();
    assert!(matches!(error, KeyError::WrongMaster { .. }));
    assert!(error.to_string().contains(path.to_str().unwrap()));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn one_handle_at_a_time() {
    let (_folder, path) = folder();
    let table = create(&path);
    assert!(matches!(open(&path), Err(KeyError::InUse { .. })), "right after it was made");
    drop(table);
    let table = open(&path).unwrap();
    assert!(matches!(open(&path), Err(KeyError::InUse { .. })), "after it was opened");
    drop(table);
    open(&path).unwrap();
}

#[test]
fn many_keys_at_once() {
    let (_folder, path) = folder();
    let owners: Vec<u64> = (0..5_000_u64).map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let table = create(&path);
    table.add_data_keys(&owners).unwrap();
    let letters = letters(&table, &owners);
    drop(table);
    let table = open(&path).unwrap();
    assert_keys(&table, &owners, &letters, owners.len());
}

#[test]
fn debug_shows_no_key() {
    let (_folder, path) = folder();
    let table = create(&path);
    table.add_data_keys(&[77]).unwrap();
    let text = format!("{table:?}");
    assert!(text.starts_with("KeyTable { path: ") && text.ends_with(", epoch: 1, .. }"), "{text}");
    assert_eq!(format!("{:?}", table.day_key(1).unwrap()), "DayKey(..)");
}

#[derive(Clone, Debug)]
enum Step {
    Add(Vec<u64>),
    Day(u32),
    Restart,
    /// Bytes of an unfinished write appear behind the end, then a restart.
    Tear(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => proptest::collection::vec(0..20_u64, 0..6).prop_map(Step::Add),
        2 => (0..5_u32).prop_map(Step::Day),
        2 => Just(Step::Restart),
        1 => (1..3 * BLOCK).prop_map(Step::Tear),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_history_keeps_every_key(steps in proptest::collection::vec(step(), 1..24)) {
        let (_folder, path) = folder();
        let mut table = create(&path);
        let mut letter_by_owner = std::collections::BTreeMap::<u64, Vec<u8>>::new();
        let mut token_by_day = std::collections::BTreeMap::new();
        for step in steps {
            match step {
                Step::Add(owners) => {
                    table.add_data_keys(&owners).unwrap();
                    for owner in owners {
                        letter_by_owner.entry(owner).or_insert_with(|| letter(&table.data_key(owner).unwrap()));
                    }
                }
                Step::Day(day) => {
                    let token = table.day_key(day).unwrap().token(&[1; 32]);
                    prop_assert_eq!(*token_by_day.entry(day).or_insert(token), token);
                }
                Step::Restart => {
                    drop(table);
                    table = open(&path).unwrap();
                }
                Step::Tear(zeros) => {
                    drop(table);
                    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
                    file.set_len(file.metadata().unwrap().len() + zeros as u64).unwrap();
                    table = open(&path).unwrap();
                }
            }
            let counts = KeyCounts { data_keys: letter_by_owner.len(), day_keys: token_by_day.len() };
            prop_assert_eq!(table.counts(), counts);
            for (&owner, letter) in &letter_by_owner {
                prop_assert!(opens(&table.data_key(owner).unwrap(), letter));
            }
        }
    }
}

#[test]
fn a_key_made_by_hand_is_no_key_of_the_table() {
    let (_folder, path) = folder();
    let table = create(&path);
    table.add_data_keys(&[1]).unwrap();
    assert!(!opens(&table.data_key(1).unwrap(), &letter(&DataKey::generate().unwrap())));
}

#[test]
fn whose_a_table_is_can_be_asked_while_another_has_it() {
    let (_folder, path) = folder();
    let missing = KeyTable::expect_master(&path, &master());
    assert!(matches!(missing, Err(KeyError::TableMissing { .. })), "{missing:?}");
    let table = create(&path);
    table.add_data_keys(&[1, 2]).unwrap();
    assert_eq!(KeyTable::expect_master(&path, &master()).unwrap(), 2);
    let of_another = KeyTable::expect_master(&path, &MasterKey::from_bytes([9; 32]));
    assert!(matches!(of_another, Err(KeyError::WrongMaster { .. })), "{of_another:?}");
    table.add_data_keys(&[3]).unwrap();
    assert!(table.data_key(3).is_some());
    drop(table);
    fs::write(&path, [0; 40]).unwrap();
    let short = KeyTable::expect_master(&path, &master());
    assert!(matches!(short, Err(KeyError::Damaged { offset: 0, .. })), "{short:?}");
}
