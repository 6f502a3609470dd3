//! What providers tell: from an event to the next instruction on the line. Who calls is received in `reception`; what
//! happens to the legs of a session stands here.

use std::time::Duration;

use qnect_core::instruction::{Announcement, Instruction, OwnerKey};
use qnect_core::language::Languages;
use qnect_core::leg::{LegEvent, LegId, ProviderEvent};
use qnect_core::session::{Change, Stay};
use qnect_core::session_id::SessionId;
use qnect_core::tag::LegReaction;
use qnect_storage::{Lane, Promise};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::messages::{ApplyLegEvent, Turn, Whisper};
use crate::reception::kept_in_time;

/// How long a status webhook waits for its commit. Providers give up after 15 s or later, and send it again after a 503.
const STATUS_COMMIT_MAX: Duration = Duration::from_secs(10);

impl Engine {
    /// Takes in what a provider told and says what to do next. What it says was committed before, where it moves a
    /// session; an error means that nothing may be acknowledged.
    pub async fn provider_event(&self, event: ProviderEvent) -> Result<Instruction, EngineError> {
        match event {
            ProviderEvent::CallArrived(call) => {
                self.inner.lines.arrived(&call.leg, call.number, self.inner.clock.now());
                self.call_arrived(&call).await
            }
            ProviderEvent::DigitsGiven { call, keyed, question } => self.digits_given(&call, &keyed, question).await,
            ProviderEvent::ChallengeAnswered { call, session, keyed, attempt } => {
                self.take_turn(&call, session, Turn::Challenge { keyed, attempt }).await
            }
            ProviderEvent::HoldOver { call, session, turn } => {
                self.take_turn(&call, session, Turn::Held { turn }).await
            }
            ProviderEvent::WhisperWanted { session, leg } => self.whisper(session, leg).await,
            ProviderEvent::OwnerKeyed { session, key, leg } => self.owner_keyed(session, key, leg).await,
            ProviderEvent::Leg { session, event, leg } => self.leg_event(session, event, leg).await,
            ProviderEvent::CallEnded { leg } => {
                self.inner.lines.ended(&leg);
                match self.inner.switchboard.session_of_leg(&leg) {
                    Some(session) => self.leg_event(session, LegEvent::ScannerLegEnded, None).await,
                    None => Ok(Instruction::Acknowledge),
                }
            }
            ProviderEvent::Ignored => Ok(Instruction::Acknowledge),
        }
    }

    async fn whisper(&self, session: SessionId, owner_leg: Option<LegId>) -> Result<Instruction, EngineError> {
        let visit = self.enter(session.tag(), Lane::Webhooks).await?;
        // That the provider asks means that the owner's telephone was answered. Nobody waits for the record, or minds
        // if it finds no room: a status callback tells the same.
        let _ = visit.tell(ApplyLegEvent { session, event: LegEvent::OwnerAnswered, owner_leg }).await?;
        Ok(visit.tell(Whisper(session)).await?.unwrap_or(Instruction::Acknowledge))
    }

    /// The owner has answered the whisper, on the owner's own leg. The two are connected only when the key that allows it is
    /// on stable storage; whatever stands against it ends the owner's leg.
    async fn owner_keyed(
        &self,
        session: SessionId,
        key: Option<OwnerKey>,
        owner_leg: Option<LegId>,
    ) -> Result<Instruction, EngineError> {
        let visit = self.enter(session.tag(), Lane::Webhooks).await?;
        let languages = match visit.tell(Whisper(session)).await? {
            Some(Instruction::Whisper { language, .. }) => Languages::Only(language),
            _ => Languages::Every,
        };
        let say = |announcement| Ok(Instruction::Say { announcement, languages });
        let event = match key {
            Some(OwnerKey::Accept) => LegEvent::OwnerAccepted,
            Some(OwnerKey::Coming) => LegEvent::OwnerComing,
            Some(OwnerKey::CannotCome) => LegEvent::OwnerRefused,
            None => return say(Announcement::Goodbye),
        };
        let apply = ApplyLegEvent { session, event, owner_leg };
        let (reaction, promise) = visit.tell(apply).await?.map_err(|_| EngineError::Overloaded)?;
        drop(visit);
        match reaction {
            LegReaction::UnknownSession
            | LegReaction::Changed { change: Change::Stay(Stay::Late | Stay::NotDialed), .. } => {
                return say(Announcement::Goodbye);
            }
            LegReaction::Changed { .. } => {}
        }
        if !kept_in_time(promise).await? {
            return say(Announcement::TryAgain);
        }
        if event == LegEvent::OwnerAccepted { Ok(Instruction::Connect) } else { say(Announcement::Noted) }
    }

    async fn leg_event(
        &self,
        session: SessionId,
        event: LegEvent,
        owner_leg: Option<LegId>,
    ) -> Result<Instruction, EngineError> {
        let visit = match self.enter(session.tag(), Lane::Webhooks).await {
            Ok(visit) => visit,
            // The tag is gone: there is nothing left to tell it.
            Err(EngineError::UnknownTag) => return Ok(Instruction::Acknowledge),
            Err(other) => return Err(other),
        };
        let apply = ApplyLegEvent { session, event, owner_leg };
        let (reaction, promise) = visit.tell(apply).await?.map_err(|_| EngineError::Overloaded)?;
        // The commit may take its time; others may visit meanwhile.
        drop(visit);
        kept_within(promise, STATUS_COMMIT_MAX).await?;
        Ok(match (reaction, event) {
            (LegReaction::Changed { parting: announcement, language, .. }, LegEvent::DialEnded(_)) => {
                Instruction::Say { announcement, languages: Languages::Only(language) }
            }
            _ => Instruction::Acknowledge,
        })
    }
}

/// Waits until a promise is kept, `time_max` at most: then nothing may be acknowledged yet, and whoever asked has to ask
/// again.
pub(crate) async fn kept_within(promise: Option<Promise>, time_max: Duration) -> Result<(), EngineError> {
    let Some(promise) = promise else { return Ok(()) };
    match tokio::time::timeout(time_max, promise.kept()).await {
        Ok(kept) => kept.map_err(|_| EngineError::Storage),
        Err(_) => Err(EngineError::Overloaded),
    }
}
