//! The owner's leg: ring, whisper, key, bridge, and what the engine is told of each.

use std::convert::Infallible;

use crate::call::{Call, Next};
use crate::digits;
use crate::ending::{Asked, Ending, Over};
use crate::instruction::{DialElement, Screening, Sound, Told};
use crate::leg::{Leg, LegEvent};
use crate::records::EndAsked;
use crate::report::Party;
use crate::telephone::{Moment, OwnerKey, OwnerScript, Reaction};
use crate::words::{heard, sound_ms};

/// From dialling the owner to the first ring.
const SETUP_MS: u64 = 1_000;
/// How long a network lets a telephone ring when nobody says.
const RING_SECONDS_MAX: u64 = 120;
/// How long an owner who wants to hang up stays once bridged.
const CURT_MS: u64 = 2_000;

impl Call<'_> {
    /// Rings the owner and stays until that leg is over. The action's document takes over, if the scanner still listens.
    pub(crate) async fn dial_owner(&mut self, dial: &DialElement) -> Result<Next, Ending> {
        let (shared, began_ms) = (self.shared, self.clock.now_ms());
        let shown = dial.caller_id.as_deref().unwrap_or(&self.leg.from);
        let (from, to) = (shared.provider.number(shown), shared.provider.number(&dial.number));
        let mut owner = Leg::new(shared.provider.call_id(&shared.draw), from, to, began_ms);
        self.report.owner_number = Some(dial.number.clone());
        self.report.owner_call_id = Some(owner.id.clone());
        let began_unix_ms = self.clock.unix_ms(began_ms);
        let asked = shared.records.open(&owner.id, Some(&self.leg.id), &owner.from, &owner.to, began_unix_ms);
        self.owner_end = Some(asked);

        let over = match shared.lines.dial(began_unix_ms) {
            Some(_line) => {
                let Err(over) = self.owner_leg(dial, &mut owner).await;
                over
            }
            None => {
                self.tell(Party::Provider, "the account has no line left; the owner is not called");
                Over::Owner(Ending::NoLine)
            }
        };
        self.owner_end = None;
        let ending = owner_ending(over, &owner);
        self.owner_over(dial, &mut owner, ending).await;

        let scanner_stays = match over {
            Over::Scanner(ending) => Err(ending),
            Over::Owner(_) => Ok(()),
        };
        let Some(action) = &dial.action else {
            return scanner_stays.map(|()| None);
        };
        let params = shared.provider.dial_over(self.facts(), &owner, ending);
        if !dial.redirect {
            self.call_back(action, dial.method, params).await;
            return scanner_stays.map(|()| None);
        }
        // The engine is asked even when the scanner is gone; nobody follows that document then. Only its form counts.
        let document = self.ask(Asked::Action, action, dial.method, params).await;
        scanner_stays?;
        document.map(Some)
    }

    async fn owner_over(&mut self, dial: &DialElement, owner: &mut Leg, ending: Ending) {
        let now = self.clock.now_ms();
        if let Some(bridged) = owner.bridged_ms {
            self.report.talk_seconds += (now - bridged) / 1_000;
        }
        let end = self.shared.provider.leg_end(ending);
        self.report.owner_leg_end = Some(end);
        self.report.dial_status = Some(self.shared.provider.dial_status(ending));
        self.tell(Party::Owner, format!("the owner's line is over: {} ({})", end.name, end.source));
        self.shared.records.over(&owner.id, ending, self.clock.unix_ms(now));
        self.leg_event(dial, owner, LegEvent::Over(ending)).await;
    }

    /// Ends with the end of the owner's leg, or with the end of the scanner's.
    async fn owner_leg(&mut self, dial: &DialElement, owner: &mut Leg) -> Result<Infallible, Over> {
        let script = self.dial.owner.unwrap_or_else(|| self.shared.script_of(&dial.number));
        self.tell(Party::Provider, "provider calls the owner");
        self.leg_event(dial, owner, LegEvent::Initiated).await;
        self.scanner_waits(dial).await?;
        self.owner_stay(SETUP_MS).await?;

        let reaction = script.reaction();
        if reaction == Reaction::Engaged {
            self.tell(Party::Owner, "owner's line is busy");
            return Err(Over::Owner(Ending::Busy));
        }
        self.ring(dial, owner).await;
        let rings_ms = dial.timeout_seconds.unwrap_or(RING_SECONDS_MAX).min(RING_SECONDS_MAX) * 1_000;
        match reaction {
            Reaction::Rejects(ms) if ms < rings_ms => {
                self.owner_stay(ms).await?;
                self.tell(Party::Owner, "owner rejects the call");
                return Err(Over::Owner(Ending::Rejected));
            }
            Reaction::PicksUp(ms) if ms < rings_ms => self.owner_stay(ms).await?,
            Reaction::Engaged | Reaction::Nothing | Reaction::Rejects(_) | Reaction::PicksUp(_) => {
                self.owner_stay(rings_ms).await?;
                self.tell(
                    Party::Provider,
                    format!("nobody answers for {} s; provider stops ringing", rings_ms / 1_000),
                );
                return Err(Over::Owner(Ending::NoAnswer));
            }
        }
        self.picked_up(script, dial, owner).await?;
        let pressed = match &dial.screening {
            Screening::Nothing => false,
            Screening::Key { sound, key, timeout_seconds } => {
                self.confirm(script, sound.as_deref(), *key, *timeout_seconds).await?
            }
            Screening::Document { url, method } => self.owner_document(script, url, *method, owner).await?,
        };
        self.report.bridged_without_key |= !pressed;
        self.bridge(script, dial, owner).await
    }

    /// What the scanner hears while the owner's telephone rings.
    async fn scanner_waits(&mut self, dial: &DialElement) -> Result<(), Over> {
        let Some(url) = &dial.music else {
            self.tell(Party::Scanner, "scanner hears ringing");
            return Ok(());
        };
        for sound in self.sounds(url).await? {
            self.scanner_hears(&sound);
        }
        Ok(())
    }

    /// Without a caller id the provider shows the caller's own number. \[D\]
    async fn ring(&mut self, dial: &DialElement, owner: &mut Leg) {
        let number = digits::shown(dial.caller_id.as_deref().unwrap_or(&self.leg.from));
        let name = self.shared.provider.shown_name(dial, &self.leg.from);
        owner.rang = true;
        let named = name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        self.tell(Party::Owner, format!("owner's phone rings; display shows {number}{named}"));
        self.report.owner_saw = Some(number);
        self.report.owner_rang_ms.get_or_insert(self.clock.now_ms());
        self.report.owner_saw_name = name;
        self.leg_event(dial, owner, LegEvent::Ringing).await;
        self.notice(Moment::Ringing);
    }

    /// Somebody, or a machine, has picked up.
    async fn picked_up(&mut self, script: OwnerScript, dial: &DialElement, owner: &mut Leg) -> Result<(), Over> {
        let now = self.clock.now_ms();
        owner.answered_ms = Some(now);
        self.shared.records.answered(&owner.id, self.clock.unix_ms(now));
        self.tell(Party::Owner, if is_machine(script) { "a voicemail picks up" } else { "owner picks up" });
        self.leg_event(dial, owner, LegEvent::Answered).await;
        self.notice(Moment::OwnerPicksUp);
        self.owner_stay(0).await
    }

    async fn bridge(&mut self, script: OwnerScript, dial: &DialElement, owner: &mut Leg) -> Result<Infallible, Over> {
        let now = self.clock.now_ms();
        owner.bridged_ms = Some(now);
        self.report.bridged = true;
        self.report.bridged_ms.get_or_insert(now);
        self.report.bridged_to_machine |= is_machine(script);
        if self.leg.answered_ms.is_none() {
            self.answer();
        }
        self.tell(Party::Provider, self.bridge_text(script));
        self.leg_event(dial, owner, LegEvent::Bridged).await;
        self.notice(Moment::Bridged);

        let limit_ms = now + dial.time_limit_seconds * 1_000;
        let talked_ms = now + self.dial.talk_seconds * 1_000;
        if script.key() == OwnerKey::HangsUp {
            self.owner_stay_until(limit_ms.min(now + CURT_MS)).await?;
            self.tell(Party::Owner, "owner hangs up");
            return Err(Over::Owner(Ending::CalleeHangsUp));
        }
        if limit_ms < talked_ms {
            self.owner_stay_until(limit_ms).await?;
            self.tell(
                Party::Provider,
                format!("{} s are over; provider ends the owner's line", dial.time_limit_seconds),
            );
            return Err(Over::Owner(Ending::LimitReached));
        }
        self.owner_stay_until(talked_ms).await?;
        self.tell(Party::Scanner, "scanner has said it all and hangs up");
        Err(Over::Scanner(self.line_over(Ending::CallerHangsUp)))
    }

    fn bridge_text(&self, script: OwnerScript) -> String {
        let whom = if is_machine(script) { "bridged to a voicemail" } else { "bridged" };
        let key = if self.report.bridged_without_key { " without a key" } else { "" };
        let shown = [&self.report.owner_saw, &self.report.owner_saw_name];
        if shown.into_iter().flatten().any(|shown| digits::holds(shown, &self.dial.from)) {
            return format!("{whom}{key}; the owner sees the scanner's number");
        }
        format!("{whom}{key}; neither sees the other's number")
    }

    /// Tells the engine of the owner's leg, if the document asked for it.
    async fn leg_event(&mut self, dial: &DialElement, owner: &mut Leg, event: LegEvent) {
        let kind = match event {
            LegEvent::Initiated => Told::Initiated,
            LegEvent::Ringing => Told::Ringing,
            LegEvent::Answered => Told::Answered,
            LegEvent::Bridged => Told::Bridged,
            LegEvent::Over(_) => Told::Over,
        };
        let Some(callback) = dial.callback.as_ref().filter(|callback| callback.told.contains(&kind)) else {
            return;
        };
        let params = self.shared.provider.leg_event(self.facts(), owner, event);
        owner.told += 1;
        self.call_back(&callback.url, callback.method, params).await;
    }

    /// Lets `ms` go by on the owner's line.
    pub(crate) async fn owner_stay(&mut self, ms: u64) -> Result<(), Over> {
        self.owner_stay_until(self.clock.now_ms() + ms).await
    }

    /// Waits until `at_ms`, or until one of the two lines ends.
    pub(crate) async fn owner_stay_until(&mut self, at_ms: u64) -> Result<(), Over> {
        self.stay_until(at_ms).await?;
        if self.owner_end.as_ref().is_some_and(EndAsked::is_true) {
            self.tell(Party::Provider, "provider hangs up the owner's line, as its API was asked to");
            return Err(Over::Owner(Ending::HungUpByApi));
        }
        Ok(())
    }

    /// The owner, or a machine, listens to a sound once.
    pub(crate) async fn owner_hears(&mut self, script: OwnerScript, sound: &Sound) -> Result<(), Over> {
        let listener = if is_machine(script) { "voicemail records" } else { "owner hears" };
        if let Some(heard) = heard(sound) {
            self.tell(Party::Owner, format!("{listener}: {heard}"));
            self.report.owner_heard.push(heard);
        }
        self.owner_stay(sound_ms(sound)).await
    }

    pub(crate) fn owner_presses(&mut self, key: char) {
        self.tell(Party::Owner, format!("owner presses {key}"));
        self.report.owner_pressed.push(key);
    }
}

fn is_machine(script: OwnerScript) -> bool {
    script == OwnerScript::Voicemail
}

/// How the owner's leg ends when the dial is over.
fn owner_ending(over: Over, owner: &Leg) -> Ending {
    match over {
        Over::Owner(Ending::HungUpByApi) | Over::Scanner(Ending::HungUpByApi) if owner.answered_ms.is_none() => {
            Ending::CancelledByApi
        }
        Over::Scanner(Ending::HungUpByApi) => Ending::HungUpByApi,
        Over::Scanner(Ending::CancelledByApi) => Ending::CancelledByApi,
        Over::Owner(ending) => ending,
        Over::Scanner(_) if owner.bridged_ms.is_some() => Ending::CallerHangsUp,
        Over::Scanner(_) if owner.answered_ms.is_some() => Ending::LeftBeforeBridge,
        Over::Scanner(_) => Ending::Cancelled,
    }
}
