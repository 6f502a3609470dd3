//! The owner's leg: ring, whisper, key, bridge, and what the engine is told of each.

use crate::call::{Call, Next};
use crate::digits;
use crate::plivo::cause::{self, Asked};
use crate::plivo::document::{DialElement, Element, Sound};
use crate::plivo::params::{self, OwnerLeg};
use crate::plivo::signing::Method;
use crate::report::{LegEnd, Party};
use crate::telephone::{OwnerScript, Reaction};
use crate::words::{heard, sound_ms};

/// From dialling the owner to the first ring.
const SETUP_MS: u64 = 1_000;
/// How long a network lets a telephone ring when nobody says.
const RING_SECONDS_MAX: u64 = 120;
/// From the end of the whisper to the owner's key, or to hanging up.
const THINK_MS: u64 = 1_000;
/// How long an owner who wants to hang up stays once bridged.
const CURT_MS: u64 = 2_000;

impl Call<'_> {
    /// Rings the owner and stays until that leg is over. The action's document takes over, if the scanner still listens.
    pub(crate) async fn dial_owner(&mut self, dial: &DialElement) -> Result<Next, LegEnd> {
        let shown = dial.caller_id.as_deref().unwrap_or(&self.leg.from);
        let mut owner = OwnerLeg {
            uuid: self.shared.draw.uuid(),
            from: params::bare(shown),
            to: params::bare(&dial.number),
            rang: false,
            answered_ms: None,
            connected_ms: None,
        };
        self.report.owner_number = Some(dial.number.clone());
        let began_ms = self.clock.now_ms();
        let outcome = self.owner_leg(dial, &mut owner).await;

        let end = match outcome {
            Ok(end) => end,
            Err(_) if owner.connected_ms.is_some() => cause::CALLER_HANGS_UP,
            Err(_) => cause::CANCELLED,
        };
        if let Some(connected) = owner.connected_ms {
            self.report.talk_seconds += (self.clock.now_ms() - connected) / 1_000;
        }
        let status = dial_status(end);
        self.report.owner_leg_end = Some(end);
        self.report.dial_status = Some(status);
        self.tell(Party::Owner, format!("the owner's line is over: {} ({})", end.name, end.source));
        let times = self.times(Some(began_ms), owner.answered_ms);
        let over = params::leg_hangup(&self.leg, &owner, end, &times);
        self.leg_callback(dial, over).await;

        let Some(action) = &dial.action else {
            return outcome.map(|_| None);
        };
        let params = params::dial_end(&self.leg, &owner, status, end);
        if !dial.redirect {
            self.call_back(action, dial.method, params).await;
            return outcome.map(|_| None);
        }
        // The engine is asked even when the scanner is gone; nobody follows that document then. Only its form counts.
        let document = self.ask(Asked::Action, action, dial.method, params).await;
        outcome?;
        document.map(Some)
    }

    /// Ends with the cause of the owner's leg, or with the end of the scanner's.
    async fn owner_leg(&mut self, dial: &DialElement, owner: &mut OwnerLeg) -> Result<LegEnd, LegEnd> {
        let script = self.shared.script_of(&dial.number);
        self.tell(Party::Provider, "provider calls the owner");
        self.scanner_waits(dial).await?;
        self.stay(SETUP_MS).await?;

        let reaction = script.reaction();
        if reaction == Reaction::Engaged {
            self.tell(Party::Owner, "owner's line is busy");
            return Ok(cause::BUSY);
        }
        self.ring(dial, owner);
        let rings_ms = dial.timeout_seconds.unwrap_or(RING_SECONDS_MAX).min(RING_SECONDS_MAX) * 1_000;
        match reaction {
            Reaction::Rejects(ms) if ms < rings_ms => {
                self.stay(ms).await?;
                self.tell(Party::Owner, "owner rejects the call");
                Ok(cause::REJECTED)
            }
            Reaction::PicksUp(ms) if ms < rings_ms => {
                self.stay(ms).await?;
                self.answered(script, dial, owner).await
            }
            Reaction::Engaged | Reaction::Nothing | Reaction::Rejects(_) | Reaction::PicksUp(_) => {
                self.stay(rings_ms).await?;
                self.tell(
                    Party::Provider,
                    format!("nobody answers for {} s; provider stops ringing", rings_ms / 1_000),
                );
                Ok(cause::NO_ANSWER)
            }
        }
    }

    /// What the scanner hears while the owner's telephone rings.
    async fn scanner_waits(&mut self, dial: &DialElement) -> Result<(), LegEnd> {
        let Some(url) = &dial.music else {
            self.tell(Party::Scanner, "scanner hears ringing");
            return Ok(());
        };
        for sound in self.sounds(url).await? {
            self.scanner_hears(&sound);
        }
        Ok(())
    }

    /// Without a caller id the provider shows the caller's own number, and without a name the caller's own name. \[D\]
    fn ring(&mut self, dial: &DialElement, owner: &mut OwnerLeg) {
        let number = digits::shown(dial.caller_id.as_deref().unwrap_or(&self.leg.from));
        let name = dial.caller_name.clone().unwrap_or_else(|| digits::shown(&self.leg.from));
        owner.rang = true;
        self.tell(Party::Owner, format!("owner's phone rings; display shows {number} ({name})"));
        self.report.owner_saw = Some(number);
        self.report.owner_saw_name = Some(name);
    }

    /// Somebody, or a machine, has picked up.
    async fn answered(
        &mut self,
        script: OwnerScript,
        dial: &DialElement,
        owner: &mut OwnerLeg,
    ) -> Result<LegEnd, LegEnd> {
        let now = self.clock.now_ms();
        owner.answered_ms = Some(now);
        let machine = script == OwnerScript::Voicemail;
        self.tell(Party::Owner, if machine { "a voicemail picks up" } else { "owner picks up" });
        let answer = params::leg_event(&self.leg, owner, "DialAnswer", "answer");
        self.leg_callback(dial, answer).await;

        let gives_up_ms = now + dial.confirm_timeout_seconds * 1_000;
        let whispered = match &dial.confirm_sound {
            Some(url) => self.whisper(url, machine).await?,
            None => false,
        };
        // A key counts only beside a sound. \[D\] The worst reading: also when the sound cannot be fetched. \[U\]
        let Some(key) = dial.confirm_key.filter(|_| whispered) else {
            self.report.bridged_without_key = true;
            return self.bridge(script, dial, owner).await;
        };
        let acts_ms = self.clock.now_ms() + THINK_MS;
        if machine || acts_ms >= gives_up_ms {
            self.stay_until(gives_up_ms).await?;
            self.tell(Party::Provider, format!("nobody pressed {key}; provider ends the owner's line"));
            return Ok(cause::LIMIT_REACHED);
        }
        self.stay_until(acts_ms).await?;
        if script == OwnerScript::HangsUp {
            self.tell(Party::Owner, "owner hangs up without pressing a key");
            return Ok(cause::CALLEE_HANGS_UP);
        }
        self.tell(Party::Owner, format!("owner presses {key}"));
        self.bridge(script, dial, owner).await
    }

    /// What the owner hears before the scanner is there; false if there was nothing to play.
    async fn whisper(&mut self, url: &str, machine: bool) -> Result<bool, LegEnd> {
        let listener = if machine { "voicemail records" } else { "owner hears" };
        let sounds = self.sounds(url).await?;
        let whispered = !sounds.is_empty();
        for sound in sounds {
            if let Some(heard) = heard(&sound) {
                self.tell(Party::Owner, format!("{listener}: {heard}"));
                self.report.owner_heard.push(heard);
            }
            self.stay(sound_ms(&sound)).await?;
        }
        Ok(whispered)
    }

    /// A document of sounds, fetched by POST; whatever else stands in it is ignored. \[D\], the event's name \[T\]
    /// No document is no sound; an invalid one ends the call.
    async fn sounds(&mut self, url: &str) -> Result<Vec<Sound>, LegEnd> {
        let params = params::call(&self.leg, "DialRemoteSounds");
        let elements = match self.ask(Asked::Sound, url, Method::Post, params).await {
            Err(end) if end == cause::unreachable(Asked::Sound) => return Ok(Vec::new()),
            asked => asked?,
        };
        let all = elements.len();
        let sounds: Vec<Sound> = elements
            .into_iter()
            .filter_map(|element| match element {
                Element::Sound(sound) => Some(sound),
                Element::GetDigits(_) | Element::Dial(_) | Element::Redirect { .. } | Element::Hangup { .. } => None,
            })
            .collect();
        if sounds.len() < all {
            self.tell(Party::Provider, "provider ignores everything but sounds here");
        }
        Ok(sounds)
    }

    async fn bridge(
        &mut self,
        script: OwnerScript,
        dial: &DialElement,
        owner: &mut OwnerLeg,
    ) -> Result<LegEnd, LegEnd> {
        let now = self.clock.now_ms();
        owner.connected_ms = Some(now);
        self.report.bridged = true;
        self.report.bridged_to_machine = script == OwnerScript::Voicemail;
        self.tell(Party::Provider, self.bridge_text(script));
        let connected = params::leg_event(&self.leg, owner, "DialConnected", "connected");
        self.leg_callback(dial, connected).await;

        let limit_ms = now + dial.time_limit_seconds * 1_000;
        let talked_ms = now + self.dial.talk_seconds * 1_000;
        if script == OwnerScript::HangsUp {
            self.stay_until(limit_ms.min(now + CURT_MS)).await?;
            self.tell(Party::Owner, "owner hangs up");
            return Ok(cause::CALLEE_HANGS_UP);
        }
        if limit_ms < talked_ms {
            self.stay_until(limit_ms).await?;
            self.tell(
                Party::Provider,
                format!("{} s are over; provider ends the owner's line", dial.time_limit_seconds),
            );
            return Ok(cause::LIMIT_REACHED);
        }
        self.stay_until(talked_ms).await?;
        self.tell(Party::Scanner, "scanner has said it all and hangs up");
        Err(self.line_over(cause::CALLER_HANGS_UP))
    }

    fn bridge_text(&self, script: OwnerScript) -> String {
        let machine = script == OwnerScript::Voicemail;
        let whom = if machine { "bridged to a voicemail" } else { "bridged" };
        let key = if self.report.bridged_without_key { " without a key" } else { "" };
        let shown = [&self.report.owner_saw, &self.report.owner_saw_name];
        if shown.into_iter().flatten().any(|shown| digits::holds(shown, &self.dial.from)) {
            return format!("{whom}{key}; the owner sees the scanner's number");
        }
        format!("{whom}{key}; neither sees the other's number")
    }

    async fn leg_callback(&mut self, dial: &DialElement, params: params::Params) {
        if let Some((url, method)) = &dial.callback {
            self.call_back(url, *method, params).await;
        }
    }
}

/// `DialStatus` for the end of the owner's leg.
fn dial_status(end: LegEnd) -> &'static str {
    match end {
        cause::BUSY | cause::REJECTED => "busy",
        cause::NO_ANSWER => "no-answer",
        cause::CANCELLED => "cancel",
        _ => "completed",
    }
}
