//! What an operator sees of tags and owners. A name, an address or a number leaves this file masked.

use qnect_core::facts::Outcome;
use qnect_core::language::Language;
use qnect_core::phone::Phone;
use qnect_core::preferences::{Pause, QuietHours};
use qnect_core::reason::{Reason, ReasonSet};
use qnect_core::session::{Session, State};
use qnect_core::session_id::SessionId;
use qnect_core::tag::{OwnerId, OwnerProfile, TagConfig, TagStatus};
use qnect_core::tag_code::{TagCode, TagId};
use qnect_core::time::Timestamp;

use crate::codec::{OwnerRow, TagRow, from_bytes};
use crate::error::StorageError;
use crate::keys::DataKey;
use crate::layout::{Space, owner_key, tag_key};
use crate::read::Reader;

/// A tag, as an operator sees it.
#[derive(Debug, Clone)]
pub struct TagCard {
    /// What is printed on the sticker.
    pub code: TagCode,
    /// Where it stands in its life.
    pub status: TagStatus,
    /// Whose it is, once claimed.
    pub owner: Option<OwnerId>,
    /// When it was made.
    pub minted_at: Timestamp,
    /// When an appeal against its abuse score was heard last.
    pub appealed_at: Option<Timestamp>,
}

/// An owner, as an operator sees one.
#[derive(Debug, Clone)]
pub struct OwnerCard {
    /// Who.
    pub id: OwnerId,
    /// The name's first letter.
    pub name: Masked,
    /// The address' first letter.
    pub email: Masked,
    /// The number's last two digits.
    pub phone: Masked,
    /// The language of the whisper.
    pub language: Language,
    /// The IANA name of the zone of the quiet hours.
    pub time_zone: String,
    /// Quiet hours, if any.
    pub quiet_hours: Option<QuietHours>,
    /// What rings even then.
    pub night_reasons: ReasonSet,
    /// Whether calls are paused.
    pub pause: Pause,
    /// Callers who do not reach the owner any more.
    pub blocked_callers: usize,
    /// Since when.
    pub registered_at: Timestamp,
    /// The owner's tags, the oldest first.
    pub tags: Vec<TagCard>,
}

/// A session, as an operator sees one: neither who called nor on which number, and no code.
#[derive(Debug, Clone)]
pub struct SessionCard {
    /// Whom it reaches.
    pub owner: OwnerId,
    /// Why the scanner calls.
    pub reason: Reason,
    /// Where it stands.
    pub state: State,
    /// How it ended, once it did.
    pub outcome: Option<Outcome>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it ends if nobody calls.
    pub expires_at: Timestamp,
    /// When the owner was rung.
    pub dialed_at: Option<Timestamp>,
    /// When the owner pressed 1.
    pub accepted_at: Option<Timestamp>,
    /// When the call was over.
    pub over_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When its call was reported as abuse.
    pub reported_at: Option<Timestamp>,
    /// What the owner may do about its caller.
    pub caller: CallerCard,
}

/// The caller of a session, as an operator sees one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerCard {
    /// Nobody has called yet, or the number was withheld: nobody can be blocked.
    Nameless,
    /// There is one who reaches the owner.
    Known,
    /// There is one whom the owner has blocked.
    Blocked,
}

/// What is left of a personal text when an operator reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masked(String);

impl Masked {
    /// The first letter, and dots that do not tell how long the rest is.
    pub(crate) fn text(text: &str) -> Self {
        Self(text.trim().chars().take(1).chain("...".chars()).collect())
    }

    pub(crate) fn phone(phone: &Phone) -> Self {
        Self(phone.masked())
    }
}

impl std::fmt::Display for Masked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Reader {
    /// A tag; `None` when it is unknown, or its owner was erased.
    pub(crate) fn tag_row(&self, tag: TagId) -> Result<Option<TagRow>, StorageError> {
        let Some(value) = self.spaces.get(Space::Tags).get(tag_key(tag))? else { return Ok(None) };
        let row: TagRow = from_bytes(Space::Tags, &value)?;
        let erased = row.owner().is_some_and(|owner| self.keys.data_key(owner).is_none());
        Ok((!erased).then_some(row))
    }

