//! What stands between an owner who picked up and the bridge: a sound and a key, or a document of its own.

use crate::call::{Call, Next};
use crate::ending::{Asked, Ending, Over};
use crate::instruction::{Element, Gather, Sound};
use crate::leg::{Leg, Step};
use crate::method::Method;
use crate::report::Party;
use crate::telephone::{OwnerKey, OwnerScript};
use crate::words::times;

/// From the end of what is heard to the owner's key, or to hanging up.
const THINK_MS: u64 = 1_000;
/// The key that accepts, where a document asks and not the provider.
const ACCEPT: char = '1';

impl Call<'_> {
    /// Plivo's way: a sound, and the one key that bridges. Returns whether a key was needed and pressed.
    pub(crate) async fn confirm(
        &mut self,
        script: OwnerScript,
        sound: Option<&str>,
        key: Option<char>,
        timeout_seconds: u64,
    ) -> Result<bool, Over> {
        let gives_up_ms = self.clock.now_ms() + timeout_seconds * 1_000;
        let mut whispered = false;
        if let Some(url) = sound {
            for sound in self.sounds(url).await? {
                whispered = true;
                self.owner_hears(script, &sound).await?;
            }
        }
        // A key counts only beside a sound. [D] The worst reading: also when the sound cannot be fetched. [U]
        let Some(key) = key.filter(|_| whispered) else {
            return Ok(false);
        };
        let acts_ms = self.clock.now_ms() + THINK_MS;
        if acts_ms < gives_up_ms {
            match script.key() {
                OwnerKey::Accepting => {
                    self.owner_stay_until(acts_ms).await?;
                    self.owner_presses(key);
                    return Ok(true);
                }
                OwnerKey::Key(pressed) => {
                    self.owner_stay_until(acts_ms).await?;
                    self.owner_presses(pressed);
                    if pressed == key {
                        return Ok(true);
                    }
                }
                OwnerKey::HangsUp => return Err(self.owner_leaves(acts_ms).await?),
                OwnerKey::None => {}
            }
        }
        self.owner_stay_until(gives_up_ms).await?;
        self.tell(Party::Provider, format!("nobody pressed {key}; provider ends the owner's line"));
        Err(Over::Owner(Ending::LimitReached))
    }

    /// Twilio's way: a document on the owner's leg, and those that its questions lead to. Their end bridges, whoever
    /// listens. \[D\] Returns whether the owner pressed any key.
    pub(crate) async fn owner_document(
        &mut self,
        script: OwnerScript,
        url: &str,
        method: Method,
        owner: &Leg,
    ) -> Result<bool, Over> {
        let pressed_before = self.report.owner_pressed.len();
        let mut next = self.owner_asks(url, method, owner, None).await?;
        while let Some(document) = self.run_for_owner(script, next, owner).await? {
            next = document;
        }
        Ok(self.report.owner_pressed.len() > pressed_before)
    }

    async fn run_for_owner(&mut self, script: OwnerScript, document: Vec<Element>, owner: &Leg) -> Result<Next, Over> {
        for element in document {
            let next = match element {
                Element::Sound(sound) => {
                    self.owner_hears_all(script, &sound).await?;
                    None
                }
                Element::Gather(gather) => self.ask_owner(script, &gather, owner).await?,
                Element::Redirect { url, method } => Some(self.owner_asks(&url, method, owner, None).await?),
                Element::Hangup { .. } => {
                    self.tell(Party::Provider, "provider hangs up the owner's line, as told");
                    return Err(Over::Owner(Ending::HangupElement));
                }
                Element::Dial(_) => {
                    let problem = "<Dial> does not belong in a document for the owner's leg".to_owned();
                    return Err(Over::Owner(self.broken(Asked::OwnerDocument, problem)));
                }
            };
            if next.is_some() {
                return Ok(next);
            }
        }
        Ok(None)
    }

    /// Asks the owner for a key. No key falls through, unless the action wants to know.
    async fn ask_owner(&mut self, script: OwnerScript, gather: &Gather, owner: &Leg) -> Result<Next, Over> {
        for prompt in &gather.prompts {
            self.owner_hears_all(script, prompt).await?;
        }
        let mut deadline = self.clock.now_ms() + gather.timeout_seconds * 1_000;
        let acts_ms = self.clock.now_ms() + THINK_MS;
        let key = match script.key() {
            OwnerKey::Accepting => Some(ACCEPT),
            OwnerKey::Key(key) => Some(key),
            OwnerKey::HangsUp if acts_ms < deadline => return Err(self.owner_leaves(acts_ms).await?),
            OwnerKey::HangsUp | OwnerKey::None => None,
        };
        let mut digits = String::new();
        if let Some(key) = key.filter(|_| acts_ms < deadline) {
            self.owner_stay_until(acts_ms).await?;
            self.owner_presses(key);
            deadline = acts_ms;
            if Some(key) != gather.finish_on_key {
                digits.push(key);
                let more_ms = if gather.digits_max == Some(1) { 0 } else { gather.digit_timeout_seconds * 1_000 };
                deadline += more_ms;
            }
        }
        self.owner_stay_until(deadline).await?;
        if digits.is_empty() {
            self.tell(Party::Provider, "no key came from the owner's line");
        }
        match &gather.action {
            Some(action) if gather.on_empty || !digits.is_empty() => {
                self.owner_asks(action, gather.method, owner, Some(&digits)).await.map(Some)
            }
            Some(_) | None => Ok(None),
        }
    }

    /// As often as the sound says.
    async fn owner_hears_all(&mut self, script: OwnerScript, sound: &Sound) -> Result<(), Over> {
        for _ in 0..times(sound) {
            self.owner_hears(script, sound).await?;
        }
        Ok(())
    }

    async fn owner_asks(
        &mut self,
        url: &str,
        method: Method,
        owner: &Leg,
        digits: Option<&str>,
    ) -> Result<Vec<Element>, Over> {
        let params = self.shared.provider.owner_request(self.facts(), owner, digits);
        // A failed document ends the leg that needs it: the owner hears an apology, the scanner's document goes on. [U]
        let document = self.fetch(Asked::OwnerDocument, url, method, params).await.map_err(Over::Owner)?;
        self.owner_stay(0).await?;
        Ok(document)
    }

    /// The owner hangs up at `at_ms`; returns what that ends.
    async fn owner_leaves(&mut self, at_ms: u64) -> Result<Over, Over> {
        self.owner_stay_until(at_ms).await?;
        self.tell(Party::Owner, "owner hangs up without pressing a key");
        Ok(Over::Owner(Ending::CalleeHangsUp))
    }

    /// A document of sounds, fetched by POST; whatever else stands in it is ignored. \[D\]
    /// No document is no sound; an invalid one ends the call.
    pub(crate) async fn sounds(&mut self, url: &str) -> Result<Vec<Sound>, Over> {
        let params = self.shared.provider.request(self.facts(), Step::Sounds);
        let elements = match self.ask(Asked::Sound, url, Method::Post, params).await {
            Err(Ending::Unreachable(Asked::Sound)) => return Ok(Vec::new()),
            asked => asked?,
        };
        self.owner_stay(0).await?;
        let all = elements.len();
        let sounds: Vec<Sound> = elements
            .into_iter()
            .filter_map(|element| match element {
                Element::Sound(sound) => Some(sound),
                Element::Gather(_) | Element::Dial(_) | Element::Redirect { .. } | Element::Hangup { .. } => None,
            })
            .collect();
        if sounds.len() < all {
            self.tell(Party::Provider, "provider ignores everything but sounds here");
        }
        Ok(sounds)
    }
}
