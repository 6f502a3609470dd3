//! A stored owner: what names a person is sealed with the person's own key.

use jiff::tz::TimeZone;
use minicbor::{Decode, Encode};
use qnect_core::language::Language;
use qnect_core::phone::Phone;
use qnect_core::preferences::{Pause, Preferences, QuietHours};
use qnect_core::reason::ReasonSet;
use qnect_core::tag::{OwnerId, OwnerProfile};
use qnect_core::time::{Timestamp, Zone};

use crate::codec::FORMAT;
use crate::error::StorageError;
use crate::keys::{DataKey, KeyError, Place};
use crate::layout::{Space, owner_key};
use crate::owners::NewOwner;

const NAME: u16 = 0;
const EMAIL: u16 = 1;
const PHONE: u16 = 2;

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
        })
    }

    /// What decisions need of the owner.
    pub(crate) fn profile(&self, id: OwnerId, key: &DataKey) -> Result<OwnerProfile, StorageError> {
        let unreadable = |what| StorageError::Unreadable { keyspace: Space::Owners.name(), what };
        let sealed = key.open(&place(&owner_key(id), PHONE), &self.phone)?;
        let digits = sealed.as_slice().try_into().map_err(|_| unreadable("its number has another length"))?;
        let phone = Phone::from_digits(u64::from_be_bytes(digits)).map_err(|_| unreadable("its number is none"))?;
        let zone = TimeZone::get(&self.time_zone).map_err(|_| unreadable("its time zone is unknown"))?;
        let quiet_hours = match (self.quiet_from_minute, self.quiet_to_minute) {
            (Some(from_minute), Some(to_minute)) => Some(QuietHours { from_minute, to_minute }),
            _ => None,
        };
        let pause = match self.paused_until_ms {
            None => Pause::Off,
            Some(u64::MAX) => Pause::Indefinite,
            Some(ms) => Pause::Until(Timestamp::from_millis(ms)),
        };
        let night_reasons = ReasonSet::from_bits(self.night_reasons);
        let preferences = Preferences { pause, quiet_hours, night_reasons, zone: Zone::new(zone) };
        let language = Language::from_tag(&self.language).unwrap_or_default();
        Ok(OwnerProfile { id, phone, language, preferences })
    }
}

fn place(record_id: &[u8; 8], field: u16) -> Place<'_> {
    Place { keyspace: Space::Owners.name(), record_id, field, version: FORMAT }
}
