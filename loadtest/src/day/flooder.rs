//! Opens session after session on one tag and calls nobody, so that nobody else may call.

use std::collections::VecDeque;

use crate::day::browser::Browser;
use crate::day::diary::Diary;
use crate::day::people::Person;
use crate::day::world::World;
use crate::draw::Dice;

/// Urgent ones too, which an engine will not want to refuse. First those that are not, then those that are: a tag has room for
/// both, apart.
const REASONS: [[&str; 3]; 2] = [["blocking", "damage", "other"], ["towing", "child_or_pet", "emergency"]];

/// A session in each action. What it wants is to hold one more of the tag's places: a session for which its own oldest one had
/// to go brings nothing.
pub(crate) async fn play(world: &World, person: &Person, dice: &mut Dice) -> Diary {
    let mut diary = Diary::of(person.kind);
    let browser = Browser { door: &world.door, address: person.home.address(dice) };
    let mut held = [VecDeque::new(), VecDeque::new()];
    for nth in 0..person.campaign as usize {
        let room = nth % REASONS.len();
        let reason = REASONS[room][nth / REASONS.len() % REASONS[room].len()];
        let opened = browser.open(world.code(person.tag), reason, dice).await;
        let said = opened.as_ref().map_or_else(|away| away.said, |ticket| ticket.said);
        let mut got = false;
        if let Ok(ticket) = opened {
            held[room].push_back(ticket.session);
            got = browser.waits(&held[room][0]).await;
            if !got {
                held[room].pop_front();
            }
        }
        diary.note(said, got, false);
        world.clock.stay(dice.between(&(person.pause_ms.0..=person.pause_ms.1))).await;
    }
    diary
}
