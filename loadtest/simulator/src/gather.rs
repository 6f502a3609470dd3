//! Listening for the scanner's digits.

use crate::call::{Call, Next};
use crate::plivo::cause::Asked;
use crate::plivo::document::{GetDigits, Sound};
use crate::plivo::params;
use crate::report::{LegEnd, Party};
use crate::words::sound_ms;

/// Most times that a document can make the scanner try.
const TRIES_MAX: u64 = 10;

/// What one try brought.
enum Heard {
    Digits(String),
    Nothing,
    WrongKey,
}

impl Call<'_> {
    /// Listens as often as the element says. No input falls through; digits go to the action, whose document takes over.
    pub(crate) async fn get_digits(&mut self, gather: &GetDigits) -> Result<Next, LegEnd> {
        let lost = self.keys.lose_before(self.clock.now_ms());
        if !lost.is_empty() {
            self.tell(Party::Scanner, format!("{} digits came before anybody listened", lost.len()));
        }
        for _ in 0..gather.tries.min(TRIES_MAX) {
            self.prompt(gather).await?;
            match self.listen(gather).await? {
                Heard::Digits(digits) => return self.digits_heard(gather, digits).await,
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
        Ok(None)
    }

    /// Plays the prompts; the first digit cuts them short.
    async fn prompt(&mut self, gather: &GetDigits) -> Result<(), LegEnd> {
        for prompt in &gather.prompts {
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

    async fn listen(&mut self, gather: &GetDigits) -> Result<Heard, LegEnd> {
        let mut digits = String::new();
        let mut deadline = self.clock.now_ms() + gather.timeout_seconds * 1_000;
        while let Some((at, key)) = self.keys.next_until(deadline) {
            self.stay_until(at).await?;
            if Some(key) == gather.finish_on_key {
                deadline = at;
                break;
            }
            if !gather.valid.contains(key) {
                self.tell(Party::Provider, format!("{key} is not a valid digit"));
                return Ok(Heard::WrongKey);
            }
            digits.push(key);
            if digits.len() as u64 == gather.digits_max {
                deadline = at;
                break;
            }
            deadline = at + gather.digit_timeout_seconds * 1_000;
        }
        self.stay_until(deadline).await?;
        Ok(if digits.is_empty() { Heard::Nothing } else { Heard::Digits(digits) })
    }

    async fn digits_heard(&mut self, gather: &GetDigits, digits: String) -> Result<Next, LegEnd> {
        self.tell(Party::Scanner, format!("scanner's phone has sent {digits}"));
        let Some(action) = &gather.action else {
            return Ok(None);
        };
        let mut params = params::call(&self.leg, "Redirect");
        params.push(("Digits".to_owned(), digits));
        if !gather.redirect {
            self.call_back(action, gather.method, params).await;
            return Ok(None);
        }
        self.tell(Party::Provider, "provider hands the digits to the engine");
        self.ask(Asked::Action, action, gather.method, params).await.map(Some)
    }
}
