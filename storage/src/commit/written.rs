//! Records as the rows that they become. Whoever asks for the commit spells them out: the commit thread is one, those who
//! ask are many, and none of this waits for a disk.
//!
//! A row that waits in the queue is as good as one that is made later: what it takes is the session alone, and the data
//! key of its owner, which is on stable storage before anybody can look it up.

use qnect_core::record::{Record, ScanRecord};
use qnect_core::session::SessionSnapshot;

use crate::chores::Chore;
use crate::codec::encode_session;
use crate::keyring::Keyring;
use crate::keys::KeyError;
use crate::layout::{Row, SessionKey, Space, session_key};
use crate::recent;

/// Rows that one session changes at most: itself, the note of its end, a chore.
const SESSION_ROWS_MAX: usize = 3;

/// The rows of some records, in their order.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// How many records there were.
    pub(crate) count: usize,
    pub(crate) rows: Vec<Row>,
    /// Sessions that are left open: their notes are packed with those of the others in their group.
    pub(crate) open: Vec<SessionKey>,
    /// Scans have a way of their own; those that come by this one are not lost.
    pub(crate) scans: Vec<ScanRecord>,
}

impl Written {
    pub(crate) fn of(records: Vec<Record>, keys: &Keyring) -> Result<Self, KeyError> {
        let rows = Vec::with_capacity(records.len() * SESSION_ROWS_MAX);
        let mut written = Self { count: records.len(), rows, ..Self::default() };
        for record in records {
            match record {
                Record::ScanAdmitted(scan) => written.scans.push(scan),
                Record::SessionOpened(s) | Record::SessionAdvanced(s) | Record::SessionEnded(s) => {
                    written.session(&s, keys)?;
                }
            }
        }
        Ok(written)
    }

    fn session(&mut self, session: &SessionSnapshot, keys: &Keyring) -> Result<(), KeyError> {
        self.rows.push(Row::put(Space::Sessions, session_key(session.id), encode_session(session, keys)?));
        recent::note(session, &mut self.open, &mut |row| self.rows.push(row));
        self.rows.extend(Chore::left_by(session).map(|chore| chore.row()));
        Ok(())
    }
}