    /// An owner and the key to what is sealed; `None` when there is none, or erased.
    pub(crate) fn owner_row(&self, owner: OwnerId) -> Result<Option<(OwnerRow, DataKey)>, StorageError> {
        let Some(key) = self.keys.data_key(owner) else { return Ok(None) };
        let Some(value) = self.spaces.get(Space::Owners).get(owner_key(owner))? else { return Ok(None) };
        Ok(Some((from_bytes(Space::Owners, &value)?, key)))
    }

    /// What decisions need of an owner.
    pub(crate) fn profile(&self, owner: OwnerId) -> Result<Option<OwnerProfile>, StorageError> {
        let Some((row, key)) = self.owner_row(owner)? else { return Ok(None) };
        row.profile(owner, &key).map(Some)
    }

    /// What a tag's machine is configured with.
    pub(crate) fn tag_config(&self, tag: TagId) -> Result<Option<TagConfig>, StorageError> {
        let Some(row) = self.tag_row(tag)? else { return Ok(None) };
        let owner = match row.owner() {
            Some(owner) => match self.profile(owner)? {
                Some(profile) => Some(profile),
                None => return Ok(None),
            },
            None => None,
        };
        Ok(Some(TagConfig { id: tag, status: row.status()?, owner, appealed_at: row.appealed_at() }))
    }

    pub(crate) fn tag_card(&self, tag: TagId) -> Result<Option<TagCard>, StorageError> {
        // A tag under a key version that nobody knows has no code, and could not be asked for.
        let Some((row, code)) = self.tag_row(tag)?.zip(TagCode::of(tag, self.keys.checks())) else {
            return Ok(None);
        };
        Ok(Some(TagCard {
            code,
            status: row.status()?,
            owner: row.owner(),
            minted_at: row.minted_at(),
            appealed_at: row.appealed_at(),
        }))
    }

    pub(crate) fn owner_card(&self, owner: OwnerId) -> Result<Option<OwnerCard>, StorageError> {
        let Some((row, key)) = self.owner_row(owner)? else { return Ok(None) };
        let tags = self.tags_of(owner)?.into_iter().filter_map(|tag| self.tag_card(tag).transpose());
        let mut tags: Vec<TagCard> = tags.collect::<Result<_, _>>()?;
        tags.sort_by_key(|tag| (tag.minted_at, tag.code.tag()));
        row.card(owner, &key, tags).map(Some)
    }

    /// A session; `None` when it is unknown, or its owner was erased.
    pub(crate) fn session_card(&self, id: SessionId) -> Result<Option<SessionCard>, StorageError> {
        let Some(session) = self.session(id)? else { return Ok(None) };
        let Some((row, key)) = self.owner_row(session.owner)? else { return Ok(None) };
        let caller = match session.block_token {
            None => CallerCard::Nameless,
            Some(caller) if row.blocked(session.owner, &key)?.include(&caller) => CallerCard::Blocked,
            Some(_) => CallerCard::Known,
        };
        let session = Session::restore(session);
        let s = session.snapshot();
        Ok(Some(SessionCard {
            owner: s.owner,
            reason: s.reason,
            state: session.state(),
            outcome: s.ended.map(|(outcome, _)| outcome),
            opened_at: s.opened_at,
            expires_at: s.expires_at,
            dialed_at: s.dialed_at,
            accepted_at: s.accepted_at,
            over_at: s.over_at,
            ended_at: s.ended.map(|(_, at)| at),
            reported_at: s.reported_at,
            caller,
        }))
    }

    /// An owner's tags.
    pub(crate) fn tags_of(&self, owner: OwnerId) -> Result<Vec<TagId>, StorageError> {
        let what = "its key has another length";
        let tag = |key: &[u8]| {
            let tag: [u8; 8] = key.get(8..)?.try_into().ok()?;
            Some(TagId::from_u64(u64::from_be_bytes(tag)))
        };
        let rows = self.spaces.get(Space::OwnerTags).prefix(owner_key(owner));
        rows.map(|row| {
            let unreadable = StorageError::Unreadable { keyspace: Space::OwnerTags.name(), what };
            tag(&row.key()?).ok_or(unreadable)
        })
        .collect()
    }
}
