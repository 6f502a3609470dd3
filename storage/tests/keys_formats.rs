//! Fear: a change of the code changes a format, and what was stored can no longer be read.
//!
//! The bytes here were made from the doc comments by another implementation (HKDF, XChaCha20 and Poly1305 written out
//! in another language). If one of these tests fails, the code is wrong, never the bytes.

mod keys_common;

use keys_common::{folder, letter, opens, overwrite};
use qnect_storage::keys::{DataKey, KeyCounts, KeyTable, MasterKey, Place, Purpose};

const SEALED_FIELD: &str =
    "404142434445464748494a4b4c4d4e4f50515253545556574e490889560a9cb6195e9b5d9c17f861100519113e83b2c37c6c281081a6";

const TABLE: &[&str] = &[
    "514e4b455954414201010000000000000000000000000007010101010101010101010101010101010101010101010101",
    "813199f8cbb829a73bfd1cb12cb21645a6810e790f6b55f13a6104c75940ea92f605f2855f5d2e3b104658f7eba49b5b",
    "00000000000000000000000000000000000000000000000000000000000000000000000000000001000000000000002a",
    "0000000000000000101010101010101010101010101010101010101010101010b62246bce3edcc0284af4e05526ef326",
    "3ba96ab2c513a1f36ae3298973877b08086c7808f01d2fd9f8b259f70d09858900000000000000000000000000000000",
    "000000000000000000000000000000000000000000000001ffffffffffffffff00000000000000001111111111111111",
    "111111111111111111111111111111116b092998f6f63816dd52ea1202beb22f7ee6ffb0ecdaadc8ef790bf51ecabfba",
    "b78e9f5f1d2dcea7f1089a1424e1f9f50000000000000000000000000000000000000000000000000000000000000000",
    "00000000000000020000000000004e200000000000000002121212121212121212121212121212121212121212121212",
    "b32a502330f17ff09b531d258b4ae775f12f4d2c34f00d0ab6b27312eca29ebc65222732f6ec48f2d7b411db360e60dc",
    "0000000000000000000000000000000000000000000000000000000000000000",
];

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().map(|digit| digit.to_digit(16).expect("hex") as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn counting<const N: usize>(first: u8) -> [u8; N] {
    std::array::from_fn(|position| first + position as u8)
}

#[test]
fn derived_keys_are_what_they_always_were() {
    let master = MasterKey::from_bytes(counting(0));
    for (purpose, version, expected) in [
        (Purpose::TagCheck, 1, "a36fe047fa141f755bc27c754f2f0016d6829b17240019d27a9333745187c455"),
        (Purpose::TagCheck, 2, "ea2295bb8dc31ea4182066265d6328dcbfd864d4b466275ee6a778f9f42cd66d"),
        (Purpose::SessionCheck, 1, "6b01cb4913e119ea23d23d4dc1cbdd334bbbf42e8924e8f477e326a71b35208b"),
        (Purpose::SessionCheck, 2, "ca442527c21fa801e422102510069b371e20020205799d4c79391175ec22ac8c"),
        (Purpose::Index, 1, "1632d8e65cf3ecbed2d39e6012fe9319b51b9969684b4508085136712f7b6a34"),
        (Purpose::Index, 2, "8285aab9b3695ff9cbbeff5638f708d151bd33baed6881c74d78989dfeee0874"),
        (Purpose::CallerRoot, 1, "e408625add6e357f3f12d9e5bc7da3aca8e2deaf3f3966346917fd0e941def91"),
        (Purpose::CallerRoot, 2, "939d00a3670407450ff785ee8cf991f1bad4bc7d656703e5ebea714a0491aeda"),
        (Purpose::EpochSeal, 1, "b17e7fd2ceb7ae5d81c0d141c8b3d5a308f63f88cfcbea8c49bc71a6b96932b5"),
        (Purpose::EpochSeal, 2, "f585d2eac6dfe5d30eaebf378b65b817a313378049d559f2898366a926e2a817"),
    ] {
        assert_eq!(master.derive(purpose, version).as_bytes()[..], bytes(expected), "{purpose:?} {version}");
    }
}

#[test]
fn a_field_sealed_long_ago_opens() {
    let key = DataKey::from_bytes(counting(32));
    let place = Place { keyspace: "owners", record_id: &[0, 1, 2], field: 258, version: 3 };
    let plain = key.open(&place, &bytes(SEALED_FIELD)).unwrap();
    assert_eq!(*plain, b"the plain text");
}

#[test]
fn a_callers_name_with_an_owner_is_what_it_always_was() {
    let key = DataKey::from_bytes(counting(32));
    assert_eq!(key.block_token(&[5; 32])[..], bytes("c3a5f177ea9dbf7caa2a025787fd8f2a"));
}

#[test]
fn a_table_written_long_ago_opens() {
    let (_folder, path) = folder();
    overwrite(&path, &bytes(&TABLE.concat()));
    let table = KeyTable::open(&path, &MasterKey::from_bytes(counting(0))).unwrap();
    assert_eq!((table.epoch(), table.counts()), (7, KeyCounts { data_keys: 2, day_keys: 1 }));
    assert!(opens(&table.data_key(42).unwrap(), &letter(&DataKey::from_bytes([0xa1; 32]))));
    assert!(opens(&table.data_key(u64::MAX).unwrap(), &letter(&DataKey::from_bytes([0xa2; 32]))));
    let token = table.day_key(20_000).unwrap().token(&[5; 32]);
    assert_eq!(token[..], bytes("3a7749e6203de080ed2a254df828c024"));
    assert_eq!(table.counts().day_keys, 1, "the day's key was there already");
}
