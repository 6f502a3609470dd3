//! Machines that look and never call: a messenger's preview, and a bot that asks for random codes.

use crate::day::browser::{Browser, Look};
use crate::day::diary::{Diary, Said};
use crate::day::people::Person;
use crate::day::world::World;
use crate::draw::Dice;

/// Crockford's base32, in which codes are printed.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_CHARS: usize = 20;

/// One look at one tag.
pub(crate) async fn preview(world: &World, person: &Person, dice: &mut Dice) -> Diary {
    let mut diary = Diary::of(person.kind);
    let browser = Browser { door: &world.door, address: person.home.address(dice) };
    let page = browser.look(world.code(person.tag), Look::Open).await;
    diary.note(page.said, page.said.lets_on(), false);
    diary
}

/// A page for each random code. What it wants is one that is a tag's: any answer but that nothing is there.
pub(crate) async fn enumerate(world: &World, person: &Person, dice: &mut Dice) -> Diary {
    let mut diary = Diary::of(person.kind);
    let browser = Browser { door: &world.door, address: person.home.address(dice) };
    for _ in 0..person.campaign {
        let said = browser.look(&forged(dice), Look::Open).await.said;
        diary.note(said, said.lets_on() || said == Said::Away, false);
        world.clock.stay(dice.between(&(person.pause_ms.0..=person.pause_ms.1))).await;
    }
    diary
}

/// A code of the right form, which nobody printed: one in 2^40 would pass the engine's check.
pub(crate) fn forged(dice: &mut Dice) -> String {
    (0..CODE_CHARS).map(|_| char::from(dice.one_of(ALPHABET))).collect()
}
