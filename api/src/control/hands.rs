//! Carries out what operators ask, over a store and the engine that runs on it, if one does.

use std::sync::Arc;

use jiff::Timestamp as Instant;
use qnect_core::preferences::Pause;
use qnect_core::record::ScanRecord;
use qnect_core::session_id::SessionId;
use qnect_core::tag::{OwnerId, TagStatus};
use qnect_core::tag_code::{TagCode, TagId};
use qnect_core::time::{Span, Timestamp};
use qnect_engine::{Clock, Engine};
use qnect_storage::{
    BackupError, BackupStream, CallerCard, Contact, Edit, EditError, NewVehicle, OwnerCard, OwnerChange, SessionCard,
    Storage, TagCard, VerifyError,
};

use super::words::{
    CopyOf, Kind, OwnerFields, OwnerLine, Refusal, Reply, Request, ScanLine, SessionAct, SessionLine, TagLine, TagMove,
};
use crate::fields;

/// Minutes of a pause with an end, at most: a year. Longer is until resumed.
const PAUSE_MINUTES_MAX: u32 = 365 * 24 * 60;

/// Hours whose scans may be asked for at once, and scans of them that are shown at most, the latest: what a person reads.
const SCANS_HOURS_MAX: u32 = 24;
const SCANS_SHOWN_MAX: usize = 1_000;

/// What commands are carried out with.
pub struct Hands {
    /// The store.
    pub storage: Arc<Storage>,
    /// The engine over it, if one runs.
    pub engine: Option<Engine>,
    /// The time.
    pub clock: Clock,
    /// The origin on the stickers.
    pub origin: String,
    /// What an owner's number may begin with.
    pub allowed_prefixes: Vec<String>,
}

impl Hands {
    /// Carries out one request. What it changed is on stable storage, and known to all actors, when this returns.
    pub async fn carry_out(&self, request: Request) -> Result<Reply, Refusal> {
        match request {
            Request::MintTags { count } => self.edit(Edit::Mint(count)).await,
            Request::MintTagFor { owner, vehicle } => {
                let vehicle = vehicle.map(|v| fields::text("vehicle", v)).transpose().map_err(usage)?;
                self.edit(Edit::MintFor(owner_id(&owner)?, vehicle.map(NewVehicle))).await
            }
            Request::ShowTag { code } => self.tags(vec![self.tag(&code)?]).await,
            Request::ScansOfTag { code, hours } => self.scans(self.tag(&code)?, hours).await,
            Request::MoveTag { code, to } => {
                let tag = self.tag(&code)?;
                self.edit(match to {
                    TagMove::Suspend => Edit::Suspend(tag),
                    TagMove::Resume => Edit::Resume(tag),
                    TagMove::Retire => Edit::Retire(tag),
                    TagMove::Appeal => Edit::Appeal(tag),
                })
                .await
            }
            Request::ShowOwner { owner } => self.owners(vec![owner_id(&owner)?]).await,
            Request::FindOwners { phone, email } => self.find(contact(phone, email)?).await,
            Request::SetOwner { owner, set } => {
                let change = self.change(set).map_err(usage)?;
                self.edit_owner(&owner, |id| Edit::ChangeOwner(id, change)).await
            }
            Request::PauseOwner { owner, minutes } => {
                let pause = self.pause(minutes)?;
                self.edit_owner(&owner, |id| Edit::Pause(id, pause)).await
            }
            Request::ResumeOwner { owner } => self.edit_owner(&owner, |id| Edit::Pause(id, Pause::Off)).await,
            Request::UnblockOwner { owner } => self.edit_owner(&owner, Edit::UnblockAll).await,
            Request::ShowSession { session } => self.show_session(self.session(&session)?).await,
            Request::ActOnSession { session, act } => {
                let session = self.session(&session)?;
                self.change_store(match act {
                    SessionAct::Report => Edit::Report(session),
                    SessionAct::Block => Edit::Block(session),
                    SessionAct::Unblock => Edit::Unblock(session),
                })
                .await?;
                self.show_session(session).await
            }
            Request::Verify => Ok(Reply::Verified(self.storage.verify().await?.into())),
        }
    }

    /// Begins a copy for a backup; one at a time.
    pub fn copy(&self, what: CopyOf) -> Result<BackupStream, Refusal> {
        Ok(match what {
            CopyOf::Database => self.storage.backup(),
            CopyOf::KeyTable => self.storage.backup_keys(),
        }?)
    }

    async fn change_store(&self, edit: Edit) -> Result<Vec<TagId>, Refusal> {
        let edited = match &self.engine {
            Some(engine) => engine.edit(edit).await,
            None => self.storage.edit(edit).await,
        };
        Ok(edited?)
    }

    async fn edit(&self, edit: Edit) -> Result<Reply, Refusal> {
        let tags = self.change_store(edit).await?;
        self.tags(tags).await
    }

