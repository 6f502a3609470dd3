//! One of the herd: comes, is turned away, comes again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use tokio::time::Instant;

use crate::cause::{Cause, Failure};
use crate::door::Door;
use crate::load::{End, People, Step, Visit};
use crate::restart_herd::callers::Callers;
use crate::restart_herd::recovery::{Came, Kept};
use crate::stranger::{self, Opened};

/// How long somebody who found nobody, or was told to come later, waits before coming again, in milliseconds.
const WAIT_MS: std::ops::RangeInclusive<u64> = 1_000..=2_000;
/// How often somebody comes before giving up.
const TRIES_MAX: u32 = 60;
/// How often a session is looked for at most: an engine that has just been struck may turn a look away.
const LOOKS_MAX: u32 = 20;

/// Everybody who comes.
#[derive(Debug)]
pub(super) struct Herd {
    door: Door,
    people: People,
    /// Of a thousand visitors, so many keep a session.
    sessions: u32,
    /// Those of them who call, if anybody does.
    pub(super) callers: Option<Callers>,
    came: Mutex<Vec<Came>>,
    /// The names of the sessions that were given.
    given: Mutex<Vec<String>>,
}

impl Herd {
    pub(super) fn new(door: Door, people: People, sessions: u32, callers: Option<Callers>) -> Herd {
        Herd { door, people, sessions, callers, came: Mutex::default(), given: Mutex::default() }
    }

    /// All visits so far; asked again, those since.
    pub(super) fn visits(&self) -> Vec<Came> {
        std::mem::take(&mut lock(&self.came))
    }

    /// Looks for every session that was given.
    pub(super) async fn look_after(&self) -> Kept {
        let given = std::mem::take(&mut *lock(&self.given));
        let mut kept = Kept { given: given.len() as u64, lost: 0, unknown: 0 };
        for session in given {
            match self.status(&session).await {
                Some(200) => {}
                Some(404 | 410) => kept.lost += 1,
                _ => kept.unknown += 1,
            }
        }
        kept
    }

    /// What the engine answers to who asks for a session; none if it answers nothing but that it has no time.
    async fn status(&self, session: &str) -> Option<u16> {
        for _ in 0..LOOKS_MAX {
            match self.door.ask(Method::GET, &format!("/sessions/{session}"), Bytes::new(), &[]).await {
                Ok(answer) if answer.status != 503 => return Some(answer.status),
                _ => tokio::time::sleep(Duration::from_millis(*WAIT_MS.start())).await,
            }
        }
        None
    }

    /// One try: a look, or a look and a session.
    async fn ask(&self, code: &str, address: &str, wants_session: bool) -> Result<Option<Opened>, Failure> {
        let fields = [("x-forwarded-for", address)];
        stranger::scan(self.door.scan(code, &fields).await.as_ref())?;
        if !wants_session {
            return Ok(None);
        }
        let opened = stranger::session(self.door.open_session(code, &fields).await.as_ref())?;
        lock(&self.given).push(opened.session.clone());
        Ok(Some(opened))
    }
}

impl Visit for Herd {
    async fn visit(&self, nth: u64, due: Instant) -> Vec<Step> {
        let mut person = self.people.person(nth);
        let (address, drawn) = (person.address.to_string(), person.dice.below(1_000));
        let wants_session = drawn < u64::from(self.sessions);
        let callers = self.callers.as_ref();
        let calls = callers.and_then(|callers| Some((callers, callers.tag_for(drawn)?)));
        let code = calls.map_or(person.code, |(_, tag)| self.people.nth_tag(tag));
        let mut tries = 0;
        let end = loop {
            tries += 1;
            match self.ask(code, &address, wants_session).await {
                Ok(opened) => {
                    if let (Some((callers, _)), Some(opened)) = (calls, opened) {
                        callers.begin(nth, opened);
                    }
                    break End::Good;
                }
                Err(failure) if !comes_again(&failure) => break End::of(&failure),
                Err(failure) if tries == TRIES_MAX => break End::wrong(format!("gave up: {}", failure.note)),
                Err(_) => tokio::time::sleep(Duration::from_millis(person.dice.between(&WAIT_MS))).await,
            }
        };
        let took = due.elapsed();
        lock(&self.came).push(Came { due, took, tries, is_good: end == End::Good });
        vec![Step { nth: 0, took, end }]
    }
}

/// Whether there is nobody, or nobody who has time: an engine that lost a tag on the way says that it is overloaded, too.
fn comes_again(failure: &Failure) -> bool {
    let for_now = [Cause::ScanNoAnswer, Cause::ScanOverloaded, Cause::SessionNoAnswer, Cause::SessionOverloaded];
    for_now.contains(&failure.cause)
}

/// Nothing panics while it holds such a lock, so a poisoned one is whole.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::comes_again;
    use crate::cause::Cause;

    #[test]
    fn who_finds_nobody_or_no_time_comes_again_and_nobody_else() {
        let again: Vec<Cause> = Cause::ALL.into_iter().filter(|cause| comes_again(&cause.with(""))).collect();
        let expected = [Cause::ScanNoAnswer, Cause::ScanOverloaded, Cause::SessionNoAnswer, Cause::SessionOverloaded];
        assert_eq!(again, expected);
    }
}
