//! Opens session after session on one tag and calls nobody, so that nobody else may call.

use crate::day::browser::Browser;
use crate::day::diary::Diary;
use crate::day::people::Person;
use crate::day::world::World;
use crate::draw::Dice;

/// Urgent ones too, which an engine will not want to refuse.
const REASONS: [&str; 6] = ["blocking", "towing", "other", "child_or_pet", "damage", "emergency"];

/// A session in each action, which is what it wants.
pub(crate) async fn play(world: &World, person: &Person, dice: &mut Dice) -> Diary {
    let mut diary = Diary::of(person.kind);
    let browser = Browser { door: &world.door, address: person.home.address(dice) };
    for nth in 0..person.campaign as usize {
        let opened = browser.open(world.code(person.tag), REASONS[nth % REASONS.len()], dice).await;
        let said = opened.map_or_else(|away| away.said, |ticket| ticket.said);
        diary.note(said, said.lets_on(), false);
        world.clock.stay(dice.between(&(person.pause_ms.0..=person.pause_ms.1))).await;
    }
    diary
}
