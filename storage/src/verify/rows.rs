//! Every row of a snapshot: whether it can be read, and whether what it refers to is there.

use fjall::{Readable, Snapshot};
use qnect_core::tag::OwnerId;

use super::report::Report;
use crate::backup::legible;
use crate::codec::{FORMAT, Head, OwnerRow, TagRow, decode_session, from_bytes};
use crate::error::StorageError;
use crate::index::{email_hash, phone_hash};
use crate::keyring::Keyring;
use crate::keys::{DataKey, Place};
use crate::layout::{HEAD_KEY, Keyspaces, OPEN_NOTES, SESSION_KEY, SessionKey, Space, owner_key, session_key};
use crate::logical::LogicalHasher;
use crate::owners::VEHICLE_REGISTRATION;
use crate::recent;

/// What the rows are read from.
pub(super) struct Rows<'a> {
    snapshot: &'a Snapshot,
    spaces: &'a Keyspaces,
    keys: &'a Keyring,
    /// The sessions that are noted as open, sorted; `None`: not every session that matters to a start is noted.
    open: Option<Vec<SessionKey>>,
    commit: u64,
}

/// Why the walk was broken off.
#[derive(Debug)]
pub(super) enum BrokenOff {
    /// It was asked to.
    Stopped,
    /// The database cannot be read.
    Unreadable(StorageError),
}

impl<E: Into<StorageError>> From<E> for BrokenOff {
    fn from(error: E) -> Self {
        Self::Unreadable(error.into())
    }
}

impl<'a> Rows<'a> {
    pub(super) fn of(snapshot: &'a Snapshot, spaces: &'a Keyspaces, keys: &'a Keyring) -> Result<Self, StorageError> {
        let head: Head = match snapshot.get(spaces.get(Space::Head), HEAD_KEY)? {
            Some(value) => from_bytes(Space::Head, &value)?,
            None => Head::default(),
        };
        let open = match head.notes {
            Some(true) => Some(open(snapshot, spaces)?),
            Some(false) | None => None,
        };
        Ok(Self { snapshot, spaces, keys, open, commit: head.sequence })
    }

    /// Walks all rows into `report`, until `goes_on` says no.
    pub(super) fn walk(&self, report: &mut Report, mut goes_on: impl FnMut() -> bool) -> Result<(), BrokenOff> {
        let mut logical = LogicalHasher::new();
        for space in Space::ALL {
            for row in self.snapshot.iter(self.spaces.get(space)) {
                if !goes_on() {
                    return Err(BrokenOff::Stopped);
                }
                let (key, value) = row.into_inner()?;
                logical.row(space, &key, &value);
                match legible(space, &key, &value, self.keys) {
                    Ok(()) => self.refers(space, &key, &value, report)?,
                    Err(error) => report.find_row(space, &key, error.to_string()),
                }
            }
        }
        report.commit = self.commit;
        let (logical, rows) = logical.finish();
        report.logical = Some(logical);
        report.rows = Space::ALL.into_iter().map(Space::name).zip(rows).collect();
        let counts = self.keys.table().counts();
        (report.people, report.days) = (counts.data_keys, counts.day_keys);
        Ok(())
    }

    /// Looks up everything that a row refers to.
    fn refers(&self, space: Space, key: &[u8], value: &[u8], report: &mut Report) -> Result<(), BrokenOff> {
        match space {
            Space::Tags => self.tag(key, value, report),
            Space::Owners => self.owner(key, value, report),
            Space::Vehicles => self.vehicle(key, value, report),
            Space::OwnerTags => {
                let (owner, tag) = key.split_at(8);
                if self.owner_of_tag(tag)?.is_none_or(|its| owner_key(its) != owner) {
                    report.find_row(space, key, "the tag is missing, or not this owner's");
                }
                Ok(())
            }
            Space::Index => self.entry(key, report),
            Space::Sessions => self.session(key, value, report),
            Space::Recent if key[0] == OPEN_NOTES => self.notes(key, value, report),
            Space::Chores | Space::Recent => {
                if !self.has(Space::Sessions, &key[key.len() - SESSION_KEY..])? {
                    report.find_row(space, key, "its session is missing");
                }
                Ok(())
            }
            Space::Scans | Space::Head => Ok(()),
        }
    }

    fn tag(&self, key: &[u8], value: &[u8], report: &mut Report) -> Result<(), BrokenOff> {
        let Some(owner) = from_bytes::<TagRow>(Space::Tags, value)?.owner() else { return Ok(()) };
        if !self.has(Space::OwnerTags, &[&owner_key(owner), key].concat())? {
            report.find_row(Space::Tags, key, "it is missing among its owner's tags");
        }
        self.person(Space::Tags, key, owner, report)
    }

