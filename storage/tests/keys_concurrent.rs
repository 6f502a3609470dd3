//! Fear: threads that meet at the table make two keys of one owner, or lose one.

mod keys_common;

use std::sync::Barrier;
use std::thread;

use keys_common::{BLOCK, create, folder, letter, open, opens};

const THREADS: u64 = 8;
const ROUNDS: u64 = 12;

#[test]
fn overlapping_adds_agree_on_every_key() {
    let (_folder, path) = folder();
    let table = create(&path);
    let start = Barrier::new(THREADS as usize);
    let letters: Vec<(u64, Vec<u8>)> = thread::scope(|scope| {
        let adders: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (table, start) = (&table, &start);
                scope.spawn(move || {
                    start.wait();
                    let mut letters = Vec::new();
                    for round in 0..ROUNDS {
                        // neighbours in time and among threads share owners
                        let owners: Vec<u64> = (0..6).map(|step| round * 4 + thread / 2 + step).collect();
                        table.add_data_keys(&owners).unwrap();
                        for owner in owners {
                            letters.push((owner, letter(&table.data_key(owner).unwrap())));
                        }
                    }
                    letters
                })
            })
            .collect();
        adders.into_iter().flat_map(|adder| adder.join().unwrap()).collect()
    });
    let data_keys = table.counts().data_keys;
    drop(table);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), ((data_keys + 1) * BLOCK) as u64, "one entry per owner");

    let table = open(&path).unwrap();
    assert_eq!(table.counts().data_keys, data_keys);
    for (owner, letter) in letters {
        assert!(opens(&table.data_key(owner).unwrap(), &letter), "owner {owner}");
    }
}

#[test]
fn one_day_has_one_key() {
    let (_folder, path) = folder();
    let table = create(&path);
    let start = Barrier::new(THREADS as usize);
    for day in 0..20 {
        let tokens: Vec<[u8; 16]> = thread::scope(|scope| {
            let callers: Vec<_> = (0..THREADS)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        table.day_key(day).unwrap().token(&[1; 32])
                    })
                })
                .collect();
            callers.into_iter().map(|caller| caller.join().unwrap()).collect()
        });
        assert!(tokens.iter().all(|token| *token == tokens[0]), "day {day}");
    }
    assert_eq!(table.counts().day_keys, 20);
}

#[test]
fn readers_see_a_key_or_none_while_others_add() {
    let (_folder, path) = folder();
    let table = create(&path);
    table.add_data_keys(&[0]).unwrap();
    let known = letter(&table.data_key(0).unwrap());
    thread::scope(|scope| {
        let adder = scope.spawn(|| (1..60).for_each(|owner| table.add_data_keys(&[owner]).unwrap()));
        while !adder.is_finished() {
            assert!(opens(&table.data_key(0).unwrap(), &known));
            let counted = table.counts().data_keys as u64;
            assert!((0..counted).all(|owner| table.data_key(owner).is_some()), "counted before it can be read");
        }
    });
    assert_eq!(table.counts().data_keys, 60);
}
