//! What operators ask and what they are answered, as it goes over the control socket. Personal data go in, never out.

use qnect_storage::{Finding, Report};
use serde::{Deserialize, Serialize};

/// What an operator asks. No `Debug`: it may hold a person's name and number.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// New tags that nobody has claimed.
    MintTags {
        /// How many.
        count: usize,
    },
    /// A new tag in use.
    MintTagFor {
        /// Whose.
        owner: String,
        /// The registration of the vehicle, if told.
        vehicle: Option<String>,
    },
    /// A tag.
    ShowTag {
        /// Its code.
        code: String,
    },
    /// When a tag was looked at.
    ScansOfTag {
        /// Its code.
        code: String,
        /// In how many of the last hours.
        hours: u32,
    },
    /// A step in a tag's life.
    MoveTag {
        /// Its code.
        code: String,
        /// Which step.
        to: TagMove,
    },
    /// An owner.
    ShowOwner {
        /// The id.
        owner: String,
    },
    /// Who has this number, or this address.
    FindOwners {
        /// The number.
        phone: Option<String>,
        /// The address of e-mail.
        email: Option<String>,
    },
    /// Other personal data or wishes.
    SetOwner {
        /// The id.
        owner: String,
        /// What changes.
        set: OwnerFields,
    },
    /// No calls but for the owner's night reasons.
    PauseOwner {
        /// The id.
        owner: String,
        /// For how long; without it, until resumed.
        minutes: Option<u32>,
    },
    /// The end of a pause.
    ResumeOwner {
        /// The id.
        owner: String,
    },
    /// The end of all blocks of an owner.
    UnblockOwner {
        /// The id.
        owner: String,
    },
    /// A session. Its id opens its page, so it goes in and never out.
    ShowSession {
        /// The id, or the address of its page.
        session: String,
    },
    /// What an owner wants done about the call of a session.
    ActOnSession {
        /// The id, or the address of its page.
        session: String,
        /// What.
        act: SessionAct,
    },
    /// Whether all that is stored is whole.
    Verify,
}

/// What is copied out of a running engine, for a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyOf {
    /// The database as it is now, as a backup of its own format.
    Database,
    /// The key table as it is now.
    KeyTable,
}

/// A step in a tag's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagMove {
    /// Off, for a while.
    Suspend,
    /// On again.
    Resume,
    /// Off for good.
    Retire,
    /// No step: an appeal against its abuse score was heard, and what came before counts no more.
    Appeal,
}

/// What an owner may want done about the call of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionAct {
    /// It was abuse.
    Report,
    /// Its caller reaches the owner no more.
    Block,
    /// Its caller reaches the owner again.
    Unblock,
}

/// What is to change of an owner, as it was written; what is absent stays.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerFields {
    /// The name.
    pub name: Option<String>,
    /// The address of e-mail.
    pub email: Option<String>,
    /// The number, in its international form.
    pub phone: Option<String>,
    /// `en` or `hi`.
    pub language: Option<String>,
    /// An IANA name.
    pub time_zone: Option<String>,
    /// `22:00-07:00` or `none`.
    pub quiet_hours: Option<String>,
    /// Ids with commas between them, or `none`.
    pub night_reasons: Option<String>,
}

/// What an operator is answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Tags, as they stand now.
    Tags(Vec<TagLine>),
    /// Scans of a tag, the latest first.
    Scans(Vec<ScanLine>),
    /// Owners, as they stand now.
    Owners(Vec<OwnerLine>),
    /// A session, as it stands now.
    Session(SessionLine),
    /// What was looked at, and what is wrong with it.
    Verified(Verified),
}

/// What a verification looked at, and what is wrong.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Verified {
    /// Whether nothing is wrong.
    pub clean: bool,
    /// The number of the last commit.
    pub commit: u64,
    /// Tables that were read.
    pub tables: u64,
    /// Rows by keyspace.
    pub rows: Vec<KeyspaceRows>,
    /// Rows of people who were erased.
    pub erased: u64,
    /// People who have a key.
    pub people: usize,
    /// What the store holds, in 64 hex digits; null when not all of it could be read.
    pub logical_hash: Option<String>,
    /// What is wrong.
    pub findings: Vec<FindingLine>,
    /// What is wrong beyond those.
    pub more_findings: u64,
}

