//! The janitor: what becomes of chores, over minutes and weeks.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use qnect_core::abuse::SignalSet;
use qnect_core::access_code::AccessCode;
use qnect_core::facts::{Facts, Outcome as CallOutcome};
use qnect_core::language::Language;
use qnect_core::leg::LegId;
use qnect_core::number::IntermediaryNumber;
use qnect_core::provider_request::{Operation, ProviderRequest};
use qnect_core::reason::{Reason, ReasonSet};
use qnect_core::record::Record;
use qnect_core::session::SessionSnapshot;
use qnect_core::session_id::SessionId;
use qnect_core::tag::OwnerId;
use qnect_core::time::Timestamp;
use qnect_providers::rest::Twilio;
use qnect_storage::keys::MasterKey;
use qnect_storage::{Chore, Lane, NewOwner, OpenOptions, QueueFull, ReadError, Storage, StorageError};
use tokio::time::Instant;

use super::super::{ChoreBook, Deletes, run_janitor};
use super::server::{Reply, Server};
use super::{Outcome, TWILIO_NUMBER, World, account, session_id};

const NOW: Timestamp = Timestamp::from_millis(1_763_683_200_000);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// A book in memory, with the sessions that its chores are about.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<Pages>>);

#[derive(Default)]
struct Pages {
    /// By when they are due and a number.
    chores: BTreeMap<(u64, u8), Chore>,
    sessions: HashMap<SessionId, (u8, SessionSnapshot)>,
    is_full: bool,
    is_closed: bool,
}

impl Book {
    /// Writes down that session `number` ended a day before [`NOW`].
    fn write(&self, number: u8, legs: [Option<&str>; 2]) {
        let session = ended(session_id(number), OwnerId(1), legs);
        let mut pages = self.0.lock().unwrap();
        pages.chores.insert((NOW.as_millis(), number), Chore { due: NOW, session: session.id });
        pages.sessions.insert(session.id, (number, session));
    }

    /// Numbers of the sessions that chores are left about.
    fn left(&self) -> Vec<u8> {
        self.0.lock().unwrap().chores.keys().map(|(_, number)| *number).collect()
    }
}

impl ChoreBook for Book {
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Chore>, ReadError> {
        let pages = self.0.lock().unwrap();
        if pages.is_closed {
            return Err(StorageError::Stopped.into());
        }
        Ok(pages.chores.range(..=(now.as_millis(), u8::MAX)).take(limit).map(|(_, chore)| *chore).collect())
    }

    async fn session(&self, id: SessionId) -> Result<Option<SessionSnapshot>, ReadError> {
        Ok(self.0.lock().unwrap().sessions.get(&id).map(|(_, session)| session.clone()))
    }

    fn done(&self, chore: &Chore) -> Result<(), QueueFull> {
        let mut pages = self.0.lock().unwrap();
        if pages.is_full {
            return Err(QueueFull);
        }
        pages.chores.retain(|_, kept| kept != chore);
        Ok(())
    }

    fn postpone(&self, chore: &Chore, due: Timestamp) -> Result<(), QueueFull> {
        self.done(chore)?;
        let mut pages = self.0.lock().unwrap();
        let number = pages.sessions[&chore.session].0;
        pages.chores.insert((due.as_millis(), number), Chore { due, ..*chore });
        Ok(())
    }
}

/// A provider that says `answer(leg, n)` to the n-th deletion, from 0, and who was asked when.
#[derive(Clone)]
struct Provider {
    answer: fn(&str, usize) -> Outcome,
    start: Instant,
    asked: Arc<Mutex<Vec<(Duration, ProviderRequest)>>>,
}

impl Provider {
    fn that(answer: fn(&str, usize) -> Outcome) -> Self {
        Self { answer, start: Instant::now(), asked: Arc::default() }
    }

    /// The legs whose records were to be deleted, in order.
    fn legs(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(_, request)| request.leg.as_str().to_owned()).collect()
    }

    /// When it was asked, in minutes.
    fn minutes(&self) -> Vec<u64> {
        self.asked.lock().unwrap().iter().map(|(at, _)| at.as_secs() / 60).collect()
    }
}

