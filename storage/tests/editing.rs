//! Fear: an edit is lost, half done, or leaves something old behind.
#![allow(clippy::unwrap_used)]

mod store_common;

use std::sync::Arc;

use qnect_core::phone::Phone;
use qnect_core::preferences::{Pause, QuietHours};
use qnect_core::tag::TagStatus;
use qnect_core::time::Span;
use qnect_storage::{Contact, Edit, EditError, MINTED_AT_ONCE_MAX, NewVehicle, OwnerChange, Storage};
use store_common::{NOW, open, owner, run, until};

fn phone(number: u64) -> Phone {
    owner(number).phone
}

fn at(storage: &Storage, number: u64) -> Vec<qnect_core::tag::OwnerId> {
    run(storage.owners_at(Contact::Phone(phone(number)))).unwrap()
}

fn status(storage: &Storage, tag: qnect_core::tag_code::TagId) -> TagStatus {
    run(storage.tag_cards(vec![tag])).unwrap()[0].status
}

#[test]
fn a_tag_goes_through_its_life_and_never_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let registered = storage.register(&[owner(1)], NOW).unwrap().remove(0);
    let (claimed, edit) = (registered.code.tag(), |edit| run(storage.edit(edit)));
    let minted = edit(Edit::Mint(3)).unwrap();
    let vehicle = NewVehicle("RJ14 AB 1234".into());
    let second = edit(Edit::MintFor(registered.owner, Some(vehicle))).unwrap()[0];
    assert_eq!(minted.len(), 3);
    let cards = run(storage.tag_cards([&minted[..], &[second, claimed]].concat())).unwrap();
    let stand: Vec<_> = cards.iter().map(|card| (card.status, card.owner)).collect();
    let (nobody, owner) = (None, Some(registered.owner));
    assert_eq!(stand[..3], [(TagStatus::Minted, nobody); 3]);
    assert_eq!(stand[3..], [(TagStatus::Active, owner); 2]);
    let mut theirs: Vec<_> =
        run(storage.owner_card(registered.owner)).unwrap().unwrap().tags.iter().map(|t| t.code.tag()).collect();
    theirs.sort();
    let mut both = vec![claimed, second];
    both.sort();
    assert_eq!(theirs, both);

    for (tag, back) in [(minted[0], TagStatus::Minted), (claimed, TagStatus::Active)] {
        for _ in 0..2 {
            assert_eq!(edit(Edit::Suspend(tag)).unwrap(), [tag], "said twice, it is true once");
            assert_eq!(status(&storage, tag), TagStatus::Suspended);
        }
        for _ in 0..2 {
            edit(Edit::Resume(tag)).unwrap();
            assert_eq!(status(&storage, tag), back);
        }
        edit(Edit::Retire(tag)).unwrap();
        edit(Edit::Retire(tag)).unwrap();
        assert!(matches!(edit(Edit::Resume(tag)), Err(EditError::Retired)));
        assert!(matches!(edit(Edit::Suspend(tag)), Err(EditError::Retired)));
    }
    drop(storage);
    let storage = open(folder.path());
    assert_eq!(status(&storage, claimed), TagStatus::Retired, "for good");
    assert_eq!(status(&storage, second), TagStatus::Active);
}

