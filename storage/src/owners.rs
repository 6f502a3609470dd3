//! Registering owners and their tags in bulk.

use hmac::{Hmac, KeyInit, Mac};
use qnect_core::language::Language;
use qnect_core::phone::Phone;
use qnect_core::preferences::QuietHours;
use qnect_core::reason::ReasonSet;
use qnect_core::tag::{OwnerId, TagStatus};
use qnect_core::tag_code::{TagCode, TagId};
use qnect_core::time::Timestamp;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::codec::{FORMAT, OwnerRow, TagRow, to_bytes};
use crate::error::StorageError;
use crate::keyring::Keyring;
use crate::keys::{KeyError, Place};
use crate::layout::{Row, Space, owner_key, owner_tag_key, tag_key};

const EMAIL_INDEX: u8 = 0;
const PHONE_INDEX: u8 = 1;
const VEHICLE_REGISTRATION: u16 = 0;

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
        let tag = new.code.tag();
        let mut put = |space, key: &[u8], value| {
            rows.push(Row { space, key: key.to_vec(), value });
        };
        put(Space::Owners, &owner_key(new.owner), to_bytes(&OwnerRow::seal(new.owner, owner, &key, now)?));
        put(Space::Tags, &tag_key(tag), to_bytes(&TagRow::new(TagStatus::Active, Some(new.owner), now.as_millis())));
        put(Space::OwnerTags, &owner_tag_key(new.owner, tag), Vec::new());
        if let Some(NewVehicle(registration)) = &owner.vehicle {
            let record_id = tag_key(tag);
            let place = Place {
                keyspace: Space::Vehicles.name(),
                record_id: &record_id,
                field: VEHICLE_REGISTRATION,
                version: FORMAT,
            };
            let mut value = vec![FORMAT];
            value.extend(key.seal(&place, registration.as_bytes())?);
            put(Space::Vehicles, &record_id, value);
        }
        let email = owner.email.to_lowercase();
        put(Space::Index, &index_key(keys, EMAIL_INDEX, email.as_bytes()), owner_key(new.owner).to_vec());
        // The caller root, and not the number, is what a call of the owner's own telephone is looked up by.
        let spelled = Zeroizing::new(owner.phone.reveal().to_string());
        let root = keys.roots().caller(&spelled).map_err(|_| StorageError::Stopped)?;
        put(Space::Index, &index_key(keys, PHONE_INDEX, root.as_bytes()), owner_key(new.owner).to_vec());
    }
    Ok((rows, registered))
}

fn fresh(keys: &Keyring) -> Result<RegisteredOwner, StorageError> {
    let (mut owner, mut tag) = ([0; 8], [0; 8]);
    getrandom::fill(&mut owner).map_err(|cause| KeyError::Random { cause })?;
    getrandom::fill(&mut tag).map_err(|cause| KeyError::Random { cause })?;
    // 60 bits, so that an owner's id prints as twelve characters.
    let owner = OwnerId(u64::from_be_bytes(owner) >> 4);
    let tag = TagId::from_random(keys.checks().current(), u64::from_be_bytes(tag));
    let code = TagCode::of(tag, keys.checks()).ok_or(StorageError::Stopped)?;
    Ok(RegisteredOwner { owner, code })
}

fn index_key(keys: &Keyring, kind: u8, value: &[u8]) -> [u8; 17] {
    let mut block = [0; 64];
    block[..32].copy_from_slice(keys.index_key());
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    mac.update(&[kind]);
    mac.update(value);
    let hash = mac.finalize().into_bytes();
    let mut key = [kind; 17];
    key[1..].copy_from_slice(&hash[..16]);
    key
}