impl Deletes for Provider {
    async fn delete(&self, request: ProviderRequest) -> Outcome {
        let mut asked = self.asked.lock().unwrap();
        let outcome = (self.answer)(request.leg.as_str(), asked.len());
        asked.push((self.start.elapsed(), request));
        outcome
    }
}

/// Runs the janitor for so long.
async fn after(time: Duration, book: &Book, provider: &Provider) {
    let start = Instant::now();
    let clock = move || Timestamp::from_millis(NOW.as_millis() + start.elapsed().as_millis() as u64);
    let janitor = run_janitor(book.clone(), provider.clone(), clock);
    tokio::time::timeout(time, janitor).await.expect_err("it goes on");
}

#[tokio::test(start_paused = true)]
async fn both_legs_records_are_deleted_and_the_chore_is_done() {
    let book = Book::default();
    book.write(1, [Some("scanner-1"), Some("owner-1")]);
    book.write(2, [Some("scanner-2"), None]);
    book.write(3, [None, None]);
    let provider = Provider::that(|_, n| if n % 2 == 0 { Outcome::Done } else { Outcome::Gone });
    after(MINUTE / 2, &book, &provider).await;
    assert_eq!(book.left(), [0u8; 0]);
    let mut legs = provider.legs();
    legs.sort();
    assert_eq!(legs, ["owner-1", "scanner-1", "scanner-2"]);
    for (_, asked) in provider.asked.lock().unwrap().iter() {
        assert_eq!(asked.operation, Operation::DeleteRecord);
        assert_eq!(asked.is_scanner_leg, asked.leg.as_str().starts_with("scanner"));
        assert_eq!(asked.number.to_string(), TWILIO_NUMBER);
    }
}

