//! What happens in one session, step by step, as Plivo would tell it.

use qnect_core::leg::{LegEnd, LegEvent};

use crate::folder::NUMBER;
use crate::oracle::Id;
use crate::plivo::Webhook;
use crate::world::Write;

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A stranger asks for a number and a code.
    Open,
    /// The stranger's page asks how the session stands.
    Look,
    /// The stranger wants no call any more.
    Cancel,
    /// The stranger dials the number.
    Arrive,
    /// And keys the code.
    Key,
    /// The owner answered: what to whisper?
    Whisper,
    /// Something happens to a leg.
    Tell(LegEvent),
}

/// All that may become of a session; each is a script of its own.
pub(crate) const SCRIPTS: [&[Step]; 8] = [
    // The stranger walks off: it waits until it expires.
    &[Step::Open],
    &[Step::Open, Step::Look, Step::Cancel, Step::Look],
    // The two talk.
    &[
        Step::Open,
        Step::Arrive,
        Step::Key,
        Step::Whisper,
        Step::Tell(LegEvent::OwnerAnswered),
        Step::Look,
        Step::Tell(LegEvent::OwnerAccepted),
        Step::Look,
        Step::Cancel,
        Step::Tell(LegEvent::OwnerLegEnded(LegEnd::Completed)),
        Step::Tell(LegEvent::DialEnded(LegEnd::Completed)),
        Step::Tell(LegEvent::ScannerLegEnded),
        Step::Look,
    ],
    // Told out of order: the end of the dial comes before that of the leg, and before the pressed key.
    &[
        Step::Open,
        Step::Key,
        Step::Tell(LegEvent::DialEnded(LegEnd::Completed)),
        Step::Tell(LegEvent::OwnerAccepted),
        Step::Tell(LegEvent::OwnerLegEnded(LegEnd::Completed)),
    ],
    // The owner puts the receiver down.
    &[
        Step::Open,
        Step::Arrive,
        Step::Key,
        Step::Whisper,
        Step::Tell(LegEvent::OwnerLegEnded(LegEnd::HungUp)),
        Step::Tell(LegEvent::DialEnded(LegEnd::Completed)),
    ],
    &[
        Step::Open,
        Step::Key,
        Step::Tell(LegEvent::OwnerLegEnded(LegEnd::Busy)),
        Step::Tell(LegEvent::DialEnded(LegEnd::Busy)),
        Step::Look,
    ],
    &[Step::Open, Step::Key, Step::Tell(LegEvent::DialEnded(LegEnd::NoAnswer)), Step::Tell(LegEvent::ScannerLegEnded)],
    // The stranger hangs up while it rings.
    &[Step::Open, Step::Arrive, Step::Key, Step::Look, Step::Tell(LegEvent::ScannerLegEnded), Step::Look],
];

impl Step {
    /// What the step does to the session, where it is more than a question.
    pub(crate) fn write(self) -> Option<Write> {
        match self {
            Self::Open | Self::Look | Self::Arrive => None,
            Self::Cancel => Some(Write::Cancel),
            Self::Key => Some(Write::Dial),
            // That Plivo asks means that somebody answered.
            Self::Whisper => Some(Write::Leg(LegEvent::OwnerAnswered)),
            Self::Tell(event) => Some(Write::Leg(event)),
        }
    }
}

/// The two legs of a session's call. Each session has a stranger of its own, so that nobody redials for somebody else.
pub(crate) struct Call<'a> {
    /// The session's place in the books.
    pub(crate) id: Id,
    /// Its name.
    pub(crate) session: &'a str,
    /// Its code.
    pub(crate) access_code: &'a str,
}

impl Call<'_> {
    /// The webhook of a step; `None` for what no provider tells.
    pub(crate) fn webhook(&self, step: Step) -> Option<Webhook> {
        Some(match step {
            Step::Open | Step::Look | Step::Cancel => return None,
            Step::Arrive => self.scanner("voice", "StartApp", &[]),
            Step::Key => self.scanner("code/1", "Redirect", &[("Digits", self.access_code)]),
            Step::Whisper => self.scanner(&format!("whisper/{}", self.session), "DialRemoteSounds", &[]),
            Step::Tell(event) => self.told(event)?,
        })
    }

    fn told(&self, event: LegEvent) -> Option<Webhook> {
        Some(match event {
            LegEvent::OwnerAnswered => self.owner("answer", &[]),
            LegEvent::OwnerAccepted => self.owner("connected", &[]),
            LegEvent::OwnerLegEnded(end) => {
                let (code, source) = match end {
                    LegEnd::Completed => ("4000", "Caller"),
                    LegEnd::HungUp => ("4000", "Callee"),
                    LegEnd::Busy => ("3010", "Carrier"),
                    LegEnd::NoAnswer => ("3000", "Plivo"),
                    LegEnd::Rejected => ("3020", "Carrier"),
                    LegEnd::Cancelled => ("1000", "Caller"),
                    LegEnd::Failed => ("2000", "Carrier"),
                };
                self.owner("hangup", &[("DialBLegHangupCauseCode", code), ("DialBLegHangupSource", source)])
            }
            LegEvent::DialEnded(end) => {
                let status = match end {
                    LegEnd::Completed => "completed",
                    LegEnd::Busy => "busy",
                    LegEnd::NoAnswer => "no-answer",
                    LegEnd::Cancelled => "cancel",
                    LegEnd::Failed => "failed",
                    LegEnd::HungUp | LegEnd::Rejected => return None,
                };
                self.scanner(&format!("dial-end/{}", self.session), "Redirect", &[("DialStatus", status)])
            }
            LegEvent::ScannerLegEnded => self.scanner("voice", "Hangup", &[]),
            // Plivo does not tell of these.
            LegEvent::OwnerRang | LegEvent::OwnerRefused | LegEvent::OwnerComing => return None,
        })
    }

    fn scanner(&self, route: &str, event: &str, more: &[(&str, &str)]) -> Webhook {
        let (uuid, from) = (self.leg(), format!("9197{:08}", self.id));
        let common = [
            ("CallUUID", uuid.as_str()),
            ("CallStatus", "in-progress"),
            ("Direction", "inbound"),
            ("Event", event),
            ("From", &from),
            ("To", NUMBER.trim_start_matches('+')),
        ];
        Webhook::to(&format!("/webhooks/plivo/{route}"), &[&common, more].concat())
    }

    fn owner(&self, action: &str, more: &[(&str, &str)]) -> Webhook {
        let (uuid, owner) = (self.leg(), format!("owner-{}", self.id));
        let common = [
            ("CallUUID", uuid.as_str()),
            ("DialALegUUID", &uuid),
            ("DialAction", action),
            ("DialBLegUUID", owner.as_str()),
        ];
        Webhook::to(&format!("/webhooks/plivo/leg/{}", self.session), &[&common, more].concat())
    }

    fn leg(&self) -> String {
        format!("6d6ae5c0-0000-4000-8000-{:012x}", self.id)
    }
}