    async fn edit_owner(&self, owner: &str, edit: impl FnOnce(OwnerId) -> Edit) -> Result<Reply, Refusal> {
        let owner = owner_id(owner)?;
        self.change_store(edit(owner)).await?;
        self.owners(vec![owner]).await
    }

    async fn tags(&self, tags: Vec<TagId>) -> Result<Reply, Refusal> {
        let cards = self.storage.tag_cards(tags).await?;
        if cards.is_empty() {
            return Err(EditError::UnknownTag.into());
        }
        Ok(Reply::Tags(cards.iter().map(|card| self.tag_line(card)).collect()))
    }

    /// An hour at a time, so that no other operator waits for long.
    async fn scans(&self, tag: TagId, hours: u32) -> Result<Reply, Refusal> {
        if !(1..=SCANS_HOURS_MAX).contains(&hours) {
            return Err(usage(format!("hours are 1 to {SCANS_HOURS_MAX}")));
        }
        if self.storage.tag_cards(vec![tag]).await?.is_empty() {
            return Err(EditError::UnknownTag.into());
        }
        let (mut lines, mut end) = (Vec::new(), self.clock.now());
        for _ in 0..hours {
            let start = Timestamp::from_millis(end.as_millis().saturating_sub(Span::HOUR.as_millis()));
            let scans = self.storage.scans_of(tag, start..end, SCANS_SHOWN_MAX - lines.len()).await?;
            lines.extend(scans.iter().map(scan_line));
            if lines.len() == SCANS_SHOWN_MAX {
                break;
            }
            end = start;
        }
        Ok(Reply::Scans(lines))
    }

    async fn owners(&self, owners: Vec<OwnerId>) -> Result<Reply, Refusal> {
        let mut lines = Vec::with_capacity(owners.len());
        for owner in owners {
            let card = self.storage.owner_card(owner).await?;
            lines.push(self.owner_line(&card.ok_or(EditError::UnknownOwner)?));
        }
        Ok(Reply::Owners(lines))
    }

    async fn find(&self, contact: Contact) -> Result<Reply, Refusal> {
        let owners = self.storage.owners_at(contact).await?;
        if owners.is_empty() {
            return Err(Refusal { kind: Kind::Refused, message: "no owner has it".to_owned() });
        }
        self.owners(owners).await
    }

    fn tag(&self, code: &str) -> Result<TagId, Refusal> {
        let code = TagCode::read(code, self.storage.keys().checks());
        code.map(|code| code.tag()).ok_or(EditError::UnknownTag.into())
    }

    async fn show_session(&self, session: SessionId) -> Result<Reply, Refusal> {
        let card = self.storage.session_card(session).await?;
        Ok(Reply::Session(session_line(&card.ok_or(EditError::UnknownSession)?)))
    }

    /// The session that is meant by its id, or by the address of its page, which is what people have before them.
    fn session(&self, text: &str) -> Result<SessionId, Refusal> {
        let id = text.rsplit_once("/sessions/").map_or(text, |(_, id)| id);
        let id = id.split(['/', '?', '#']).next().unwrap_or_default().trim();
        SessionId::read(id, self.storage.keys().checks()).ok_or(EditError::UnknownSession.into())
    }

    fn change(&self, set: OwnerFields) -> Result<OwnerChange, String> {
        let OwnerFields { name, email, phone, language, time_zone, quiet_hours, night_reasons } = set;
        Ok(OwnerChange {
            name: name.map(|name| fields::text("name", name)).transpose()?,
            email: email.map(fields::email).transpose()?,
            phone: phone.map(|phone| fields::phone(&phone, &self.allowed_prefixes)).transpose()?,
            language: language.map(|tag| fields::language(&tag)).transpose()?,
            time_zone: time_zone.map(fields::time_zone).transpose()?,
            quiet_hours: quiet_hours
                .map(|text| if text == "none" { Ok(None) } else { fields::quiet_hours(&text).map(Some) })
                .transpose()?,
            night_reasons: night_reasons
                .map(|ids| fields::night_reasons(ids.split(',').map(str::trim).filter(|id| *id != "none")))
                .transpose()?,
        })
    }

    fn pause(&self, minutes: Option<u32>) -> Result<Pause, Refusal> {
        match minutes {
            None => Ok(Pause::Indefinite),
            Some(minutes @ 1..=PAUSE_MINUTES_MAX) => {
                Ok(Pause::Until(self.clock.now().plus(Span::from_secs(u64::from(minutes) * 60))))
            }
            Some(_) => {
                Err(usage(format!("minutes are 1 to {PAUSE_MINUTES_MAX}; leave them out for a pause without end")))
            }
        }
    }

    fn tag_line(&self, card: &TagCard) -> TagLine {
        TagLine {
            code: card.code.to_string(),
            url: format!("{}/q/{}", self.origin, card.code),
            status: status(card.status).to_owned(),
            owner_id: card.owner.map(|owner| owner.to_string()),
            minted_at: rfc3339(card.minted_at),
            appealed_at: card.appealed_at.map(rfc3339),
        }
    }

