//! A stored session. The provider's ids of both legs are sealed with the owner's key: the provider could resolve them to
//! numbers. So is the caller's name with the owner, who alone may block it.

use minicbor::{Decode, Encode};
use qnect_core::abuse::SignalSet;
use qnect_core::access_code::AccessCode;
use qnect_core::caller::{BlockToken, DayToken};
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
use zeroize::Zeroizing;

use crate::codec::{FORMAT, from_bytes, to_bytes};
use crate::error::StorageError;
use crate::keyring::Keyring;
use crate::keys::{DataKey, KeyError, Place};
use crate::layout::{SessionKey, Space, session_key};

const SCANNER_LEG: u16 = 10;
const OWNER_LEG: u16 = 19;
const BLOCK_TOKEN: u16 = 22;

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
    /// Absent: no.
    #[n(18)]
    challenge: Option<bool>,
    #[cbor(n(19), with = "minicbor::bytes")]
    owner_leg: Option<Vec<u8>>,
    #[n(20)]
    reported_at_ms: Option<u64>,
    #[n(21)]
    records_due_at_ms: Option<u64>,
    #[cbor(n(22), with = "minicbor::bytes")]
    block_token: Option<Vec<u8>>,
    /// Absent: none.
    #[n(23)]
    because: Option<u16>,
}

/// The value of a session's row.
pub(crate) fn encode_session(session: &SessionSnapshot, keys: &Keyring) -> Result<Vec<u8>, KeyError> {
    let ms = |at: Option<Timestamp>| at.map(Timestamp::as_millis);
    let sealer = Sealer::of(session, keys);
    let leg = |field, leg: &Option<LegId>| sealer.seal(field, leg.as_ref().map(|leg| leg.as_str().as_bytes()));
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
        scanner_leg: leg(SCANNER_LEG, &session.scanner_leg)?,
        dialed_at_ms: ms(session.dialed_at),
        accepted_at_ms: ms(session.accepted_at),
        over_at_ms: ms(session.over_at),
        settling_since_ms: ms(session.settling_since),
        facts: session.facts.bits(),
        outcome: session.ended.map(|(outcome, _)| outcome.id().into()),
        ended_at_ms: ms(session.ended.map(|(_, at)| at)),
        challenge: session.challenge.then_some(true),
        owner_leg: leg(OWNER_LEG, &session.owner_leg)?,
        reported_at_ms: ms(session.reported_at),
        records_due_at_ms: ms(session.records_due_at),
        block_token: sealer.seal(BLOCK_TOKEN, session.block_token.as_ref().map(|token| &token.as_bytes()[..]))?,
        because: Some(session.because.bits()).filter(|bits| *bits != 0),
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
        block_token: open_block_token((id, owner), row.block_token.as_deref(), keys)?,
        challenge: row.challenge.unwrap_or_default(),
        because: SignalSet::from_bits(row.because.unwrap_or_default()),
        scanner_leg: open_leg((id, owner), SCANNER_LEG, row.scanner_leg.as_deref(), keys)?,
        owner_leg: open_leg((id, owner), OWNER_LEG, row.owner_leg.as_deref(), keys)?,
        dialed_at: at(row.dialed_at_ms),
        accepted_at: at(row.accepted_at_ms),
        over_at: at(row.over_at_ms),
        settling_since: at(row.settling_since_ms),
        facts: Facts::from_bits(row.facts),
        ended: outcome.zip(at(row.ended_at_ms)),
        reported_at: at(row.reported_at_ms),
        records_due_at: at(row.records_due_at_ms),
    })
}

/// What seals the fields of one session.
struct Sealer {
    record: SessionKey,
    /// `None` where there is nothing to seal, and once the owner was erased: then what it sealed is forgotten too.
    key: Option<DataKey>,
}

impl Sealer {
    fn of(session: &SessionSnapshot, keys: &Keyring) -> Self {
        let is_wanted = session.scanner_leg.is_some() || session.owner_leg.is_some() || session.block_token.is_some();
        let key = is_wanted.then(|| keys.data_key(session.owner)).flatten();
        Self { record: session_key(session.id), key }
    }

    fn seal(&self, field: u16, plain: Option<&[u8]>) -> Result<Option<Vec<u8>>, KeyError> {
        let Some((plain, key)) = plain.zip(self.key.as_ref()) else {
            return Ok(None);
        };
        key.seal(&place(&self.record, field), plain).map(Some)
    }
}

fn open_leg(
    (id, owner): (SessionId, OwnerId),
    field: u16,
    sealed: Option<&[u8]>,
    keys: &Keyring,
) -> Result<Option<LegId>, StorageError> {
    let Some(plain) = open((id, owner), field, sealed, keys)? else { return Ok(None) };
    let text = std::str::from_utf8(&plain).map_err(|_| unreadable("its leg is no text"))?;
    Ok(LegId::new(text))
}

fn open_block_token(
    of: (SessionId, OwnerId),
    sealed: Option<&[u8]>,
    keys: &Keyring,
) -> Result<Option<BlockToken>, StorageError> {
    let Some(plain) = open(of, BLOCK_TOKEN, sealed, keys)? else { return Ok(None) };
    let token = plain.as_slice().try_into().map_err(|_| unreadable("its caller's name has another length"))?;
    Ok(Some(BlockToken::from_bytes(token)))
}

fn open(
    (id, owner): (SessionId, OwnerId),
    field: u16,
    sealed: Option<&[u8]>,
    keys: &Keyring,
) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
    let Some((sealed, key)) = sealed.zip(keys.data_key(owner)) else {
        return Ok(None);
    };
    key.open(&place(&session_key(id), field), sealed).map(Some)
}

