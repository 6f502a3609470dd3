//! The fear: something that names a person stands readable in a file.
#![allow(clippy::unwrap_used)] // in helpers, too

mod store_common;

use std::path::Path;

use qnect_core::leg::LegId;
use qnect_core::phone::Phone;
use qnect_core::record::Record;
use qnect_storage::{Lane, NewOwner, NewVehicle};
use store_common::{NOW, files, open, owner, run, session, session_id};

const NAME: &str = "Kanarienvogel Flattermann";
const EMAIL: &str = "Canary.Bird@Cage.Example.ORG";
const VEHICLE: &str = "KA01CANARY4711";
const LEG: &str = "b7c6f1e2-canary-leg";
const OWNER_LEG: &str = "58d0ac93-canary-leg";
const PHONE: u64 = 918_765_432_109;

#[test]
fn no_personal_field_stands_in_any_file() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let canary = NewOwner {
        name: NAME.into(),
        email: EMAIL.into(),
        phone: Phone::from_digits(PHONE).unwrap(),
        vehicle: Some(NewVehicle(VEHICLE.into())),
        ..owner(1)
    };
    let registered = storage.register(&[owner(2), canary, owner(3)], NOW).unwrap()[1];
    let id = session_id(&storage, registered.code.tag(), 1);
    let mut session = session(id, registered.owner);
    session.scanner_leg = LegId::new(LEG);
    session.owner_leg = LegId::new(OWNER_LEG);
    let record = Record::SessionAdvanced(Box::new(session));
    run(storage.promise(Lane::Webhooks, vec![record]).unwrap().kept()).unwrap();
    assert_silent(folder.path());
    storage.close();
    drop(storage);
    assert_silent(folder.path());
    // Recovery writes files of its own.
    drop(open(folder.path()));
    assert_silent(folder.path());
}

fn assert_silent(folder: &Path) {
    // That the search finds what stands there: the time zone is no secret.
    let no_secret = ("the time zone", b"Asia/Kolkata".to_vec());
    let (mut canaries, mut found) = (canaries(), false);
    canaries.push(no_secret.clone());
    for file in files(folder) {
        for what in whatever_stands_in(&std::fs::read(&file).unwrap(), &canaries) {
            assert_eq!(what, no_secret.0, "stands in {}", file.display());
            found = true;
        }
    }
    assert!(found, "the search finds nothing at all");
}

/// One walk over the bytes for all canaries: most bytes begin none.
fn whatever_stands_in(bytes: &[u8], canaries: &[(&'static str, Vec<u8>)]) -> Vec<&'static str> {
    let mut begins = [false; 256];
    canaries.iter().for_each(|(_, canary)| begins[usize::from(canary[0])] = true);
    let mut found = Vec::new();
    for (at, &byte) in bytes.iter().enumerate() {
        if begins[usize::from(byte)] {
            let here = canaries.iter().filter(|(_, canary)| bytes[at..].starts_with(canary));
            found.extend(here.map(|(what, _)| *what));
        }
    }
    found
}

fn canaries() -> Vec<(&'static str, Vec<u8>)> {
    let digits = PHONE.to_string();
    let mut canaries = vec![
        ("the name", NAME.into()),
        ("the first name", "Kanarienvogel".into()),
        ("the e-mail", EMAIL.into()),
        ("the e-mail in lower case", EMAIL.to_lowercase().into()),
        ("the host of the e-mail", "cage.example".into()),
        ("the vehicle", VEHICLE.into()),
        ("the leg", LEG.into()),
        ("the owner's leg", OWNER_LEG.into()),
        ("the phone", digits.clone().into()),
        ("the national number", digits[2..].into()),
    ];
    // Without leading zeros, which finds it in a wider field, too.
    canaries.push(("the phone, big-endian", PHONE.to_be_bytes()[3..].into()));
    canaries.push(("the phone, little-endian", PHONE.to_le_bytes()[..5].into()));
    let packed = |shift: usize| {
        let digits = format!("{}{digits}", &"0"[..shift]);
        let pairs = digits.as_bytes().chunks_exact(2);
        pairs.map(|pair| (pair[0] - b'0') << 4 | (pair[1] - b'0')).collect()
    };
    canaries.push(("the phone, two digits a byte", packed(0)));
    canaries.push(("the phone, two digits a byte, shifted", packed(1)));
    canaries
}
