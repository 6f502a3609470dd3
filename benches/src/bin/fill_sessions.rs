//! Fills the data folder of a stopped engine with sessions, so that `ops/bench-start` can time a start over many of them.
//!
//! ```text
//! fill_sessions --data DIR --key-file FILE --codes FILE [--numbers 256] [--open 100000] [--ended 0] [--ended-days-ago 30]
//! ```
//!
//! `--codes` names a file with one tag code a line, as `qnect import` made them. Each open session has a tag of its own;
//! the tags share the ended ones. Sessions are dealt out over the numbers `+911140000000` and those that follow, with codes
//! of 8 digits. One open session in eight is in a call.

use std::path::PathBuf;
use std::process::ExitCode;

use qnect_core::access_code::AccessCode;
use qnect_core::caller::DayToken;
use qnect_core::facts::{Facts, Outcome};
use qnect_core::language::Language;
use qnect_core::leg::{LegEvent, LegId};
use qnect_core::number::IntermediaryNumber;
use qnect_core::reason::Reason;
use qnect_core::record::Record;
use qnect_core::session::{Asked, Session, SessionSnapshot};
use qnect_core::session_id::SessionId;
use qnect_core::tag::OwnerId;
use qnect_core::tag_code::{TagCode, TagId};
use qnect_core::time::{Span, Timestamp};
use qnect_engine::Clock;
use qnect_storage::keys::MasterKey;
use qnect_storage::{Lane, OpenOptions, Storage};

type Failure = Box<dyn std::error::Error>;

const USAGE: &str = "usage: fill_sessions --data DIR --key-file FILE --codes FILE [--numbers N] [--open N] [--ended N] \
                     [--ended-days-ago N]";
