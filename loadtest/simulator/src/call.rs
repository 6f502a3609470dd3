//! One call, from the scanner's telephone to the last webhook: the scanner's leg.
//!
//! Whatever ends the leg is the `Err` of a step, so that `?` is the end of the line.

use std::sync::Arc;

use crate::callbacks::Held;
use crate::clock::Clock;
use crate::digits;
use crate::draw::Draw;
use crate::ending::{Asked, Ending};
use crate::instruction::{Element, Sound};
use crate::keys::Keys;
use crate::leg::{Facts, Leg, Step};
use crate::method::Method;
use crate::network::Shared;
use crate::provider::Answering;
use crate::records::EndAsked;
use crate::report::{CallReport, Party, TimelineEntry};
use crate::telephone::Dial;
use crate::words::{heard, sound_ms, times};

/// The longest call. \[D\]
const CALL_MS_MAX: u64 = 14_400_000;
/// From dialling to the provider.
const ROUTING_MS: u64 = 1_500;

/// The elements that replace what was going on; `None` goes on.
pub(crate) type Next = Option<Vec<Element>>;

/// One call while it lasts.
pub(crate) struct Call<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    observe: &'a mut (dyn FnMut(&TimelineEntry) + Send),
    pub(crate) clock: Clock,
    pub(crate) dial: Dial,
    pub(crate) leg: Leg,
    pub(crate) keys: Keys,
    /// Questions that were answered by hand, or could have been.
    pub(crate) prompted: usize,
    /// When the line ends by itself, and how: the scanner's patience, or a scheduled hang-up.
    pub(crate) line_ends: (u64, Ending),
    /// The scanner's line is over; what is still sent changes nothing for it.
    pub(crate) over: bool,
    /// The API asks for the end of the scanner's leg; there is none before the provider has the call.
    pub(crate) scanner_end: Option<EndAsked>,
    /// The API asks for the end of the owner's leg, while there is one.
    pub(crate) owner_end: Option<EndAsked>,
    pub(crate) documents: u32,
    /// What goes wrong in this call.
    pub(crate) luck: Draw,
    pub(crate) held: Held,
    pub(crate) report: CallReport,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        shared: &'a Arc<Shared>,
        dial: Dial,
        observe: &'a mut (dyn FnMut(&TimelineEntry) + Send),
    ) -> Call<'a> {
        let (config, provider) = (shared.mailer.config(), shared.provider);
        let from = if dial.withheld { provider.withheld().to_owned() } else { provider.number(&dial.from) };
        let leg = Leg::new(provider.call_id(&shared.draw), from, provider.number(&dial.number), 0);
        let patience =
            dial.hang_up_after.map_or(CALL_MS_MAX, |after| u64::try_from(after.as_millis()).unwrap_or(CALL_MS_MAX));
        let told_city = provider.tells_place() && !dial.withheld;
        let report = CallReport {
            protocol: config.protocol,
            seed: config.faults.seed,
            scanner_call_id: leg.id.clone(),
            scanner_saw: digits::shown(&dial.number),
            scanner_city: told_city.then(|| dial.place.city.clone()),
            ..CallReport::default()
        };
        Call {
            shared,
            observe,
            clock: Clock::start(config.time_scale),
            luck: shared.luck(&dial.from),
            dial,
            leg,
            keys: Keys::default(),
            prompted: 0,
            line_ends: (patience.min(CALL_MS_MAX), Ending::CallerHangsUp),
            over: false,
            scanner_end: None,
            owner_end: None,
            documents: 0,
            held: Held::default(),
            report,
        }
    }

    pub(crate) async fn play(mut self) -> CallReport {
        self.tell(Party::Scanner, format!("scanner's phone dials {}", self.dial.dialled()));
        let ending = match self.follow().await {
            Ok(()) => {
                self.tell(Party::Provider, "the instructions are used up; the provider hangs up");
                Ending::EndOfDocument
            }
            Err(ending) => ending,
        };
        self.end(ending).await;
        self.deliver_held().await;
        self.report
    }

    /// Asks and does until there is nothing left to do.
    async fn follow(&mut self) -> Result<(), Ending> {
        self.stay(ROUTING_MS).await?;
        let shared = self.shared;
        let Some(_line) = shared.lines.take() else {
            self.tell(Party::Provider, "the account has no line left; scanner hears the busy tone");
            return Err(Ending::NoLine);
        };
        let began_ms = self.clock.unix_ms(0);
        self.scanner_end = Some(shared.records.open(&self.leg.id, None, &self.leg.from, &self.leg.to, began_ms));
        self.tell(Party::Network, "the call reaches the provider that owns the number");
        self.tell(Party::Provider, "provider asks the engine what to do");
        let params = shared.provider.request(self.facts(), Step::Start);
        let mut next = self.ask(Asked::Answer, &self.answer_url(), Method::Post, params).await?;
        if next.is_empty() {
            self.answer();
        }
        while let Some(document) = self.run(next).await? {
            next = document;
        }
        Ok(())
    }

    /// Answers the line, or refuses the call, if `element` does.
    fn answer_for(&mut self, element: &Element) -> Result<(), Ending> {
        if self.leg.answered_ms.is_some() {
            return Ok(());
        }
        match self.shared.provider.answering(element) {
            Answering::Later => Ok(()),
            Answering::Now => {
                self.answer();
                Ok(())
            }
            Answering::Refused(ending) => {
                let text = match ending {
                    Ending::RefusedBusy => "scanner hears the busy tone",
                    Ending::RefusedRejected => "scanner hears that the call is rejected",
                    _ => "provider hangs up before answering",
                };
                self.tell(Party::Provider, text);
                Err(ending)
            }
        }
    }

    pub(crate) fn answer(&mut self) {
        let now = self.clock.now_ms();
        self.leg.answered_ms = Some(now);
        let tones = self.dial.tones.arriving(self.dial.post_dial.as_deref().unwrap_or_default(), &self.luck);
        self.keys = Keys::after_answer(&tones, now);
        self.shared.records.answered(&self.leg.id, self.clock.unix_ms(now));
        self.tell(Party::Provider, "provider answers the line");
    }

    async fn run(&mut self, document: Vec<Element>) -> Result<Next, Ending> {
        for element in document {
            self.answer_for(&element)?;
            let next = match element {
                Element::Sound(sound) => {
                    self.play_to_scanner(&sound).await?;
                    None
                }
                Element::Gather(gather) => self.gather(&gather).await?,
                Element::Dial(dial) => self.dial_owner(&dial).await?,
                Element::Redirect { url, method } => {
                    let params = self.shared.provider.request(self.facts(), Step::Redirect);
                    Some(self.ask(Asked::Redirect, &url, method, params).await?)
                }
                Element::Hangup { schedule_seconds: Some(seconds), .. } => {
                    let at = self.clock.now_ms() + seconds * 1_000;
                    if at < self.line_ends.0 {
                        self.line_ends = (at, Ending::HangupElement);
                    }
                    None
                }
                Element::Hangup { .. } => {
                    self.tell(Party::Provider, "provider hangs up, as told");
                    return Err(Ending::HangupElement);
                }
            };
            if next.is_some() {
                return Ok(next);
            }
        }
        Ok(None)
    }

    async fn end(&mut self, ending: Ending) {
        let ending = match ending {
            // A caller who leaves before the line is answered cancels.
            Ending::CallerHangsUp if self.leg.answered_ms.is_none() => Ending::Cancelled,
            ending => ending,
        };
        let unheard = self.keys.lose_before(u64::MAX);
        if !unheard.is_empty() {
            self.tell(Party::Scanner, format!("{} digits were never listened to", unheard.len()));
        }
        let end = self.shared.provider.leg_end(ending);
        self.tell(Party::Provider, format!("the scanner's line is over: {} ({})", end.name, end.source));
        self.report.scanner_leg_end = Some(end);
        if self.scanner_end.is_none() {
            return;
        }
        self.shared.records.over(&self.leg.id, ending, self.clock.unix_ms(self.clock.now_ms()));
        let params = self.shared.provider.call_over(self.facts(), ending);
        self.call_back(&self.answer_url(), Method::Post, params).await;
    }

    /// Plays a sound to the scanner, as often as it says.
    async fn play_to_scanner(&mut self, sound: &Sound) -> Result<(), Ending> {
        for _ in 0..times(sound) {
            let ms = self.scanner_hears(sound);
            self.stay(ms).await?;
        }
        Ok(())
    }

    /// Notes what the scanner begins to hear; returns how long it takes.
    pub(crate) fn scanner_hears(&mut self, sound: &Sound) -> u64 {
        if let Some(heard) = heard(sound) {
            self.tell(Party::Scanner, format!("scanner hears: {heard}"));
            self.report.scanner_heard.push(heard);
        }
        sound_ms(sound)
    }

    /// Adds a line to the story.
    pub(crate) fn tell(&mut self, who: Party, text: impl Into<String>) {
        let entry = TimelineEntry { at_ms: self.clock.now_ms(), who, text: text.into() };
        (self.observe)(&entry);
        self.report.timeline.push(entry);
    }

    pub(crate) fn facts(&self) -> Facts<'_> {
        Facts {
            account: &self.shared.mailer.config().auth_id,
            clock: &self.clock,
            scanner: &self.leg,
            place: (!self.dial.withheld).then_some(&self.dial.place),
        }
    }

    fn answer_url(&self) -> String {
        format!("{}{}", self.shared.mailer.config().public_base_url, self.shared.provider.answer_path())
    }
}
