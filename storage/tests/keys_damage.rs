//! Fear: a damaged table gives a wrong key, or quietly gives fewer.

mod keys_common;

use std::fs;
use std::path::Path;

use keys_common::{BLOCK, create, folder, open, overwrite};
use qnect_storage::keys::KeyError;

/// A table of three writes: owners 1 and 2, day 3, owner 4.
fn small_table(path: &Path) -> Vec<u8> {
    let table = create(path);
    table.add_data_keys(&[1, 2]).expect("add");
    table.day_key(3).expect("day");
    table.add_data_keys(&[4]).expect("add");
    drop(table);
    let bytes = fs::read(path).expect("read");
    assert_eq!(bytes.len(), 5 * BLOCK);
    bytes
}

fn blocks(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.chunks(BLOCK).map(<[u8]>::to_vec).collect()
}

/// The error must name the file, and the file must stay as it was for whoever looks into it.
fn refusal(path: &Path, bytes: &[u8]) -> KeyError {
    overwrite(path, bytes);
    let error = open(path).expect_err("a damaged table is refused");
    assert!(error.to_string().contains(path.to_str().expect("utf-8")), "{error}");
    assert_eq!(fs::read(path).expect("read"), bytes, "{error}");
    error
}

#[test]
fn every_flipped_bit_is_refused() {
    let (_folder, path) = folder();
    let bytes = small_table(&path);
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let error = refusal(&path, &damaged);
        match (bit / 8, error) {
            (8, KeyError::UnknownVersion { version, .. }) => assert_ne!(version, 1),
            (0..8 | 10..16 | 96..128, KeyError::Damaged { offset: 0, .. } | KeyError::WrongMaster { .. }) => {}
            (9 | 16..96, KeyError::WrongMaster { .. }) => {}
            (byte, KeyError::Damaged { offset, .. }) if byte >= BLOCK => {
                assert_eq!(offset, (byte / BLOCK * BLOCK) as u64);
            }
            (byte, error) => panic!("byte {byte}: {error:?}"),
        }
    }
}

#[test]
fn entries_cannot_change_places() {
    let (_folder, path) = folder();
    let original = blocks(&small_table(&path));
    for first in 0..original.len() {
        for second in first + 1..original.len() {
            let mut swapped = original.clone();
            swapped.swap(first, second);
            refusal(&path, &swapped.concat());
        }
    }
}

#[test]
fn an_entry_cannot_be_dropped_from_the_middle_or_doubled() {
    let (_folder, path) = folder();
    let original = blocks(&small_table(&path));
    for position in 0..original.len() - 1 {
        let mut dropped = original.clone();
        dropped.remove(position);
        refusal(&path, &dropped.concat());
    }
    for position in 0..original.len() {
        let mut doubled = original.clone();
        doubled.insert(position, original[position].clone());
        refusal(&path, &doubled.concat());
    }
}

#[test]
fn an_entry_of_another_table_is_refused() {
    let (_folder, path) = folder();
    let (_other_folder, other_path) = folder();
    let original = blocks(&small_table(&path));
    let other = blocks(&small_table(&other_path));
    for position in 0..original.len() {
        let mut mixed = original.clone();
        mixed[position] = other[position].clone();
        refusal(&path, &mixed.concat());
    }
}

#[test]
fn parts_of_one_entry_do_not_fit_another() {
    let (_folder, path) = folder();
    let original = blocks(&small_table(&path));
    // the clear part of one owner over the sealed part of another
    let mut mixed = original.clone();
    mixed[1][..24].copy_from_slice(&original[2][..24]);
    refusal(&path, &mixed.concat());
    let mut mixed = original.clone();
    mixed[1][24..].copy_from_slice(&original[2][24..]);
    refusal(&path, &mixed.concat());
}

#[test]
fn anything_behind_the_entries_that_is_not_zero_is_refused() {
    let (_folder, path) = folder();
    let bytes = small_table(&path);
    let noise = [&bytes[..], &[1; BLOCK]].concat();
    assert!(matches!(refusal(&path, &noise), KeyError::Damaged { offset, .. } if offset == bytes.len() as u64));
}

#[test]
fn a_later_version_is_refused_and_named() {
    let (_folder, path) = folder();
    let mut bytes = small_table(&path);
    bytes[8] = 2;
    let error = refusal(&path, &bytes);
    assert!(matches!(error, KeyError::UnknownVersion { version: 2, .. }));
    assert!(error.to_string().contains("version 2"));
}
