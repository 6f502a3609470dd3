//! Listening for the scanner's digits.

use crate::call::{Call, Next};
use crate::digits;
use crate::ending::{Asked, Ending};
use crate::instruction::{Gather, Sound};
use crate::leg::Step;
use crate::report::Party;
use crate::telephone::Moment;
use crate::words::{heard, sound_ms, times};

/// Most times that a document can make the scanner try.
const TRIES_MAX: u64 = 10;
/// Most digits that are taken when the document sets no number.
const DIGITS_MAX: u64 = 99;
/// From the end of a prompt to the first key pressed by hand.
const THINK_MS: u64 = 1_000;

/// What one try brought.
enum Heard {
    Digits { digits: String, finished_by: Option<char> },
    Nothing,
    WrongKey,
}

impl Call<'_> {
    /// Listens as often as the element says. Digits go to the action, whose document takes over; no input falls through,
    /// unless the action wants to know.
    pub(crate) async fn gather(&mut self, gather: &Gather) -> Result<Next, Ending> {
        let lost = self.keys.lose_before(self.clock.now_ms());
        if !lost.is_empty() {
            self.tell(Party::Scanner, format!("{} digits came before anybody listened", lost.len()));
        }
        self.notice(Moment::Asked);
        for _ in 0..gather.tries.min(TRIES_MAX) {
            self.prompt(gather).await?;
            self.key_by_hand(gather);
            match self.listen(gather).await? {
                Heard::Digits { digits, finished_by } => return self.digits_heard(gather, &digits, finished_by).await,
                Heard::Nothing => {}
                Heard::WrongKey => {
                    if let Some(url) = &gather.invalid_sound {
                        let ms = self.scanner_hears(&Sound::Play { url: url.clone(), times: 1 });
                        self.stay(ms).await?;
                    }
                }
            }
        }
        self.tell(Party::Provider, "no digits came");
        if gather.on_empty { self.digits_heard(gather, "", None).await } else { Ok(None) }
    }

    /// Plays the prompts; the first digit cuts them short.
    async fn prompt(&mut self, gather: &Gather) -> Result<(), Ending> {
        self.stay(0).await?;
        for prompt in gather.prompts.iter().flat_map(|prompt| std::iter::repeat_n(prompt, times(prompt))) {
            let ends_ms = self.clock.now_ms() + sound_ms(prompt);
            if self.keys.peek_until(self.clock.now_ms()).is_none() {
                self.scanner_hears(prompt);
            }
            match self.keys.peek_until(ends_ms) {
                Some(at) => return self.stay_until(at).await,
                None => self.stay_until(ends_ms).await?,
            }
        }
        Ok(())
    }

    /// What a person does at a question that the dialler's own tones leave open.
    fn key_by_hand(&mut self, gather: &Gather) {
        if !self.keys.is_empty() {
            return;
        }
        let keys = match self.dial.at_prompts.get(self.prompted) {
            Some(keys) => Some(keys.clone()),
            None if self.dial.repeats_spoken_digits => dictated(gather),
            None => None,
        };
        self.prompted += 1;
        if let Some(keys) = keys {
            self.keys.press(&keys, self.clock.now_ms() + THINK_MS);
        }
    }

    async fn listen(&mut self, gather: &Gather) -> Result<Heard, Ending> {
        let (mut digits, mut finished_by) = (String::new(), None);
        let mut deadline = self.clock.now_ms() + gather.timeout_seconds * 1_000;
        while let Some((at, key)) = self.keys.next_until(deadline) {
            self.stay_until(at).await?;
            if Some(key) == gather.finish_on_key {
                (deadline, finished_by) = (at, Some(key));
                break;
            }
            if !gather.valid.contains(key) {
                self.tell(Party::Provider, format!("{key} is not a valid digit"));
                return Ok(Heard::WrongKey);
            }
            digits.push(key);
            if digits.len() as u64 == gather.digits_max.unwrap_or(DIGITS_MAX) {
                deadline = at;
                break;
            }
            deadline = at + gather.digit_timeout_seconds * 1_000;
        }
        self.stay_until(deadline).await?;
        Ok(if digits.is_empty() { Heard::Nothing } else { Heard::Digits { digits, finished_by } })
    }

    async fn digits_heard(&mut self, gather: &Gather, digits: &str, finished_by: Option<char>) -> Result<Next, Ending> {
        if !digits.is_empty() {
            self.tell(Party::Scanner, format!("scanner's phone has sent {digits}"));
            self.report.scanner_keyed.push(digits.to_owned());
        }
        let Some(action) = &gather.action else {
            return Ok(None);
        };
        let params = self.shared.provider.request(self.facts(), Step::Digits { digits, finished_by });
        if !gather.redirect {
            self.call_back(action, gather.method, params).await;
            return Ok(None);
        }
        self.tell(Party::Provider, "provider hands the digits to the engine");
        self.ask(Asked::Action, action, gather.method, params).await.map(Some)
    }
}

/// The digits that the question itself spoke.
fn dictated(gather: &Gather) -> Option<String> {
    let texts = gather.prompts.iter().rev().filter_map(heard);
    texts.into_iter().find_map(|text| digits::dictated(&text, gather.digits_max))
}
