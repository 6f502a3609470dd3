//! A stored session. The provider's id of the scanner's leg is sealed with the owner's key: the provider could resolve
//! it to numbers.

use minicbor::{Decode, Encode};
use qnect_core::access_code::AccessCode;
use qnect_core::caller::DayToken;
use qnect_core::check::CheckKeys;
use qnect_core::facts::{Facts, Outcome};
use qnect_core::language::Language;
use qnect_core::leg::LegId;
use qnect_core::number::IntermediaryNumber;
use qnect_core::reason::Reason;
use qnect_core::session::{Idempotency, SessionSnapshot};
use qnect_core::session_id::SessionId;
use qnect_core::tag::OwnerId;
use qnect_core::tag_code::TagId;
use qnect_core::time::Timestamp;

use crate::codec::{FORMAT, from_bytes, to_bytes};
use crate::error::StorageError;
use crate::keyring::Keyring;
use crate::keys::{KeyError, Place};
use crate::layout::{Space, session_key};

const SCANNER_LEG: u16 = 10;

#[derive(Debug, Encode, Decode)]
#[cbor(map)]
struct SessionRow {
    #[n(0)]
    owner: u64,
    #[n(1)]
    reason: String,
    #[n(2)]
    language: String,
    #[n(3)]
    number: u64,
    #[n(4)]
    code: u32,
    #[n(5)]
    code_digits: u8,
    #[n(6)]
    opened_at_ms: u64,
    #[n(7)]
    expires_at_ms: u64,
    #[cbor(n(8), with = "minicbor::bytes")]
    idempotency: Option<[u8; 32]>,
    #[cbor(n(9), with = "minicbor::bytes")]
    bound_to: Option<[u8; 16]>,
    #[cbor(n(10), with = "minicbor::bytes")]
    scanner_leg: Option<Vec<u8>>,
    #[n(11)]
    dialed_at_ms: Option<u64>,
    #[n(12)]
    accepted_at_ms: Option<u64>,
    #[n(13)]
    over_at_ms: Option<u64>,
    #[n(14)]
    settling_since_ms: Option<u64>,
    #[n(15)]
    facts: u16,
    #[n(16)]
    outcome: Option<String>,
    #[n(17)]
    ended_at_ms: Option<u64>,
}

/// The value of a session's row.
pub(crate) fn encode_session(session: &SessionSnapshot, keys: &Keyring) -> Result<Vec<u8>, KeyError> {
    let ms = |at: Option<Timestamp>| at.map(Timestamp::as_millis);
    Ok(to_bytes(&SessionRow {
        owner: session.owner.0,
        reason: session.reason.id().into(),
        language: session.language.tag().into(),
        number: session.number.digits(),
        code: session.code.value(),
        code_digits: session.code.digits(),
        opened_at_ms: session.opened_at.as_millis(),
        expires_at_ms: session.expires_at.as_millis(),
        idempotency: session.idempotency.map(|i| {
            let mut both = [0; 32];
            both[..16].copy_from_slice(&i.key);
            both[16..].copy_from_slice(&i.body);
            both
        }),
        bound_to: session.bound_to.map(|token| *token.as_bytes()),
        scanner_leg: seal_leg(session, keys)?,
        dialed_at_ms: ms(session.dialed_at),
        accepted_at_ms: ms(session.accepted_at),
        over_at_ms: ms(session.over_at),
        settling_since_ms: ms(session.settling_since),
        facts: session.facts.bits(),
        outcome: session.ended.map(|(outcome, _)| outcome.id().into()),
        ended_at_ms: ms(session.ended.map(|(_, at)| at)),
    }))
}

/// Reads a session back from its key and value.
pub(crate) fn decode_session(key: &[u8], value: &[u8], keys: &Keyring) -> Result<SessionSnapshot, StorageError> {
    let id = session_id(key, keys.checks())?;
    let row: SessionRow = from_bytes(Space::Sessions, value)?;
    let owner = OwnerId(row.owner);
    let at = |ms: Option<u64>| ms.map(Timestamp::from_millis);
    let outcome = match &row.outcome {
        Some(name) => Some(outcome(name)?),
        None => None,
    };
    Ok(SessionSnapshot {
        id,
        owner,
        reason: Reason::from_id(&row.reason).ok_or(unreadable("its reason is unknown"))?,
        language: Language::from_tag(&row.language).unwrap_or_default(),
        number: IntermediaryNumber::parse(&row.number.to_string()).map_err(|_| unreadable("its number is none"))?,
        code: AccessCode::from_index(row.code / 10, row.code_digits),
        opened_at: Timestamp::from_millis(row.opened_at_ms),
        expires_at: Timestamp::from_millis(row.expires_at_ms),
        idempotency: row.idempotency.map(|both| {
            let (mut key, mut body) = ([0; 16], [0; 16]);
            key.copy_from_slice(&both[..16]);
            body.copy_from_slice(&both[16..]);
            Idempotency { key, body }
        }),
        bound_to: row.bound_to.map(DayToken::from_bytes),
        scanner_leg: open_leg(id, owner, row.scanner_leg.as_deref(), keys)?,
        dialed_at: at(row.dialed_at_ms),
        accepted_at: at(row.accepted_at_ms),
        over_at: at(row.over_at_ms),
        settling_since: at(row.settling_since_ms),
        facts: Facts::from_bits(row.facts),
        ended: outcome.zip(at(row.ended_at_ms)),
    })
}

fn seal_leg(session: &SessionSnapshot, keys: &Keyring) -> Result<Option<Vec<u8>>, KeyError> {
    // An erased owner has no key left: then the leg is forgotten too.
    let Some((leg, key)) = session.scanner_leg.as_ref().zip(keys.data_key(session.owner)) else {
        return Ok(None);
    };
    key.seal(&leg_place(&session_key(session.id)), leg.as_str().as_bytes()).map(Some)
}

fn open_leg(
    id: SessionId,
    owner: OwnerId,
    sealed: Option<&[u8]>,
    keys: &Keyring,
) -> Result<Option<LegId>, StorageError> {
    let Some((sealed, key)) = sealed.zip(keys.data_key(owner)) else {
        return Ok(None);
    };
    let plain = key.open(&leg_place(&session_key(id)), sealed)?;
    let text = std::str::from_utf8(&plain).map_err(|_| unreadable("its leg is no text"))?;
    Ok(LegId::new(text))
}

fn leg_place(record_id: &[u8; 25]) -> Place<'_> {
    Place { keyspace: Space::Sessions.name(), record_id, field: SCANNER_LEG, version: FORMAT }
}

fn session_id(key: &[u8], checks: &CheckKeys) -> Result<SessionId, StorageError> {
    let key: [u8; 25] = key.try_into().map_err(|_| unreadable("its key has another length"))?;
    let (mut tag, mut secret) = ([0; 8], [0; 17]);
    tag.copy_from_slice(&key[..8]);
    secret.copy_from_slice(&key[8..]);
    let tag = TagId::from_u64(u64::from_be_bytes(tag));
    SessionId::new(tag, secret, checks).ok_or(unreadable("its key version is unknown"))
}

fn outcome(name: &str) -> Result<Outcome, StorageError> {
    Outcome::ALL.into_iter().find(|o| o.id() == name).ok_or(unreadable("its outcome is unknown"))
}

fn unreadable(what: &'static str) -> StorageError {
    StorageError::Unreadable { keyspace: Space::Sessions.name(), what }
}
