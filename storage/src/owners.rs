//! Registering owners and their tags in bulk.

use qnect_core::language::Language;
use qnect_core::phone::Phone;
use qnect_core::preferences::QuietHours;
use qnect_core::reason::ReasonSet;
use qnect_core::tag::{OwnerId, TagStatus};
use qnect_core::tag_code::{TagCode, TagId};
use qnect_core::time::Timestamp;

use crate::codec::{FORMAT, OwnerRow, TagRow, to_bytes};
use crate::error::StorageError;
use crate::index::{Entry, email_hash, phone_hash};
use crate::keyring::Keyring;
use crate::keys::{DataKey, KeyError, Place};
use crate::layout::{Row, Space, owner_key, owner_tag_key, tag_key};

/// The field of what is sealed in a vehicle.
pub(crate) const VEHICLE_REGISTRATION: u16 = 0;

/// A vehicle's registration number, sealed when stored and shown to nobody but its owner.
#[derive(Clone)]
pub struct NewVehicle(pub String);

/// An owner to register, already checked at the door.
#[derive(Clone)]
pub struct NewOwner {
    /// The owner's name.
    pub name: String,
    /// The owner's address of e-mail.
    pub email: String,
    /// Where calls go.
    pub phone: Phone,
    /// The vehicle, if told.
    pub vehicle: Option<NewVehicle>,
    /// The language of the whisper.
    pub language: Language,
    /// The IANA name of the zone of the quiet hours; it must be one that the time zone database knows.
    pub time_zone: String,
    /// Quiet hours, if any.
    pub quiet_hours: Option<QuietHours>,
    /// What rings even then.
    pub night_reasons: ReasonSet,
}

/// An owner who was registered, with a tag.
#[derive(Debug, Clone, Copy)]
pub struct RegisteredOwner {
    /// Who.
    pub owner: OwnerId,
    /// What to print on the sticker.
    pub code: TagCode,
}

/// The rows of new owners, sealed; their data keys are on stable storage before this returns.
pub(crate) fn rows(
    owners: &[NewOwner],
    keys: &Keyring,
    now: Timestamp,
) -> Result<(Vec<Row>, Vec<RegisteredOwner>), StorageError> {
    let registered: Vec<RegisteredOwner> = owners.iter().map(|_| fresh(keys)).collect::<Result<_, _>>()?;
    keys.add_owners(&registered.iter().map(|r| r.owner).collect::<Vec<_>>())?;
    let mut rows = Vec::with_capacity(owners.len() * 6);
    for (owner, new) in owners.iter().zip(&registered) {
        let key = keys.data_key(new.owner).ok_or(StorageError::Stopped)?;
        let row = OwnerRow::seal(new.owner, owner, &key, now)?;
        rows.push(Row::put(Space::Owners, owner_key(new.owner), to_bytes(&row)));
        rows.extend(tag_rows(new.code.tag(), new.owner, owner.vehicle.as_ref(), &key, now)?);
        let since = now.as_millis();
        rows.push(Entry { hash: email_hash(keys, &owner.email), owner: new.owner }.put(since));
        rows.push(Entry { hash: phone_hash(keys, &owner.phone)?, owner: new.owner }.put(since));
    }
    Ok((rows, registered))
}

/// The rows of a tag in use.
pub(crate) fn tag_rows(
    tag: TagId,
    owner: OwnerId,
    vehicle: Option<&NewVehicle>,
    key: &DataKey,
    now: Timestamp,
) -> Result<Vec<Row>, StorageError> {
    let record_id = tag_key(tag);
    let mut rows = vec![
        Row::put(Space::Tags, record_id, to_bytes(&TagRow::new(TagStatus::Active, Some(owner), now.as_millis()))),
        Row::put(Space::OwnerTags, owner_tag_key(owner, tag), Vec::new()),
    ];
    if let Some(NewVehicle(registration)) = vehicle {
        let place = Place {
            keyspace: Space::Vehicles.name(),
            record_id: &record_id,
            field: VEHICLE_REGISTRATION,
            version: FORMAT,
        };
        let mut value = vec![FORMAT];
        value.extend(key.seal(&place, registration.as_bytes())?);
        rows.push(Row::put(Space::Vehicles, record_id, value));
    }
    Ok(rows)
}

fn fresh(keys: &Keyring) -> Result<RegisteredOwner, StorageError> {
    let mut owner = [0; 8];
    getrandom::fill(&mut owner).map_err(|cause| KeyError::Random { cause })?;
    // 60 bits, so that an owner's id prints as twelve characters.
    let owner = OwnerId(u64::from_be_bytes(owner) >> 4);
    Ok(RegisteredOwner { owner, code: fresh_code(keys)? })
}

/// The code of a new tag.
pub(crate) fn fresh_code(keys: &Keyring) -> Result<TagCode, StorageError> {
    let mut tag = [0; 8];
    getrandom::fill(&mut tag).map_err(|cause| KeyError::Random { cause })?;
    let tag = TagId::from_random(keys.checks().current(), u64::from_be_bytes(tag));
    TagCode::of(tag, keys.checks()).ok_or(StorageError::Stopped)
}