#[test]
fn an_appeal_is_remembered_for_good_and_changes_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let registered = storage.register(&[owner(1)], NOW).unwrap().remove(0);
    let (tag, other) = (registered.code.tag(), run(storage.edit(Edit::Mint(1))).unwrap()[0]);
    let heard = |storage: &Storage, tag| {
        let card = run(storage.tag_cards(vec![tag])).unwrap().remove(0);
        let config = run(storage.tag_config(tag)).unwrap().unwrap();
        assert_eq!(config.appealed_at, card.appealed_at, "what is decided by is what is shown");
        (card.appealed_at, (card.status, card.owner, card.minted_at))
    };
    let (never, before) = heard(&storage, tag);
    assert_eq!(never, None);
    assert_eq!(run(storage.edit(Edit::Appeal(tag))).unwrap(), [tag], "whoever decides by it is told");
    let (first, after) = heard(&storage, tag);
    assert!(first.is_some_and(|at| at >= NOW) && after == before);
    assert_eq!(heard(&storage, other).0, None);
    run(storage.edit(Edit::Suspend(tag))).unwrap();
    run(storage.edit(Edit::Resume(tag))).unwrap();
    assert_eq!(heard(&storage, tag), (first, before), "another edit does not forget it");
    run(storage.edit(Edit::Appeal(tag))).unwrap();
    let (again, _) = heard(&storage, tag);
    assert!(again >= first, "the last one counts");
    drop(storage);
    assert_eq!(heard(&open(folder.path()), tag), (again, before));
}

#[test]
fn what_is_not_there_is_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let other = tempfile::tempdir().unwrap();
    let stranger = open(other.path()).register(&[owner(1)], NOW).unwrap().remove(0);
    let edit = |edit| run(storage.edit(edit)).unwrap_err();
    for unknown in [Edit::Suspend, Edit::Resume, Edit::Retire, Edit::Appeal] {
        assert!(matches!(edit(unknown(stranger.code.tag())), EditError::UnknownTag));
    }
    assert!(matches!(edit(Edit::MintFor(stranger.owner, None)), EditError::UnknownOwner));
    assert!(matches!(edit(Edit::Pause(stranger.owner, Pause::Off)), EditError::UnknownOwner));
    assert!(matches!(edit(Edit::ChangeOwner(stranger.owner, OwnerChange::default())), EditError::UnknownOwner));
    for count in [0, MINTED_AT_ONCE_MAX + 1] {
        assert!(matches!(edit(Edit::Mint(count)), EditError::MintedAtOnce));
    }
    assert!(run(storage.owner_card(stranger.owner)).unwrap().is_none());
    assert!(run(storage.tag_cards(vec![stranger.code.tag()])).unwrap().is_empty());
    assert!(!*storage.failed().borrow(), "a wrong question is no failure");
}

#[test]
fn a_changed_number_is_dialled_and_found_and_the_old_one_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let registered = storage.register(&[owner(1)], NOW).unwrap().remove(0);
    let id = registered.owner;
    let change = OwnerChange {
        email: Some("New@Example.org".into()),
        phone: Some(phone(2)),
        quiet_hours: Some(Some(QuietHours { from_minute: 5, to_minute: 6 })),
        ..OwnerChange::default()
    };
    assert_eq!(run(storage.edit(Edit::ChangeOwner(id, change))).unwrap(), [registered.code.tag()]);
    drop(storage);

    let storage = open(folder.path());
    let profile = run(storage.owner_profile(id)).unwrap().unwrap();
    assert!(profile.phone == phone(2));
    assert_eq!(profile.preferences.quiet_hours, Some(QuietHours { from_minute: 5, to_minute: 6 }));
    let config = run(storage.tag_config(registered.code.tag())).unwrap().unwrap();
    assert!(config.owner.unwrap().phone == phone(2));
    assert_eq!(at(&storage, 1), []);
    assert_eq!(at(&storage, 2), [id]);
    let of_email = |email: &str| run(storage.owners_at(Contact::Email(email.into()))).unwrap();
    assert_eq!(of_email("owner1@example.org"), []);
    assert_eq!(of_email(" NEW@example.ORG "), [id]);
    let root = |digits| storage.keys().roots().caller(digits).unwrap();
    assert_eq!(run(storage.owner_of_caller(&root("+919800000002"))).unwrap(), Some(id));
    assert_eq!(run(storage.owner_of_caller(&root("+919800000001"))).unwrap(), None);

    let none_any_more = OwnerChange { quiet_hours: Some(None), ..OwnerChange::default() };
    run(storage.edit(Edit::ChangeOwner(id, none_any_more))).unwrap();
    let card = run(storage.owner_card(id)).unwrap().unwrap();
    assert_eq!(card.quiet_hours, None);
    assert_eq!([card.name, card.email, card.phone].map(|m| m.to_string()), ["O...", "N...", "+******02"]);
}

