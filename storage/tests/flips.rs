//! The fear: one bit of a file is not what was written, and nobody says so.
#![allow(clippy::unwrap_used)] // in helpers, too

mod rot_common;
mod store_common;

use std::sync::Mutex;

use rot_common::{Dice, Folder, Kind, LATE_SESSIONS, Outcome, Tally, number_of, with_each};

/// Bits that are flipped, one at a time; 10,000 in the long form.
const FLIPS: u64 = 200;

#[test]
fn a_flipped_bit_is_harmless_or_told() {
    let base = Folder::new();
    let mut dice = Dice::new();
    let count = number_of("QNECT_FLIPS").unwrap_or(FLIPS);
    let flip = |number: u64| {
        let kind = Kind::ALL[number as usize % Kind::ALL.len()];
        let file = dice.pick(&base.files(kind)).clone();
        let bytes = std::fs::metadata(base.folder.path().join(&file)).unwrap().len();
        (bytes > 0).then(|| (kind, file, dice.below(bytes * 8)))
    };
    let flips: Vec<_> = (0..count).filter_map(flip).collect();
    let tally = Mutex::new(Tally::default());
    with_each(&flips, |(kind, file, bit)| {
        let copy = base.copy();
        let path = copy.path().join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[*bit as usize / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &bytes).unwrap();
        let outcome = base.expected.look(copy.path(), LATE_SESSIONS as usize);
        let what = format!("{} bit {bit} of {}", file.display(), bytes.len() * 8);
        // What nobody has read yet is harmless so far; who verifies the folder finds it.
        if let Outcome::Correct(_) = outcome {
            std::fs::write(&path, &bytes).unwrap();
            let found = qnect_storage::verify(copy.path(), &store_common::master());
            assert!(found.is_err() || !found.unwrap().is_clean(), "{what}: verify finds nothing");
        }
        tally.lock().unwrap().count(*kind, &what, &outcome);
    });
    tally.into_inner().unwrap().finish();
}

#[test]
fn an_undamaged_folder_is_correct() {
    let base = Folder::new();
    for kind in Kind::ALL {
        assert!(!base.files(kind).is_empty(), "{kind:?}");
        println!("{kind:?}: {}", base.files(kind).len());
    }
    let copy = base.copy();
    for _ in 0..2 {
        assert_eq!(base.expected.look(copy.path(), 0), Outcome::Correct(LATE_SESSIONS as usize));
    }
}