#[tokio::test(start_paused = true)]
async fn a_chore_about_nothing_is_done() {
    let book = Book::default();
    book.write(1, [Some("scanner"), None]);
    book.0.lock().unwrap().sessions.clear();
    let provider = Provider::that(|_, _| Outcome::Failed);
    after(MINUTE / 2, &book, &provider).await;
    assert_eq!((book.left(), provider.legs()), (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_deletes_nothing_is_done_with_at_once() {
    let book = Book::default();
    book.write(1, [Some("scanner"), Some("owner")]);
    let provider = Provider::that(|_, _| Outcome::Unsupported);
    after(MINUTE / 2, &book, &provider).await;
    assert_eq!(book.left(), [0u8; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_leg_that_fails_brings_the_chore_again() {
    let book = Book::default();
    book.write(1, [Some("scanner"), Some("owner")]);
    let provider = Provider::that(|leg, n| if leg == "owner" && n < 2 { Outcome::NotYet } else { Outcome::Done });
    after(9 * MINUTE, &book, &provider).await;
    assert_eq!((book.left(), provider.legs().len()), (vec![1], 2));
    let provider = Provider::that(|_, _| Outcome::Gone);
    after(11 * MINUTE, &book, &provider).await;
    assert_eq!((book.left(), provider.legs().len()), (vec![], 2));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_away_is_asked_less_and_less_and_given_up_in_the_end() {
    for outcome in [
        |_: &str, _| Outcome::CircuitOpen,
        |_: &str, _| Outcome::Failed,
        |_: &str, _| Outcome::Refused,
        |_: &str, _| Outcome::Dropped,
        |_: &str, _| Outcome::NotYet,
    ] {
        let book = Book::default();
        book.write(1, [Some("scanner"), Some("owner")]);
        let provider = Provider::that(outcome);
        after(31 * DAY, &book, &provider).await;
        let minutes = provider.minutes();
        assert_eq!(minutes[..7], [0, 10, 20, 40, 80, 160, 320], "the other leg is not asked about in vain");
        let between = minutes[7..].windows(2).map(|two| two[1] - two[0]);
        assert!(between.into_iter().all(|gap| gap <= 6 * 60 + 1), "{minutes:?}");
        let last = minutes.last().unwrap() / (24 * 60);
        assert!((30..31).contains(&last), "{last} days");
        assert_eq!(book.left(), [0u8; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_stands_in_nobodys_way() {
    let book = Book::default();
    for number in 0..200 {
        book.write(number, [Some("bad"), None]);
    }
    let provider = Provider::that(|leg, _| if leg == "bad" { Outcome::CircuitOpen } else { Outcome::Done });
    after(MINUTE / 2, &book, &provider).await;
    book.write(200, [Some("good"), None]);
    after(MINUTE / 2, &book, &provider).await;
    assert_eq!(provider.legs().len(), 201, "those that failed are not due again yet");
    assert_eq!(book.left().len(), 200);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_down_is_done_again() {
    let book = Book::default();
    book.write(1, [Some("scanner"), None]);
    book.0.lock().unwrap().is_full = true;
    let provider = Provider::that(|_, _| Outcome::Gone);
    after(MINUTE * 5 / 2, &book, &provider).await;
    assert_eq!((book.left(), provider.minutes()), (vec![1], vec![0, 1, 2]));
}

#[tokio::test(start_paused = true)]
async fn a_closed_book_ends_the_janitor() {
    let book = Book::default();
    book.0.lock().unwrap().is_closed = true;
    let provider = Provider::that(|_, _| Outcome::Done);
    tokio::time::timeout(MINUTE, run_janitor(book, provider, || NOW)).await.expect("it ends");
}

/// The whole way: a store on a disk, the janitor, a courier, a provider.
#[tokio::test]
async fn records_are_deleted_at_the_provider_and_the_store_knows() {
    let folder = tempfile::tempdir().unwrap();
    let master = MasterKey::from_bytes([7; 32]);
    let options = OpenOptions::new(folder.path(), &master);
    let storage = Arc::new(Storage::open(&options, |floor| move || floor.max(NOW)).unwrap());
    let owner = NewOwner {
        name: "A".into(),
        email: "a@example.org".into(),
        phone: qnect_core::phone::Phone::from_digits(919_800_000_001).unwrap(),
        vehicle: None,
        language: Language::English,
        time_zone: "UTC".into(),
        quiet_hours: None,
        night_reasons: ReasonSet::URGENT,
    };
    let registrar = storage.clone();
    let owner = tokio::task::spawn_blocking(move || registrar.register(&[owner], NOW).unwrap()[0]).await.unwrap();
    let id = SessionId::new(owner.code.tag(), [9; 17], storage.keys().checks()).unwrap();
    let record = Record::SessionEnded(Box::new(ended(id, owner.owner, [Some("CAscanner"), Some("CAowner")])));
    storage.promise(Lane::Webhooks, vec![record]).unwrap().kept().await.unwrap();

    let mut server = Server::start(|n| Reply::status(if n == 0 { 204 } else { 404 })).await;
    let world = World::of(vec![account(&Twilio, &server.origin)]);
    let janitor = tokio::spawn(run_janitor(storage.clone(), world.outbox.clone(), || NOW));
    for leg in ["CAscanner", "CAowner"] {
        assert_eq!(server.next().await.line, format!("DELETE /2010-04-01/Accounts/MA0000000000/Calls/{leg}.json"));
    }
    let done = async {
        while !storage.due_chores(NOW, 1).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(MINUTE, done).await.expect("the chore is done");
    janitor.abort();
    assert_eq!(server.waiting(), 0);
}

/// A session that had a call and ended; the records of it are due now.
fn ended(id: SessionId, owner: OwnerId, [scanner_leg, owner_leg]: [Option<&str>; 2]) -> SessionSnapshot {
    let leg = |id: Option<&str>| id.map(|id| LegId::new(id).expect("a leg"));
    SessionSnapshot {
        id,
        owner,
        reason: Reason::Blocking,
        language: Language::English,
        number: IntermediaryNumber::parse(TWILIO_NUMBER).expect("a number"),
        code: AccessCode::from_index(1_234, 8),
        opened_at: NOW,
        expires_at: NOW,
        idempotency: None,
        bound_to: None,
        block_token: None,
        challenge: false,
        because: SignalSet::default(),
        scanner_leg: leg(scanner_leg),
        owner_leg: leg(owner_leg),
        dialed_at: Some(NOW),
        accepted_at: None,
        over_at: None,
        settling_since: None,
        facts: Facts::default(),
        ended: Some((CallOutcome::NoAnswer, NOW)),
        reported_at: None,
        records_due_at: Some(NOW),
    }
}