#[test]
fn a_number_that_two_have_stays_with_both() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let of = |now| storage.register(&[owner(7)], now).unwrap().remove(0).owner;
    let (first, second) = (of(NOW), of(NOW.plus(Span::HOUR)));
    let third = storage.register(&[owner(7)], NOW.plus(Span::DAY)).unwrap().remove(0).owner;
    assert_eq!(at(&storage, 7), [first, second, third]);
    let root = storage.keys().roots().caller("+919800000007").unwrap();
    assert_eq!(run(storage.owner_of_caller(&root)).unwrap(), Some(first), "whoever has had it longest");
    let moves = OwnerChange { phone: Some(phone(8)), ..OwnerChange::default() };
    run(storage.edit(Edit::ChangeOwner(first, moves))).unwrap();
    assert_eq!(at(&storage, 7), [second, third]);
    assert_eq!(at(&storage, 8), [first]);
    let same = OwnerChange { phone: Some(phone(7)), ..OwnerChange::default() };
    run(storage.edit(Edit::ChangeOwner(third, same))).unwrap();
    assert_eq!(at(&storage, 7), [second, third], "told again, nothing changes");
}

#[test]
fn edits_at_once_do_not_overwrite_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Arc::new(open(folder.path()));
    let id = storage.register(&[owner(1)], NOW).unwrap().remove(0).owner;
    std::thread::scope(|scope| {
        for turn in 0..4 {
            let storage = &storage;
            scope.spawn(move || {
                for number in 0..25 {
                    let change = match turn {
                        0 => OwnerChange { name: Some(format!("Z{number}")), ..OwnerChange::default() },
                        1 => OwnerChange { phone: Some(phone(100 + number)), ..OwnerChange::default() },
                        2 => OwnerChange { time_zone: Some("Asia/Dubai".into()), ..OwnerChange::default() },
                        _ => {
                            run(storage.edit(Edit::Pause(id, Pause::Indefinite))).unwrap();
                            continue;
                        }
                    };
                    run(storage.edit(Edit::ChangeOwner(id, change))).unwrap();
                }
            });
        }
    });
    let card = run(storage.owner_card(id)).unwrap().unwrap();
    assert_eq!([card.name, card.phone].map(|m| m.to_string()), ["Z...", "+******24"]);
    assert_eq!((card.time_zone.as_str(), card.pause), ("Asia/Dubai", Pause::Indefinite));
    assert_eq!(at(&storage, 124), [id]);
    assert_eq!((100..124).flat_map(|number| at(&storage, number)).count(), 0, "no entry is left behind");
}

#[test]
fn an_edit_whose_asker_has_left_comes_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let tag = storage.register(&[owner(1)], NOW).unwrap().remove(0).code.tag();
    storage.faults().close_gate();
    run(async {
        let left = tokio::time::timeout(std::time::Duration::ZERO, storage.edit(Edit::Suspend(tag))).await;
        assert!(left.is_err());
    });
    until("the edit's commit waits", || storage.faults().holds_a_commit());
    storage.faults().open_gate();
    assert_eq!(status(&storage, tag), TagStatus::Suspended);
}

#[test]
fn an_edit_that_cannot_be_written_is_not_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let tag = storage.register(&[owner(1)], NOW).unwrap().remove(0).code.tag();
    storage.faults().fail_next_commit();
    assert!(matches!(run(storage.edit(Edit::Suspend(tag))), Err(EditError::Storage(_))));
    until("the store has failed", || *storage.failed().borrow());
    drop(storage);
    let storage = open(folder.path());
    assert_eq!(status(&storage, tag), TagStatus::Active);
    storage.close();
    assert!(matches!(run(storage.edit(Edit::Suspend(tag))), Err(EditError::Storage(_))), "closed");
}
