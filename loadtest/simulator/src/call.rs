//! One call, from the scanner's telephone to the last webhook: the scanner's leg.
//!
//! Whatever ends the leg is the `Err` of a step, so that `?` is the end of the line.

use crate::clock::Clock;
use crate::digits;
use crate::network::Shared;
use crate::plivo::cause::{self, Asked};
use crate::plivo::document::{Element, Refusal, Sound};
use crate::plivo::params::{self, ScannerLeg, Times};
use crate::plivo::signing::Method;
use crate::report::{CallReport, LegEnd, Party, TimelineEntry};
use crate::telephone::{Dial, Keys};
use crate::words::{heard, sound_ms};

/// Where the engine answers inbound calls, as configured at the provider; also told when the call is over. \[D\]
const ANSWER_PATH: &str = "/webhooks/plivo/voice";
/// Most times that a sound is repeated when it says "until the call ends".
const REPEATS_MAX: u64 = 50;
/// The longest call. \[D\]
const CALL_MS_MAX: u64 = 14_400_000;
/// From dialling to the provider.
const ROUTING_MS: u64 = 1_500;

/// The elements that replace what was going on; `None` goes on.
pub(crate) type Next = Option<Vec<Element>>;

/// One call while it lasts.
pub(crate) struct Call<'a> {
    pub(crate) shared: &'a Shared,
    observe: &'a mut (dyn FnMut(&TimelineEntry) + Send),
    pub(crate) clock: Clock,
    pub(crate) dial: Dial,
    pub(crate) leg: ScannerLeg,
    pub(crate) keys: Keys,
    /// When the line ends by itself, and how: the scanner's patience, or a scheduled hang-up.
    line_ends: (u64, LegEnd),
    /// The scanner's line is over; what is still sent changes nothing for it.
    pub(crate) over: bool,
    pub(crate) documents: u32,
    pub(crate) report: CallReport,
}

