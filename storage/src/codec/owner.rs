//! A stored owner: what names a person is sealed with the person's own key.

use jiff::tz::TimeZone;
use minicbor::{Decode, Encode};
use qnect_core::blocked::BlockedCallers;
use qnect_core::caller::BlockToken;
use qnect_core::language::Language;
use qnect_core::phone::Phone;
use qnect_core::preferences::{Pause, Preferences, QuietHours};
use qnect_core::reason::ReasonSet;
use qnect_core::tag::{OwnerId, OwnerProfile};
use qnect_core::time::{Timestamp, Zone};
use zeroize::Zeroizing;

use crate::cards::{Masked, OwnerCard, TagCard};
use crate::codec::FORMAT;
use crate::edit::OwnerChange;
use crate::error::StorageError;
use crate::keys::{DataKey, KeyError, Place};
use crate::layout::{Space, owner_key};
use crate::owners::NewOwner;

const NAME: u16 = 0;
const EMAIL: u16 = 1;
const PHONE: u16 = 2;
const BLOCKED: u16 = 10;

/// An owner as stored.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct OwnerRow {
    #[cbor(n(0), with = "minicbor::bytes")]
    name: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    email: Vec<u8>,
    #[cbor(n(2), with = "minicbor::bytes")]
    phone: Vec<u8>,
    #[n(3)]
    language: String,
    /// An IANA name.
    #[n(4)]
    time_zone: String,
    #[n(5)]
    quiet_from_minute: Option<u16>,
    #[n(6)]
    quiet_to_minute: Option<u16>,
    #[n(7)]
    night_reasons: u8,
    /// Absent: not paused. The largest number: until the owner resumes.
    #[n(8)]
    paused_until_ms: Option<u64>,
    #[n(9)]
    registered_at_ms: u64,
    /// The names of blocked callers, one behind the other, sealed as one. Absent: nobody is blocked.
    #[cbor(n(10), with = "minicbor::bytes")]
    blocked: Option<Vec<u8>>,
}

impl OwnerRow {
    /// Seals a new owner.
    pub(crate) fn seal(id: OwnerId, owner: &NewOwner, key: &DataKey, now: Timestamp) -> Result<Self, KeyError> {
        let record_id = owner_key(id);
        let seal = |field, plain: &[u8]| key.seal(&place(&record_id, field), plain);
        Ok(Self {
            name: seal(NAME, owner.name.as_bytes())?,
            email: seal(EMAIL, owner.email.as_bytes())?,
            phone: seal(PHONE, &owner.phone.reveal().to_be_bytes())?,
            language: owner.language.tag().into(),
            time_zone: owner.time_zone.clone(),
            quiet_from_minute: owner.quiet_hours.map(|q| q.from_minute),
            quiet_to_minute: owner.quiet_hours.map(|q| q.to_minute),
            night_reasons: owner.night_reasons.bits(),
            paused_until_ms: None,
            registered_at_ms: now.as_millis(),
            blocked: None,
        })
    }

    /// What decisions need of the owner.
    pub(crate) fn profile(&self, id: OwnerId, key: &DataKey) -> Result<OwnerProfile, StorageError> {
        let zone = TimeZone::get(&self.time_zone).map_err(|_| unreadable("its time zone is unknown"))?;
        let preferences = Preferences {
            pause: self.pause(),
            quiet_hours: self.quiet_hours(),
            night_reasons: ReasonSet::from_bits(self.night_reasons),
            zone: Zone::new(zone),
        };
        let (phone, blocked) = (self.phone(id, key)?, self.blocked(id, key)?);
        Ok(OwnerProfile { id, phone, language: self.language(), preferences, blocked })
    }

    /// What an operator sees of the owner.
    pub(crate) fn card(&self, id: OwnerId, key: &DataKey, tags: Vec<TagCard>) -> Result<OwnerCard, StorageError> {
        Ok(OwnerCard {
            id,
            name: Masked::text(&Self::text(id, key, NAME, &self.name)?),
            email: Masked::text(&self.email(id, key)?),
            phone: Masked::phone(&self.phone(id, key)?),
            language: self.language(),
            time_zone: self.time_zone.clone(),
            quiet_hours: self.quiet_hours(),
            night_reasons: ReasonSet::from_bits(self.night_reasons),
            pause: self.pause(),
            blocked_callers: self.blocked(id, key)?.len(),
            registered_at: Timestamp::from_millis(self.registered_at_ms),
            tags,
        })
    }