/// The rows of a keyspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeyspaceRows {
    /// Its name.
    pub keyspace: String,
    /// How many.
    pub rows: u64,
}

/// Something that is wrong.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FindingLine {
    /// Where.
    pub place: String,
    /// What.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl From<Report> for Verified {
    fn from(report: Report) -> Self {
        let rows = |(keyspace, rows): &(&str, u64)| KeyspaceRows { keyspace: (*keyspace).to_owned(), rows: *rows };
        let line = |Finding { place, what, remedy }| FindingLine { place, what, remedy };
        Self {
            clean: report.is_clean(),
            commit: report.commit,
            tables: report.tables,
            rows: report.rows.iter().map(rows).collect(),
            erased: report.erased,
            people: report.people,
            logical_hash: report.logical.map(|hash| hash.to_string()),
            more_findings: report.more_findings,
            findings: report.findings.into_iter().map(line).collect(),
        }
    }
}

/// A tag.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TagLine {
    /// What is printed on the sticker.
    pub code: String,
    /// Where the sticker leads.
    pub url: String,
    /// `minted`, `active`, `suspended` or `retired`.
    pub status: String,
    /// Whose it is, once claimed.
    pub owner_id: Option<String>,
    /// RFC 3339, in UTC.
    pub minted_at: String,
    /// When an appeal was heard last, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appealed_at: Option<String>,
}

/// A scan: not where it came from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScanLine {
    /// RFC 3339, in UTC.
    pub at: String,
    /// `phone`, `tablet`, `desktop`, `bot` or `unknown`.
    pub device: String,
    /// `chromium`, `safari`, `firefox` or `unknown`.
    pub browser: String,
}

/// An owner, masked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OwnerLine {
    /// The id.
    pub owner_id: String,
    /// The first letter.
    pub name: String,
    /// The first letter.
    pub email: String,
    /// The last two digits.
    pub phone: String,
    /// `en` or `hi`.
    pub language: String,
    /// An IANA name.
    pub time_zone: String,
    /// `22:00-07:00`, if any.
    pub quiet_hours: Option<String>,
    /// Ids of what rings even then.
    pub night_reasons: Vec<String>,
    /// Whether calls are paused now.
    pub paused: bool,
    /// RFC 3339, in UTC; null while paused: until resumed.
    pub paused_until: Option<String>,
    /// How many callers do not reach the owner any more.
    pub blocked_callers: usize,
    /// RFC 3339, in UTC.
    pub registered_at: String,
    /// The owner's tags.
    pub tags: Vec<TagLine>,
}

/// A session: neither its id, nor who called, nor on which number.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionLine {
    /// Whom it reaches.
    pub owner_id: String,
    /// Why the scanner calls.
    pub reason: String,
    /// `waiting`, `dialing`, `ringing`, `connected` or `ended`.
    pub state: String,
    /// How it ended, once it did.
    pub outcome: Option<String>,
    /// `nameless` (nobody called, or without a number), `known` or `blocked`.
    pub caller: String,
    /// RFC 3339, in UTC, as all of these.
    pub opened_at: String,
    /// When it ends if nobody calls.
    pub expires_at: String,
    /// When the owner was rung.
    pub dialed_at: Option<String>,
    /// When the owner pressed 1.
    pub accepted_at: Option<String>,
    /// When the call was over.
    pub over_at: Option<String>,
    /// When it ended.
    pub ended_at: Option<String>,
    /// When its call was reported as abuse.
    pub reported_at: Option<String>,
}

/// Why nothing was done, with what to do instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Whose fault.
    pub kind: Kind,
    /// For the operator to read.
    pub message: String,
}

/// Kinds of refusals, by exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It was asked in a wrong form. Exit code 2.
    Usage,
    /// The store failed. Exit code 70.
    Storage,
    /// It cannot be done. Exit code 1.
    Refused,
}
