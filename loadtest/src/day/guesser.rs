//! Dials our numbers and keys codes at random, with the right check digit, in the hope of reaching anybody.

use qnect_simulator::Dial;

use crate::day::browser::{Browser, Look};
use crate::day::diary::{Diary, Said};
use crate::day::people::Person;
use crate::day::telephone;
use crate::day::world::World;
use crate::draw::Dice;

/// Codes that one call lets a caller key.
const GUESSES_OF_A_CALL: usize = 3;
/// Tags that are looked at to learn a number and how long its codes are.
const LESSONS_MAX: u32 = 5;
/// The quasigroup of order 10 of H. Michael Damm's dissertation (2004), as it is published everywhere: who compares a few
/// codes finds that their check digits are his.
const DAMM: [[u8; 10]; 10] = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
    [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
    [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
    [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
    [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
    [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
    [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
];

/// Learns a number from a tag's session, and guesses. An action is a code that was keyed, or a call that took none.
pub(crate) async fn play(world: &World, person: &Person, dice: &mut Dice) -> Diary {
    let mut diary = Diary::of(person.kind);
    let Some((number, digits)) = learn(world, person, dice).await else { return diary };
    while diary.actions.len() < person.campaign as usize {
        let dial = Dial {
            from: person.telephone(),
            number: number.clone(),
            at_prompts: (0..GUESSES_OF_A_CALL).map(|_| guess(digits, dice)).collect(),
            talk_seconds: 5,
            withheld: person.withheld,
            ..Dial::default()
        };
        let call = telephone::call(&world.network, dial).await;
        for _ in 1..call.keyed {
            diary.note(Said::Unknown, false, false);
        }
        // The last one may have been right; a call that takes no code is refused.
        match (call.rang, call.keyed) {
            (true, _) => diary.note(call.said, true, true),
            (false, 0) => diary.note(call.said, false, false),
            (false, _) => diary.note(Said::Unknown, false, false),
        }
        world.clock.stay(dice.between(&(person.pause_ms.0..=person.pause_ms.1))).await;
    }
    diary
}

/// One of our numbers, and how many digits its codes have.
async fn learn(world: &World, person: &Person, dice: &mut Dice) -> Option<(String, usize)> {
    let browser = Browser { door: &world.door, address: person.home.address(dice) };
    for nth in 0..LESSONS_MAX {
        let code = world.code(person.tag.wrapping_add(nth));
        if browser.look(code, Look::Open).await.said.lets_on()
            && let Ok(ticket) = browser.open(code, "blocking", dice).await
        {
            return Some((ticket.number, ticket.access_code.len()));
        }
        world.clock.stay(dice.between(&(5_000..=20_000))).await;
    }
    None
}

fn guess(digits: usize, dice: &mut Dice) -> String {
    let body: String = (1..digits).map(|_| char::from(b'0' + u8::try_from(dice.below(10)).unwrap_or(0))).collect();
    let check = check_digit(&body);
    body + &check.to_string()
}

/// Damm's check digit of decimal digits.
fn check_digit(digits: &str) -> u8 {
    digits.bytes().fold(0, |row, digit| DAMM[usize::from(row)][usize::from(digit.wrapping_sub(b'0') % 10)])
}

#[cfg(test)]
mod tests {
    use super::{check_digit, guess};
    use crate::draw::Dice;

    #[test]
    fn the_published_example_holds() {
        assert_eq!(check_digit("572"), 4);
        assert_eq!(check_digit("5724"), 0, "a right check digit makes 0");
    }

    #[test]
    fn a_guess_looks_like_a_code() {
        let mut dice = Dice::new(1, 1);
        let guess = guess(9, &mut dice);
        assert_eq!((guess.len(), check_digit(&guess)), (9, 0));
    }
}