impl<'a> Call<'a> {
    pub(crate) fn new(shared: &'a Shared, dial: Dial, observe: &'a mut (dyn FnMut(&TimelineEntry) + Send)) -> Call<'a> {
        let config = shared.mailer.config();
        let clock = Clock::start(config.time_scale);
        let leg = ScannerLeg {
            uuid: shared.draw.uuid(),
            from: if dial.withheld { "anonymous".to_owned() } else { params::bare(&dial.from) },
            to: params::bare(&dial.number),
            auth_id: config.auth_id.clone(),
            session_start: clock.stamp(0),
            answered_ms: None,
        };
        let patience =
            dial.hang_up_after.map_or(CALL_MS_MAX, |after| u64::try_from(after.as_millis()).unwrap_or(CALL_MS_MAX));
        let report = CallReport { scanner_saw: digits::shown(&dial.number), ..CallReport::default() };
        let line_ends = (patience.min(CALL_MS_MAX), cause::CALLER_HANGS_UP);
        Call { shared, observe, clock, dial, leg, keys: Keys::default(), line_ends, over: false, documents: 0, report }
    }

    pub(crate) async fn play(mut self) -> CallReport {
        self.tell(Party::Scanner, format!("scanner's phone dials {}", self.dial.dialled()));
        let end = match self.follow().await {
            Ok(()) => {
                self.tell(Party::Provider, "the instructions are used up; the provider hangs up");
                cause::END_OF_DOCUMENT
            }
            Err(end) => end,
        };
        self.end(end).await;
        self.report
    }

    /// Asks and does until there is nothing left to do.
    async fn follow(&mut self) -> Result<(), LegEnd> {
        self.stay(ROUTING_MS).await?;
        self.tell(Party::Network, "the call reaches the provider that owns the number");
        self.tell(Party::Provider, "provider asks the engine what to do");
        let params = params::call(&self.leg, "StartApp");
        let mut next = self.ask(Asked::Answer, &self.answer_url(), Method::Post, params).await?;
        self.answer_line(&next)?;
        while let Some(document) = self.run(next).await? {
            next = document;
        }
        Ok(())
    }

    /// A document that refuses at once is never answered; any other first element answers the line. \[D\]
    fn answer_line(&mut self, document: &[Element]) -> Result<(), LegEnd> {
        if let Some(Element::Hangup { reason, schedule_seconds: None }) = document.first() {
            let (end, text) = match reason {
                Some(Refusal::Busy) => (cause::REFUSED_BUSY, "scanner hears the busy tone"),
                Some(Refusal::Rejected) => (cause::REFUSED_REJECTED, "scanner hears that the call is rejected"),
                None => (cause::HANGUP_ELEMENT, "provider hangs up before answering"),
            };
            self.tell(Party::Provider, text);
            return Err(end);
        }
        let now = self.clock.now_ms();
        self.leg.answered_ms = Some(now);
        self.keys = Keys::after_answer(self.dial.post_dial.as_deref(), now);
        self.tell(Party::Provider, "provider answers the line");
        Ok(())
    }

    async fn run(&mut self, document: Vec<Element>) -> Result<Next, LegEnd> {
        for element in document {
            let next = match element {
                Element::Sound(sound) => {
                    self.play_to_scanner(&sound).await?;
                    None
                }
                Element::GetDigits(gather) => self.get_digits(&gather).await?,
                Element::Dial(dial) => self.dial_owner(&dial).await?,
                Element::Redirect { url, method } => {
                    let params = params::call(&self.leg, "Redirect");
                    Some(self.ask(Asked::Redirect, &url, method, params).await?)
                }
                Element::Hangup { schedule_seconds: Some(seconds), .. } => {
                    let at = self.clock.now_ms() + seconds * 1_000;
                    if at < self.line_ends.0 {
                        self.line_ends = (at, cause::HANGUP_ELEMENT);
                    }
                    None
                }
                Element::Hangup { .. } => {
                    self.tell(Party::Provider, "provider hangs up, as told");
                    return Err(cause::HANGUP_ELEMENT);
                }
            };
            if next.is_some() {
                return Ok(next);
            }
        }
        Ok(None)
    }

    async fn end(&mut self, end: LegEnd) {
        let unheard = self.keys.lose_before(u64::MAX);
        if !unheard.is_empty() {
            self.tell(Party::Scanner, format!("{} digits were never listened to", unheard.len()));
        }
        self.tell(Party::Provider, format!("the scanner's line is over: {} ({})", end.name, end.source));
        self.report.scanner_leg_end = Some(end);
        let times = self.times(Some(0), self.leg.answered_ms);
        let params = params::hangup(&self.leg, end, &times);
        self.call_back(&self.answer_url(), Method::Post, params).await;
    }

    /// Lets `ms` go by on the scanner's line.
    pub(crate) async fn stay(&mut self, ms: u64) -> Result<(), LegEnd> {
        self.stay_until(self.clock.now_ms() + ms).await
    }

    /// Waits until `at_ms`, or until the line ends.
    pub(crate) async fn stay_until(&mut self, at_ms: u64) -> Result<(), LegEnd> {
        let (ends_ms, end) = self.line_ends;
        if self.over {
            return Err(end);
        }
        self.clock.wait_until(at_ms.min(ends_ms)).await;
        if at_ms < ends_ms && self.clock.now_ms() < ends_ms {
            return Ok(());
        }
        if end == cause::CALLER_HANGS_UP {
            self.tell(Party::Scanner, "scanner hangs up");
        }
        Err(self.line_over(end))
    }

    /// From now on the scanner's line is over.
    pub(crate) fn line_over(&mut self, end: LegEnd) -> LegEnd {
        self.over = true;
        self.line_ends = (self.clock.now_ms(), end);
        end
    }

    /// Plays a sound to the scanner, as often as it says.
    async fn play_to_scanner(&mut self, sound: &Sound) -> Result<(), LegEnd> {
        let times = match sound {
            Sound::Speak { times, .. } | Sound::Play { times, .. } => *times,
            Sound::Wait { .. } => 1,
        };
        for _ in 0..if times == 0 { REPEATS_MAX } else { times.min(REPEATS_MAX) } {
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

    /// Start, answer and end (now) of a leg as webhooks have them.
    pub(crate) fn times(&self, start_ms: Option<u64>, answered_ms: Option<u64>) -> Times {
        let now = self.clock.now_ms();
        let stamp = |at: Option<u64>| at.map(|at| self.clock.stamp(at)).unwrap_or_default();
        Times {
            start: stamp(start_ms),
            answer: stamp(answered_ms),
            end: stamp(Some(now)),
            seconds: answered_ms.map_or(0, |answered| (now - answered).div_ceil(1_000)),
        }
    }

    fn answer_url(&self) -> String {
        format!("{}{ANSWER_PATH}", self.shared.mailer.config().public_base_url)
    }
}