    fn owner_line(&self, card: &OwnerCard) -> OwnerLine {
        let (paused, paused_until) = match card.pause {
            Pause::Off => (false, None),
            Pause::Until(end) if end <= self.clock.now() => (false, None),
            Pause::Until(end) => (true, Some(rfc3339(end))),
            Pause::Indefinite => (true, None),
        };
        OwnerLine {
            owner_id: card.id.to_string(),
            name: card.name.to_string(),
            email: card.email.to_string(),
            phone: card.phone.to_string(),
            language: card.language.tag().to_owned(),
            time_zone: card.time_zone.clone(),
            quiet_hours: card.quiet_hours.map(fields::quiet_hours_text),
            night_reasons: card.night_reasons.iter().map(|reason| reason.id().to_owned()).collect(),
            paused,
            paused_until,
            blocked_callers: card.blocked_callers,
            registered_at: rfc3339(card.registered_at),
            tags: card.tags.iter().map(|tag| self.tag_line(tag)).collect(),
        }
    }
}

fn scan_line(scan: &ScanRecord) -> ScanLine {
    // To the second: nearer, a proxy's log would tell where it came from.
    let at = Timestamp::from_millis(scan.at.as_millis() / 1_000 * 1_000);
    ScanLine { at: rfc3339(at), device: scan.device.id().to_owned(), browser: scan.browser.id().to_owned() }
}

fn session_line(card: &SessionCard) -> SessionLine {
    let caller = match card.caller {
        CallerCard::Nameless => "nameless",
        CallerCard::Known => "known",
        CallerCard::Blocked => "blocked",
    };
    SessionLine {
        owner_id: card.owner.to_string(),
        reason: card.reason.id().to_owned(),
        state: card.state.id().to_owned(),
        outcome: card.outcome.map(|outcome| outcome.id().to_owned()),
        caller: caller.to_owned(),
        opened_at: rfc3339(card.opened_at),
        expires_at: rfc3339(card.expires_at),
        dialed_at: card.dialed_at.map(rfc3339),
        accepted_at: card.accepted_at.map(rfc3339),
        over_at: card.over_at.map(rfc3339),
        ended_at: card.ended_at.map(rfc3339),
        reported_at: card.reported_at.map(rfc3339),
    }
}

fn owner_id(text: &str) -> Result<OwnerId, Refusal> {
    OwnerId::read(text)
        .ok_or_else(|| usage("an owner's id has twelve characters, as `import` and `tags show` print it"))
}

fn contact(phone: Option<String>, email: Option<String>) -> Result<Contact, Refusal> {
    match (phone, email) {
        (Some(phone), None) => fields::any_phone(&phone).map(Contact::Phone).map_err(usage),
        (None, Some(email)) => fields::email(email).map(Contact::Email).map_err(usage),
        (None, None) | (Some(_), Some(_)) => Err(usage("give either a phone or an email")),
    }
}

fn usage(message: impl Into<String>) -> Refusal {
    Refusal { kind: Kind::Usage, message: message.into() }
}

impl From<VerifyError> for Refusal {
    fn from(error: VerifyError) -> Self {
        let kind = match error {
            VerifyError::Busy | VerifyError::Stopped => Kind::Refused,
            VerifyError::Storage(_) => Kind::Storage,
        };
        Self { kind, message: error.to_string() }
    }
}

impl From<EditError> for Refusal {
    fn from(error: EditError) -> Self {
        let kind = match error {
            EditError::Storage(_) => Kind::Storage,
            EditError::MintedAtOnce => Kind::Usage,
            EditError::UnknownTag
            | EditError::UnknownOwner
            | EditError::Retired
            | EditError::TagsOfOwner
            | EditError::UnknownSession
            | EditError::NobodyToBlock
            | EditError::BlockedCallersFull
            | EditError::NothingToReport
            | EditError::Busy => Kind::Refused,
        };
        Self { kind, message: error.to_string() }
    }
}

impl From<BackupError> for Refusal {
    fn from(error: BackupError) -> Self {
        let kind = match error {
            BackupError::Busy | BackupError::BrokenOff => Kind::Refused,
            // The others come of files that a running engine does not read.
            _ => Kind::Storage,
        };
        Self { kind, message: error.to_string() }
    }
}

fn status(status: TagStatus) -> &'static str {
    match status {
        TagStatus::Minted => "minted",
        TagStatus::Active => "active",
        TagStatus::Suspended => "suspended",
        TagStatus::Retired => "retired",
    }
}

/// A time as operators read it.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    let at = i64::try_from(at.as_millis()).ok().and_then(|ms| Instant::from_millisecond(ms).ok());
    at.unwrap_or(Instant::MAX).to_string()
}
