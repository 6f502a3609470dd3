//! Keyspaces and their keys. Final from the first day: nothing that stands in a folder is ever rewritten in place.
//!
//! | keyspace | key | value |
//! |---|---|---|
//! | `tags` | tag (8 bytes, big-endian) | status, owner |
//! | `owners` | owner (8) | sealed name, e-mail, phone; preferences |
//! | `vehicles` | tag (8) | sealed registration number |
//! | `owner_tags` | owner (8), tag (8) | nothing |
//! | `index` | kind (1), HMAC (16), owner (8) | since when, in milliseconds (8) |
//! | `sessions` | tag (8), secret (17) | the session |
//! | `scans` | earliest milliseconds (8), commit (8), part (2) | the scans of half a second, packed |
//! | `head` | `head` | the last commit: sequence, rolling hash, time |
//! | `chores` | milliseconds when due (8), session (25) | nothing |
//! | `recent` | 2, commit (8), part (2) | the sessions that the commit left open (25 each) |
//! | `recent` | milliseconds when it ended (8), session (25) | nothing |

use fjall::{Database, Keyspace, KeyspaceCreateOptions, UserKey, UserValue};
use qnect_core::session_id::SessionId;
use qnect_core::tag::OwnerId;
use qnect_core::tag_code::TagId;
use qnect_core::time::Timestamp;

use crate::error::StorageError;

/// Bytes of one memtable, usually. Ten keyspaces of up to five memtables each stay at 400 MiB.
pub const MEMTABLE_BYTES: u64 = 8 * 1024 * 1024;
/// Bytes of a memtable of chores and notes. The way of a row into memory is the longer the more rows are there, and these
/// are small: 20,000 fit. A folder keeps what its keyspaces were made with.
const NOTES_MEMTABLE_BYTES: u64 = 2 * 1024 * 1024;

/// The key of the only row in `head`.
pub(crate) const HEAD_KEY: &[u8] = b"head";

/// A keyspace's place in [`Keyspaces`], and its name in associated data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Space {
    Tags = 0,
    Owners = 1,
    Vehicles = 2,
    OwnerTags = 3,
    Index = 4,
    Sessions = 5,
    Scans = 6,
    Head = 7,
    Chores = 8,
    Recent = 9,
}

impl Space {
    pub(crate) const ALL: [Self; 10] = [
        Self::Tags,
        Self::Owners,
        Self::Vehicles,
        Self::OwnerTags,
        Self::Index,
        Self::Sessions,
        Self::Scans,
        Self::Head,
        Self::Chores,
        Self::Recent,
    ];

    /// Whether folders of a program that is still read may be without it.
    pub(crate) const fn came_later(self) -> bool {
        matches!(self, Self::Recent)
    }

    /// Of a memtable, where it is `usual` for the others.
    fn memtable_bytes(self, usual: u64) -> u64 {
        match self {
            Self::Chores | Self::Recent => usual.min(NOTES_MEMTABLE_BYTES),
            Self::Tags
            | Self::Owners
            | Self::Vehicles
            | Self::OwnerTags
            | Self::Index
            | Self::Sessions
            | Self::Scans
            | Self::Head => usual,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tags => "tags",
            Self::Owners => "owners",
            Self::Vehicles => "vehicles",
            Self::OwnerTags => "owner_tags",
            Self::Index => "index",
            Self::Sessions => "sessions",
            Self::Scans => "scans",
            Self::Head => "head",
            Self::Chores => "chores",
            Self::Recent => "recent",
        }
    }
}

/// Handles of all keyspaces.
#[derive(Clone)]
pub(crate) struct Keyspaces(Vec<Keyspace>);

impl Keyspaces {
    /// Opens all; makes those that are not there, with memtables of so many bytes, usually: the others keep what they have.
    pub(crate) fn open(database: &Database, memtable_bytes: u64) -> Result<Self, StorageError> {
        let options =
            |space: Space| KeyspaceCreateOptions::default().max_memtable_size(space.memtable_bytes(memtable_bytes));
        let open = |space: Space| database.keyspace(space.name(), || options(space));
        Ok(Self(Space::ALL.into_iter().map(open).collect::<Result<_, _>>()?))
    }

    pub(crate) fn get(&self, space: Space) -> &Keyspace {
        &self.0[space as usize]
    }
}

/// One row to write, in fjall's own kind of bytes: the commit thread hands it on and copies nothing.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) space: Space,
    pub(crate) key: UserKey,
    /// `None`: the row goes.
    pub(crate) value: Option<UserValue>,
}

impl Row {
    pub(crate) fn put(space: Space, key: impl Into<UserKey>, value: impl Into<UserValue>) -> Self {
        Self { space, key: key.into(), value: Some(value.into()) }
    }

    pub(crate) fn gone(space: Space, key: impl Into<UserKey>) -> Self {
        Self { space, key: key.into(), value: None }
    }
}

pub(crate) fn tag_key(tag: TagId) -> [u8; 8] {
    tag.as_u64().to_be_bytes()
}

pub(crate) fn owner_key(owner: OwnerId) -> [u8; 8] {
    owner.0.to_be_bytes()
}

pub(crate) fn owner_tag_key(owner: OwnerId, tag: TagId) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&owner_key(owner));
    key[8..].copy_from_slice(&tag_key(tag));
    key
}

/// A session's key in bytes.
pub(crate) const SESSION_KEY: usize = 25;
pub(crate) type SessionKey = [u8; SESSION_KEY];

pub(crate) fn session_key(session: SessionId) -> SessionKey {
    let mut key = [0; SESSION_KEY];
    key[..8].copy_from_slice(&tag_key(session.tag()));
    key[8..].copy_from_slice(session.secret());
    key
}

pub(crate) fn scans_key(earliest: Timestamp, sequence: u64, part: u16) -> [u8; 18] {
    let mut key = [0; 18];
    key[..8].copy_from_slice(&earliest.as_millis().to_be_bytes());
    key[8..16].copy_from_slice(&sequence.to_be_bytes());
    key[16..].copy_from_slice(&part.to_be_bytes());
    key
}

/// Chores sort by when they are due.
pub(crate) fn chore_key(due: Timestamp, session: SessionId) -> [u8; 33] {
    let mut key = [0; 33];
    key[..8].copy_from_slice(&due.as_millis().to_be_bytes());
    key[8..].copy_from_slice(&session_key(session));
    key
}

/// What notes of open sessions begin with, and no other.
pub(crate) const OPEN_NOTES: u8 = 2;

/// The notes of sessions that a commit leaves open. A commit's number is given once, so no commit writes another's.
pub(crate) fn open_notes_key(commit: u64, part: u16) -> [u8; 11] {
    let mut key = [OPEN_NOTES; 11];
    key[1..9].copy_from_slice(&commit.to_be_bytes());
    key[9..].copy_from_slice(&part.to_be_bytes());
    key
}

/// No time begins with this byte, for two million years; notes of older forms do.
pub(crate) const NO_TIME: u8 = 1;

/// The note of a session that has ended: these sort by when they did.
pub(crate) fn ended_note_key(ended: Timestamp, session: SessionId) -> [u8; 33] {
    let mut key = [0; 33];
    key[..8].copy_from_slice(&ended.as_millis().to_be_bytes());
    key[8..].copy_from_slice(&session_key(session));
    key
}
