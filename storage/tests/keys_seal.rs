//! Fear: a ciphertext opens where it does not belong, opens to something else, or an error tells its plaintext.

use proptest::prelude::*;
use qnect_storage::keys::{DataKey, KeyError, Place};

const KEYSPACES: [&str; 4] = ["", "owners", "owner", "sessions"];

#[derive(Clone, Debug, PartialEq)]
struct OwnedPlace {
    keyspace: &'static str,
    record_id: Vec<u8>,
    field: u16,
    version: u8,
}

impl OwnedPlace {
    fn lend(&self) -> Place<'_> {
        Place { keyspace: self.keyspace, record_id: &self.record_id, field: self.field, version: self.version }
    }
}

/// Small values, so that near misses are frequent.
fn place() -> impl Strategy<Value = OwnedPlace> {
    let record_id = proptest::collection::vec(prop_oneof![Just(0), Just(1), Just(b's'), any::<u8>()], 0..12);
    (proptest::sample::select(&KEYSPACES[..]), record_id, 0..3_u16, 0..3_u8)
        .prop_map(|(keyspace, record_id, field, version)| OwnedPlace { keyspace, record_id, field, version })
}

fn key() -> DataKey {
    DataKey::from_bytes([9; 32])
}

fn does_not_open<T>(result: &Result<T, KeyError>) -> bool {
    matches!(result, Err(KeyError::DoesNotOpen { .. }))
}

proptest! {
    #[test]
    fn what_was_sealed_opens(place in place(), plain in proptest::collection::vec(any::<u8>(), 0..300)) {
        let sealed = key().seal(&place.lend(), &plain).unwrap();
        prop_assert_eq!(sealed.len(), plain.len() + 40);
        let opened = key().open(&place.lend(), &sealed).unwrap();
        prop_assert_eq!(&*opened, &plain);
    }

    #[test]
    fn it_opens_nowhere_else(here in place(), there in place()) {
        prop_assume!(here != there);
        let sealed = key().seal(&here.lend(), b"plain").unwrap();
        prop_assert!(does_not_open(&key().open(&there.lend(), &sealed)));
    }

    #[test]
    fn noise_does_not_open(place in place(), noise in proptest::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(does_not_open(&key().open(&place.lend(), &noise)));
    }
}

#[test]
fn bytes_that_move_from_one_part_to_the_next_make_another_place() {
    let place = |keyspace, record_id| Place { keyspace, record_id, field: 1, version: 1 };
    let sealed = key().seal(&place("owner", b"s1"), b"plain").unwrap();
    assert!(does_not_open(&key().open(&place("owners", b"1"), &sealed)));
    assert!(key().open(&place("owner", b"s1"), &sealed).is_ok());
}

#[test]
fn each_part_of_the_place_counts() {
    let here = Place { keyspace: "owners", record_id: b"id", field: 0x0102, version: 3 };
    let sealed = key().seal(&here, b"plain").unwrap();
    for there in [
        Place { keyspace: "owner", ..here },
        Place { record_id: b"ie", ..here },
        Place { record_id: b"", ..here },
        Place { field: 0x0201, ..here },
        Place { version: 4, ..here },
    ] {
        assert!(does_not_open(&key().open(&there, &sealed)));
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let place = Place { keyspace: "owners", record_id: b"id", field: 1, version: 1 };
    let sealed = key().seal(&place, b"plain").unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut damaged = sealed.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(does_not_open(&key().open(&place, &damaged)), "bit {bit}");
    }
    for len in 0..sealed.len() {
        assert!(does_not_open(&key().open(&place, &sealed[..len])), "length {len}");
    }
}

#[test]
fn another_persons_key_does_not_open() {
    let place = Place { keyspace: "owners", record_id: b"id", field: 1, version: 1 };
    let sealed = key().seal(&place, b"plain").unwrap();
    assert!(does_not_open(&DataKey::generate().unwrap().open(&place, &sealed)));
}

#[test]
fn the_same_text_never_looks_the_same() {
    let place = Place { keyspace: "owners", record_id: b"id", field: 1, version: 1 };
    assert_ne!(key().seal(&place, b"plain").unwrap(), key().seal(&place, b"plain").unwrap());
}

#[test]
fn errors_and_debug_tell_no_secret() {
    let place = Place { keyspace: "owners", record_id: b"the-record", field: 1, version: 1 };
    let mut sealed = key().seal(&place, b"plain").unwrap();
    sealed[30] ^= 1;
    let error = key().open(&place, &sealed).unwrap_err();
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(text.contains("owners") && !text.contains("plain") && !text.contains("the-record"), "{text}");
    }
    assert_eq!(format!("{:?}", key()), "DataKey(..)");
}