    fn owner(&self, key: &[u8], value: &[u8], report: &mut Report) -> Result<(), BrokenOff> {
        let Some(owner) = owner_id(key) else { return Ok(()) };
        let Some(data_key) = self.keys.data_key(owner) else {
            report.erased += 1;
            return Ok(());
        };
        for hash in self.hashes(owner, &data_key, value)? {
            if !self.has(Space::Index, &[&hash[..], key].concat())? {
                report.find_row(Space::Owners, key, "it is missing in the index");
            }
        }
        Ok(())
    }

    fn vehicle(&self, key: &[u8], value: &[u8], report: &mut Report) -> Result<(), BrokenOff> {
        let Some(owner) = self.owner_of_tag(key)? else {
            report.find_row(Space::Vehicles, key, "its tag is missing, or nobody's");
            return Ok(());
        };
        let Some(data_key) = self.keys.data_key(owner) else {
            report.erased += 1;
            return Ok(());
        };
        let keyspace = Space::Vehicles.name();
        let place = Place { keyspace, record_id: key, field: VEHICLE_REGISTRATION, version: FORMAT };
        if data_key.open(&place, &value[1..]).is_err() {
            report.find_row(Space::Vehicles, key, "what is sealed in it does not open");
        }
        Ok(())
    }

    fn entry(&self, key: &[u8], report: &mut Report) -> Result<(), BrokenOff> {
        let (hash, owner) = key.split_at(17);
        let Some(owner) = owner_id(owner) else { return Ok(()) };
        let Some(data_key) = self.keys.data_key(owner) else {
            report.erased += 1;
            return Ok(());
        };
        let row = self.get(Space::Owners, &owner_key(owner))?;
        let hashes = row.map(|row| self.hashes(owner, &data_key, &row)).transpose()?;
        if hashes.is_none_or(|hashes| !hashes.iter().any(|its| its == hash)) {
            report.find_row(Space::Index, key, "it leads to an owner who does not have that, or is missing");
        }
        Ok(())
    }

    fn session(&self, key: &[u8], value: &[u8], report: &mut Report) -> Result<(), BrokenOff> {
        if !self.has(Space::Tags, &key[..8])? {
            report.find_row(Space::Sessions, key, "its tag is missing");
        }
        let session = decode_session(key, value, self.keys)?;
        let is_missed = |open: &Vec<SessionKey>| open.binary_search(&session_key(session.id)).is_err();
        if session.ended.is_none() && self.open.as_ref().is_some_and(is_missed) {
            report.find_row(Space::Sessions, key, "it is open, and not among those that a start looks at");
        }
        self.person(Space::Sessions, key, session.owner, report)
    }

    fn notes(&self, key: &[u8], value: &[u8], report: &mut Report) -> Result<(), BrokenOff> {
        for session in recent::unpack(value)? {
            if !self.has(Space::Sessions, session)? {
                report.find_row(Space::Recent, key, "a session that it notes is missing");
            }
        }
        Ok(())
    }

    /// A row's owner must be there, or erased.
    fn person(&self, space: Space, key: &[u8], owner: OwnerId, report: &mut Report) -> Result<(), BrokenOff> {
        if self.keys.data_key(owner).is_none() {
            report.erased += 1;
        } else if !self.has(Space::Owners, &owner_key(owner))? {
            report.find_row(space, key, "its owner is missing");
        }
        Ok(())
    }

    /// By what an owner is found; none if the row cannot be read, which is told where it is walked.
    fn hashes(&self, owner: OwnerId, key: &DataKey, value: &[u8]) -> Result<Vec<[u8; 17]>, BrokenOff> {
        let Ok(row) = from_bytes::<OwnerRow>(Space::Owners, value) else { return Ok(Vec::new()) };
        let (Ok(email), Ok(phone)) = (row.email(owner, key), row.phone(owner, key)) else { return Ok(Vec::new()) };
        Ok(vec![email_hash(self.keys, &email), phone_hash(self.keys, &phone)?])
    }

    fn owner_of_tag(&self, tag: &[u8]) -> Result<Option<OwnerId>, BrokenOff> {
        let row = self.get(Space::Tags, tag)?;
        Ok(row.and_then(|row| from_bytes::<TagRow>(Space::Tags, &row).ok()?.owner()))
    }

    fn has(&self, space: Space, key: &[u8]) -> Result<bool, BrokenOff> {
        Ok(self.snapshot.contains_key(self.spaces.get(space), key)?)
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<fjall::UserValue>, BrokenOff> {
        Ok(self.snapshot.get(self.spaces.get(space), key)?)
    }
}

/// The sessions that are noted as open, sorted. Notes that cannot be read are told where they are walked.
fn open(snapshot: &Snapshot, spaces: &Keyspaces) -> Result<Vec<SessionKey>, StorageError> {
    let mut open = Vec::new();
    for row in snapshot.prefix(spaces.get(Space::Recent), [OPEN_NOTES]) {
        open.extend_from_slice(recent::unpack(&row.value()?).unwrap_or_default());
    }
    open.sort_unstable();
    Ok(open)
}

fn owner_id(key: &[u8]) -> Option<OwnerId> {
    key.try_into().ok().map(|id| OwnerId(u64::from_be_bytes(id)))
}
