//! Every route there is.

use qnect_core::instruction::{CHALLENGE_ATTEMPTS_MAX, CODE_ATTEMPTS_MAX, HOLD_TURNS_MAX, Question};
use qnect_core::session_id::SessionId;
use qnect_providers::Route;

/// Every question there is.
pub(crate) fn questions() -> Vec<Question> {
    let codes = (1..=CODE_ATTEMPTS_MAX).map(|attempt| Question::Code { attempt });
    codes.chain([Question::CodeOrRedial, Question::CodeOrMenu]).collect()
}

/// Routes that tell of the scanner's line.
pub(crate) fn scanner_routes(session: SessionId) -> Vec<Route> {
    let challenges = (1..=CHALLENGE_ATTEMPTS_MAX).map(|attempt| Route::Challenge { session, attempt });
    let turns = (1..=HOLD_TURNS_MAX).map(|turn| Route::Hold { session, turn });
    let questions = questions().into_iter().map(Route::Asked);
    [Route::Voice].into_iter().chain(questions).chain(challenges).chain(turns).collect()
}

/// Routes that tell of a session that was dialled.
pub(crate) fn dialled_routes(session: SessionId) -> Vec<Route> {
    vec![Route::Whisper { session }, Route::OwnerKey { session }, Route::Leg { session }, Route::DialEnd { session }]
}

pub(crate) fn routes(session: SessionId) -> Vec<Route> {
    [scanner_routes(session), dialled_routes(session)].concat()
}
