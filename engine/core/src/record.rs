//! What is remembered, and what must be safe before anyone is answered.

use crate::scan::{AddressPrefix, BrowserClass, DeviceClass};
use crate::session::SessionSnapshot;
use crate::tag_code::TagId;
use crate::time::Timestamp;

/// When a record must be on stable storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Soon. A full queue drops and counts it; nobody was promised anything.
    Eventually,
    /// Before whoever waits for the reply gets it.
    BeforeReply,
}

/// What is kept of a scan: exactly these five facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanRecord {
    /// Which tag.
    pub tag: TagId,
    /// When.
    pub at: Timestamp,
    /// From which network.
    pub address: AddressPrefix,
    /// With what kind of device.
    pub device: DeviceClass,
    /// In what kind of browser.
    pub browser: BrowserClass,
}

/// One thing to remember: subject and past tense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A scan was admitted.
    ScanAdmitted(ScanRecord),
    /// A session was opened: its holder was promised a call.
    SessionOpened(Box<SessionSnapshot>),
    /// A session moved, or a fact about it became known.
    SessionAdvanced(Box<SessionSnapshot>),
    /// A session ended by the clock. Its facts are on disk already and lead to the same end again.
    SessionEnded(Box<SessionSnapshot>),
}

impl Record {
    /// The one place that says what must be safe first.
    pub fn durability(&self) -> Durability {
        match self {
            Self::ScanAdmitted(_) | Self::SessionEnded(_) => Durability::Eventually,
            Self::SessionOpened(_) | Self::SessionAdvanced(_) => Durability::BeforeReply,
        }
    }
}