    /// Changes what `change` names, and seals it anew.
    pub(crate) fn change(&mut self, id: OwnerId, change: &OwnerChange, key: &DataKey) -> Result<(), KeyError> {
        let record_id = owner_key(id);
        let seal = |field, plain: &[u8]| key.seal(&place(&record_id, field), plain);
        let OwnerChange { name, email, phone, language, time_zone, quiet_hours, night_reasons } = change;
        if let Some(name) = name {
            self.name = seal(NAME, name.as_bytes())?;
        }
        if let Some(email) = email {
            self.email = seal(EMAIL, email.as_bytes())?;
        }
        if let Some(phone) = phone {
            self.phone = seal(PHONE, &phone.reveal().to_be_bytes())?;
        }
        if let Some(language) = language {
            self.language = language.tag().into();
        }
        if let Some(time_zone) = time_zone {
            self.time_zone.clone_from(time_zone);
        }
        if let Some(quiet_hours) = quiet_hours {
            self.quiet_from_minute = quiet_hours.map(|q| q.from_minute);
            self.quiet_to_minute = quiet_hours.map(|q| q.to_minute);
        }
        if let Some(night_reasons) = night_reasons {
            self.night_reasons = night_reasons.bits();
        }
        Ok(())
    }

    pub(crate) fn set_pause(&mut self, pause: Pause) {
        self.paused_until_ms = match pause {
            Pause::Off => None,
            Pause::Until(end) => Some(end.as_millis()),
            Pause::Indefinite => Some(u64::MAX),
        };
    }

    pub(crate) fn blocked(&self, id: OwnerId, key: &DataKey) -> Result<BlockedCallers, StorageError> {
        let Some(sealed) = &self.blocked else { return Ok(BlockedCallers::default()) };
        let names = key.open(&place(&owner_key(id), BLOCKED), sealed)?;
        let (names, rest) = names.as_chunks::<{ BlockToken::BYTES }>();
        if !rest.is_empty() {
            return Err(unreadable("its blocked callers have another length"));
        }
        Ok(BlockedCallers::of(names.iter().copied().map(BlockToken::from_bytes).collect()))
    }

    pub(crate) fn set_blocked(&mut self, id: OwnerId, blocked: &BlockedCallers, key: &DataKey) -> Result<(), KeyError> {
        let names = Zeroizing::new(blocked.iter().flat_map(|name| *name.as_bytes()).collect::<Vec<_>>());
        let sealed = || key.seal(&place(&owner_key(id), BLOCKED), &names);
        self.blocked = (!blocked.is_empty()).then(sealed).transpose()?;
        Ok(())
    }

    pub(crate) fn email(&self, id: OwnerId, key: &DataKey) -> Result<Zeroizing<String>, StorageError> {
        Self::text(id, key, EMAIL, &self.email)
    }

    pub(crate) fn phone(&self, id: OwnerId, key: &DataKey) -> Result<Phone, StorageError> {
        let sealed = key.open(&place(&owner_key(id), PHONE), &self.phone)?;
        let digits = sealed.as_slice().try_into().map_err(|_| unreadable("its number has another length"))?;
        Phone::from_digits(u64::from_be_bytes(digits)).map_err(|_| unreadable("its number is none"))
    }

    fn text(id: OwnerId, key: &DataKey, field: u16, sealed: &[u8]) -> Result<Zeroizing<String>, StorageError> {
        let plain = key.open(&place(&owner_key(id), field), sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|_| unreadable("a text of it is none"))?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    fn language(&self) -> Language {
        Language::from_tag(&self.language).unwrap_or_default()
    }

    fn quiet_hours(&self) -> Option<QuietHours> {
        let (from_minute, to_minute) = self.quiet_from_minute.zip(self.quiet_to_minute)?;
        Some(QuietHours { from_minute, to_minute })
    }

    fn pause(&self) -> Pause {
        match self.paused_until_ms {
            None => Pause::Off,
            Some(u64::MAX) => Pause::Indefinite,
            Some(ms) => Pause::Until(Timestamp::from_millis(ms)),
        }
    }
}

fn unreadable(what: &'static str) -> StorageError {
    StorageError::Unreadable { keyspace: Space::Owners.name(), what }
}

fn place(record_id: &[u8; 8], field: u16) -> Place<'_> {
    Place { keyspace: Space::Owners.name(), record_id, field, version: FORMAT }
}
