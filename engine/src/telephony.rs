//! What providers tell: from an event to the next instruction on the line.

use std::time::Duration;

use qnect_core::access_code::AccessCode;
use qnect_core::caller::{Caller, CallingParty};
use qnect_core::instruction::{Announcement, CODE_ATTEMPTS_MAX, Instruction};
use qnect_core::language::Language;
use qnect_core::leg::{Call, LegEvent, ProviderEvent};
use qnect_core::session_id::SessionId;
use qnect_core::tag::{DialSettled, LegReaction};
use qnect_storage::{Lane, Promise};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::messages::{ApplyLegEvent, SettleDial, TakeCaller, Whisper};

/// How long a caller on the line may wait for a commit; then the dial is withheld and the caller is asked to try again.
const DIAL_COMMIT_MAX: Duration = Duration::from_millis(2_500);

impl Engine {
    /// Takes in what a provider told and says what to do next. What it says was committed before, where it moves a
    /// session; an error means that nothing may be acknowledged.
    pub async fn provider_event(&self, event: ProviderEvent) -> Result<Instruction, EngineError> {
        match event {
            ProviderEvent::CallArrived(call) => Ok(self.ask_for_code(&call, 1)),
            ProviderEvent::DigitsGiven { call, keyed, attempt } => self.digits_given(call, &keyed, attempt).await,
            ProviderEvent::WhisperWanted { session } => self.whisper(session).await,
            ProviderEvent::Leg { session, event } => self.leg_event(session, event).await,
            ProviderEvent::CallEnded { leg } => match self.inner.switchboard.session_of_leg(&leg) {
                Some(session) => self.leg_event(session, LegEvent::ScannerLegEnded).await,
                None => Ok(Instruction::Acknowledge),
            },
            ProviderEvent::Ignored => Ok(Instruction::Acknowledge),
        }
    }

    fn ask_for_code(&self, call: &Call, attempt: u8) -> Instruction {
        let language = Language::default();
        match self.inner.switchboard.digits(call.number) {
            Some(digits) if attempt <= CODE_ATTEMPTS_MAX => Instruction::AskForCode { digits, attempt, language },
            _ => say(Announcement::CodeRefused),
        }
    }

    async fn digits_given(&self, call: Call, keyed: &str, attempt: u8) -> Result<Instruction, EngineError> {
        let board = &self.inner.switchboard;
        let code = board.digits(call.number).and_then(|digits| AccessCode::read(keyed, digits).ok());
        let Some(session) = code.and_then(|code| board.session(call.number, code)) else {
            return Ok(self.ask_for_code(&call, attempt.saturating_add(1)));
        };
        let caller = match &call.caller {
            CallingParty::Withheld => Caller::Withheld,
            CallingParty::Known(root) => {
                let token = self.inner.storage.keys().day_token(root, self.inner.clock.now());
                Caller::Known(token.map_err(|_| EngineError::Storage)?)
            }
        };
        let visit = match self.enter(session.tag(), Lane::Webhooks).await {
            Ok(visit) => visit,
            // The tag was taken out of use meanwhile: its codes lead nowhere.
            Err(EngineError::UnknownTag) => return Ok(say(Announcement::CodeRefused)),
            Err(other) => return Err(other),
        };
        let leg = call.leg;
        let take = TakeCaller { session, leg: leg.clone(), caller };
        let (instruction, promise) = visit.tell(take).await?.map_err(|_| EngineError::Overloaded)?;
        // Prompts and refusals are answered from memory; what rings a telephone is on disk first.
        if !matches!(instruction, Instruction::Dial(_)) {
            return Ok(instruction);
        }
        let kept = kept_in_time(promise).await?;
        Ok(match visit.tell(SettleDial { session, leg, caller, kept }).await? {
            DialSettled::Rings => instruction,
            DialSettled::Withheld | DialSettled::Void => say(Announcement::TryAgain),
        })
    }

    async fn whisper(&self, session: SessionId) -> Result<Instruction, EngineError> {
        let visit = self.enter(session.tag(), Lane::Webhooks).await?;
        // That the provider asks means that the owner's telephone was answered. Nobody waits for the record, or minds
        // if it finds no room: a status callback tells the same.
        let _ = visit.tell(ApplyLegEvent { session, event: LegEvent::OwnerAnswered }).await?;
        Ok(visit.tell(Whisper(session)).await?.unwrap_or(Instruction::Acknowledge))
    }

    async fn leg_event(&self, session: SessionId, event: LegEvent) -> Result<Instruction, EngineError> {
        let visit = match self.enter(session.tag(), Lane::Webhooks).await {
            Ok(visit) => visit,
            // The tag is gone: there is nothing left to tell it.
            Err(EngineError::UnknownTag) => return Ok(Instruction::Acknowledge),
            Err(other) => return Err(other),
        };
        let apply = ApplyLegEvent { session, event };
        let (reaction, promise) = visit.tell(apply).await?.map_err(|_| EngineError::Overloaded)?;
        // The commit may take its time; others may visit meanwhile.
        drop(visit);
        if let Some(promise) = promise {
            promise.kept().await.map_err(|_| EngineError::Storage)?;
        }
        Ok(match (reaction, event) {
            (LegReaction::Changed { parting: announcement, language, .. }, LegEvent::DialEnded(_)) => {
                Instruction::Say { announcement, language }
            }
            _ => Instruction::Acknowledge,
        })
    }
}

/// Whether a dial's record is safe before the caller has waited too long.
async fn kept_in_time(promise: Option<Promise>) -> Result<bool, EngineError> {
    let Some(promise) = promise else { return Ok(false) };
    match tokio::time::timeout(DIAL_COMMIT_MAX, promise.kept()).await {
        Ok(kept) => kept.map(|()| true).map_err(|_| EngineError::Storage),
        Err(_) => Ok(false),
    }
}

fn say(announcement: Announcement) -> Instruction {
    Instruction::Say { announcement, language: Language::default() }
}