/// Sessions of one commit.
const AT_ONCE: usize = 512;
/// Digits of an access code: with 8, a number carries a thousand sessions.
const DIGITS: u8 = 8;
/// How long an open session waits for its call: longer than a bench takes.
const OPEN_FOR: Span = Span::from_secs(6 * 3_600);
/// One open session in so many is in a call.
const WAITING_PER_CALL: u64 = 8;

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)).and_then(|options| fill(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("fill_sessions: {failure}\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

struct Options {
    data: PathBuf,
    key_file: PathBuf,
    codes: PathBuf,
    numbers: u64,
    open: u64,
    ended: u64,
    ended_days_ago: u64,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let (mut data, mut key_file, mut codes) = (None, None, None);
        let (mut numbers, mut open, mut ended, mut ended_days_ago) = (256, 100_000, 0, 30);
        while let Some(option) = args.next() {
            let value = args.next().ok_or_else(|| format!("{option} needs a value"))?;
            match option.as_str() {
                "--data" => data = Some(value.into()),
                "--key-file" => key_file = Some(value.into()),
                "--codes" => codes = Some(value.into()),
                "--numbers" => numbers = value.parse()?,
                "--open" => open = value.parse()?,
                "--ended" => ended = value.parse()?,
                "--ended-days-ago" => ended_days_ago = value.parse()?,
                _ => return Err(format!("unknown option {option}").into()),
            }
        }
        Ok(Self {
            data: data.ok_or("--data is missing")?,
            key_file: key_file.ok_or("--key-file is missing")?,
            codes: codes.ok_or("--codes is missing")?,
            numbers,
            open,
            ended,
            ended_days_ago,
        })
    }
}

fn fill(options: &Options) -> Result<(), Failure> {
    let now = Clock::of_machine()?.now();
    let master = MasterKey::read_file(&options.key_file)?;
    let storage = Storage::open(&OpenOptions::new(&options.data, &master), |floor| move || floor.max(now))?;
    let numbers: Vec<_> = (0..options.numbers)
        .map(|number| IntermediaryNumber::parse(&format!("+911140{number:06}")).map_err(|e| format!("{e:?}")))
        .collect::<Result<_, _>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let tags = runtime.block_on(tags(options, &storage, now))?;
    let filler = Filler { runtime, storage, numbers, tags, now };
    let days_ago = Timestamp::from_millis(now.as_millis().saturating_sub(options.ended_days_ago * 86_400_000));
    // The ended ones first: the open ones are the newest, as in life.
    filler.remember(0..options.ended, Record::SessionEnded, |session| ended(session, days_ago))?;
    filler.remember(options.ended..options.ended + options.open, Record::SessionAdvanced, |session| session)?;
    filler.storage.close();
    Ok(())
}

/// The tags that the sessions share, and whose they are.
async fn tags(options: &Options, storage: &Storage, now: Timestamp) -> Result<Vec<(TagId, OwnerId)>, Failure> {
    let codes = std::fs::read_to_string(&options.codes)?;
    let mut tags = Vec::new();
    for code in codes.lines().take(usize::try_from(options.open.max(1))?) {
        let tag = TagCode::read(code, storage.keys().checks()).ok_or("a line is no tag code of this key file")?.tag();
        let revival = storage.revive(tag, now).await?.ok_or("a tag is not in the folder")?;
        tags.push((tag, revival.config.owner.ok_or("a tag has no owner")?.id));
    }
    if (tags.len() as u64) < options.open {
        return Err("fewer codes than open sessions".into());
    }
    Ok(tags)
}

struct Filler {
    runtime: tokio::runtime::Runtime,
    storage: Storage,
    numbers: Vec<IntermediaryNumber>,
    tags: Vec<(TagId, OwnerId)>,
    now: Timestamp,
}

impl Filler {
    /// Remembers the sessions with these serial numbers.
    fn remember(
        &self,
        serials: std::ops::Range<u64>,
        record: fn(Box<SessionSnapshot>) -> Record,
        shape: impl Fn(SessionSnapshot) -> SessionSnapshot,
    ) -> Result<(), Failure> {
        let serials: Vec<u64> = serials.collect();
        for some in serials.chunks(AT_ONCE) {
            let sessions = some.iter().map(|&serial| Ok(record(Box::new(shape(self.session(serial)?)))));
            let promise = self.storage.promise(Lane::Webhooks, sessions.collect::<Result<_, Failure>>()?);
            self.runtime.block_on(promise.map_err(|_| "the commit queue is full")?.kept())?;
        }
        Ok(())
    }

    /// An open session.
    fn session(&self, serial: u64) -> Result<SessionSnapshot, Failure> {
        let (tag, owner) = self.tags[usize::try_from(serial)? % self.tags.len()];
        let mut random = [0; 17];
        random[9..].copy_from_slice(&serial.to_be_bytes());
        let number = serial % self.numbers.len() as u64;
        let code = u32::try_from(serial / self.numbers.len() as u64 * 7 % u64::from(AccessCode::count(DIGITS)))?;
        let id = SessionId::new(tag, random, self.storage.keys().checks()).ok_or("a tag of another key version")?;
        let asked = Asked {
            reason: Reason::Blocking,
            language: Language::English,
            idempotency: None,
            challenge: None,
            from: None,
        };
        let line = (self.numbers[usize::try_from(number)?], AccessCode::from_index(code, DIGITS));
        let mut session = Session::open(id, asked, line, owner, (self.now, self.now.plus(OPEN_FOR))).snapshot().clone();
        if serial.is_multiple_of(WAITING_PER_CALL) {
            let mut caller = [0; 16];
            caller[8..].copy_from_slice(&serial.to_be_bytes());
            session.bound_to = Some(DayToken::from_bytes(caller));
            session.scanner_leg = LegId::new(&format!("00000000-0000-4000-8000-{serial:012x}"));
            session.owner_leg = LegId::new(&format!("00000000-0000-4000-9000-{serial:012x}"));
            session.dialed_at = Some(self.now);
            // They talk: telephones that ring would all be given up in one moment of a bench.
            session.accepted_at = Some(self.now);
            session.facts = Facts::told_by(LegEvent::OwnerRang).and(Facts::told_by(LegEvent::OwnerAccepted));
        }
        Ok(session)
    }
}

fn ended(session: SessionSnapshot, at: Timestamp) -> SessionSnapshot {
    SessionSnapshot { opened_at: at, expires_at: at, ended: Some((Outcome::Expired, at)), ..session }
}