fn place(record_id: &SessionKey, field: u16) -> Place<'_> {
    Place { keyspace: Space::Sessions.name(), record_id, field, version: FORMAT }
}

/// The session that a row's key names.
pub(crate) fn session_id(key: &[u8], checks: &CheckKeys) -> Result<SessionId, StorageError> {
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

#[cfg(test)]
mod tests {
    use qnect_core::abuse::Signal;
    use qnect_core::time::Span;

    use super::*;
    use crate::keys::MasterKey;

    /// What the first version wrote for [`session`]: fields 0 to 17 alone.
    const OLD_ROW: &str = "01b100184d0168626c6f636b696e6702626869031b000000d4242d1101041a0012d6860507061b0000019aa3b5ec0007\
        1b0000019aa3bf13c008582001010101010101010101010101010101020202020202020202020202020202020950090909090909090909\
        090909090909090b1b0000019aa3b63a200c1b0000019aa3b661300d1b0000019aa3b74b900e1b0000019aa3b74b900f1910071069636f\
        6d706c65746564111b0000019aa3b75f18";

    fn session(keys: &Keyring) -> SessionSnapshot {
        let at = |secs| Timestamp::from_millis(1_763_683_200_000).plus(Span::from_secs(secs));
        SessionSnapshot {
            id: SessionId::new(TagId::from_random(0, 5), [3; 17], keys.checks()).unwrap(),
            owner: OwnerId(77),
            reason: Reason::Blocking,
            language: Language::Hindi,
            number: IntermediaryNumber::parse("+911140000001").unwrap(),
            code: AccessCode::from_index(123_456, 7),
            opened_at: at(0),
            expires_at: at(600),
            idempotency: Some(Idempotency { key: [1; 16], body: [2; 16] }),
            bound_to: Some(DayToken::from_bytes([9; 16])),
            block_token: None,
            challenge: false,
            because: SignalSet::default(),
            scanner_leg: None,
            owner_leg: None,
            dialed_at: Some(at(20)),
            accepted_at: Some(at(30)),
            over_at: Some(at(90)),
            settling_since: Some(at(90)),
            facts: Facts::from_bits(0b1_0000_0000_0111),
            ended: Some((Outcome::Completed, at(95))),
            reported_at: None,
            records_due_at: None,
        }
    }

    fn keyring(folder: &tempfile::TempDir) -> Keyring {
        Keyring::open(&MasterKey::from_bytes([7; 32]), &folder.path().join("keys.table"), true).unwrap()
    }

    #[test]
    fn a_row_of_the_first_version_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let keys = keyring(&folder);
        let digits: Vec<u8> = OLD_ROW.bytes().map(|b| (b as char).to_digit(16).unwrap() as u8).collect();
        let old: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        let session = session(&keys);
        assert_eq!(decode_session(&session_key(session.id), &old, &keys).unwrap(), session);
        assert_eq!(encode_session(&session, &keys).unwrap(), old, "what is absent takes no room");
    }

    #[test]
    fn why_a_caller_is_challenged_is_read_back_and_signs_of_a_later_version_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let keys = keyring(&folder);
        for signal in Signal::ALL {
            let because = [signal, Signal::ReportedCalls].into_iter().collect();
            let session = SessionSnapshot { challenge: true, because, ..session(&keys) };
            let row = encode_session(&session, &keys).unwrap();
            assert_eq!(decode_session(&session_key(session.id), &row, &keys).unwrap(), session, "{signal:?}");
        }
        let unknown = SessionSnapshot { because: SignalSet::from_bits(u16::MAX), ..session(&keys) };
        let mut row = encode_session(&unknown, &keys).unwrap();
        let written = [0x19, 0x03, 0xff];
        let at = row.windows(3).position(|bytes| bytes == written).unwrap();
        row[at + 1] = 0xff;
        assert_eq!(decode_session(&session_key(unknown.id), &row, &keys).unwrap(), unknown);
    }

    #[test]
    fn a_leg_opens_in_its_own_field_only() {
        let folder = tempfile::tempdir().unwrap();
        let keys = keyring(&folder);
        keys.add_owners(&[OwnerId(77)]).unwrap();
        let leg = LegId::new("b7c6f1e2").unwrap();
        let session = SessionSnapshot { owner_leg: Some(leg), ..session(&keys) };
        let sealed = Sealer::of(&session, &keys).seal(OWNER_LEG, Some(b"b7c6f1e2")).unwrap();
        let open = |field| open_leg((session.id, session.owner), field, sealed.as_deref(), &keys);
        assert_eq!(open(OWNER_LEG).unwrap(), session.owner_leg);
        assert!(open(SCANNER_LEG).is_err(), "the scanner's leg is not passed off as the owner's");
    }

    #[test]
    fn a_callers_name_is_read_back_and_dies_with_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let keys = keyring(&folder);
        keys.add_owners(&[OwnerId(77)]).unwrap();
        let session = SessionSnapshot { block_token: Some(BlockToken::from_bytes([0xb7; 16])), ..session(&keys) };
        let row = encode_session(&session, &keys).unwrap();
        assert!(!row.windows(4).any(|window| window == [0xb7; 4]), "it stands readable");
        assert_eq!(decode_session(&session_key(session.id), &row, &keys).unwrap(), session);

        let erased = tempfile::tempdir().unwrap();
        let without = decode_session(&session_key(session.id), &row, &keyring(&erased)).unwrap();
        assert_eq!(without, SessionSnapshot { block_token: None, ..session });
    }
}
