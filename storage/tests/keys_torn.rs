//! Fear: a crash in the middle of a write makes the table unreadable, or costs a key that was acknowledged.

mod keys_common;

use std::fs;
use std::path::Path;

use keys_common::{BLOCK, assert_keys, create, folder, letter, letters, open, opens, overwrite};
use qnect_storage::keys::KeyError;

const OWNERS: [u64; 5] = [1, 2, 3, 4, 5];

/// Owners 1 and 2 in a first write, 3 to 5 in a second one: a header and entries at blocks 1 to 5.
fn two_groups(path: &Path) -> (Vec<u8>, Vec<Vec<u8>>) {
    let table = create(path);
    table.add_data_keys(&OWNERS[..2]).expect("add");
    table.add_data_keys(&OWNERS[2..]).expect("add");
    let letters = letters(&table, &OWNERS);
    drop(table);
    (fs::read(path).expect("read"), letters)
}

/// After the cut the table goes on: a new key, a restart, and all are there.
fn goes_on(path: &Path, letters: &[Vec<u8>], kept: usize) {
    let table = open(path).expect("open after the cut");
    assert_keys(&table, &OWNERS, letters, kept);
    assert_eq!(table.counts().data_keys, kept);
    assert_eq!(fs::metadata(path).expect("length").len(), ((kept + 1) * BLOCK) as u64);
    table.add_data_keys(&[99]).expect("add after the cut");
    let new = letter(&table.data_key(99).expect("new key"));
    drop(table);
    let table = open(path).expect("open again");
    assert_keys(&table, &OWNERS, letters, kept);
    assert!(opens(&table.data_key(99).expect("new key"), &new));
    assert_eq!(table.counts().data_keys, kept + 1);
}

#[test]
fn cut_off_at_every_byte() {
    let (_folder, path) = folder();
    let (bytes, letters) = two_groups(&path);
    for len in 0..=bytes.len() {
        overwrite(&path, &bytes[..len]);
        if len < BLOCK {
            assert!(matches!(open(&path), Err(KeyError::Damaged { offset: 0, .. })), "length {len}");
            continue;
        }
        goes_on(&path, &letters, (len - BLOCK) / BLOCK);
    }
}

#[test]
fn unwritten_sectors_of_the_last_write_are_cut_off() {
    let (_folder, path) = folder();
    let (bytes, letters) = two_groups(&path);
    // each subset of the second group's three entries that did not reach the disk
    for lost in 1..8_u8 {
        let mut torn = bytes.clone();
        for position in (0..3).filter(|position| lost & 1 << position != 0) {
            torn[(3 + position) * BLOCK..][..BLOCK].fill(0);
        }
        let kept = 2 + lost.trailing_zeros() as usize;
        for cut in [0, 1, BLOCK - 1] {
            overwrite(&path, &torn[..torn.len() - cut]);
            goes_on(&path, &letters, kept.min(if cut == 0 { 5 } else { 4 }));
        }
    }
}

#[test]
fn a_length_that_ran_ahead_is_cut_off() {
    let (_folder, path) = folder();
    let (bytes, letters) = two_groups(&path);
    for zeros in [1, 127, 128, 129, 4096] {
        overwrite(&path, &[&bytes[..], &vec![0; zeros]].concat());
        goes_on(&path, &letters, 5);
    }
}

#[test]
fn an_unwritten_sector_of_an_acknowledged_write_is_damage() {
    let (_folder, path) = folder();
    let (bytes, _) = two_groups(&path);
    for block in 1..=2 {
        let mut lost = bytes.clone();
        lost[block * BLOCK..][..BLOCK].fill(0);
        overwrite(&path, &lost);
        let error = open(&path).unwrap_err();
        assert!(matches!(error, KeyError::Damaged { offset, .. } if offset == (block * BLOCK) as u64), "{error:?}");
        assert_eq!(fs::read(&path).unwrap(), lost, "nothing was cut");
    }
}

#[test]
fn damage_behind_a_gap_is_damage() {
    let (_folder, path) = folder();
    let (mut bytes, _) = two_groups(&path);
    bytes[3 * BLOCK..][..BLOCK].fill(0);
    bytes[5 * BLOCK + 50] ^= 1;
    overwrite(&path, &bytes);
    assert!(matches!(open(&path), Err(KeyError::Damaged { offset, .. }) if offset == 5 * BLOCK as u64));
}

#[test]
fn opening_an_undamaged_table_does_not_change_a_byte() {
    let (_folder, path) = folder();
    let (bytes, _) = two_groups(&path);
    for _ in 0..3 {
        open(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}
