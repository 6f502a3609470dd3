//! How legs and dials end, in Plivo's words and in ours (docs: voice/troubleshooting/hangup-causes, xml/dial).

use qnect_core::leg::LegEnd;

use crate::fields::Fields;
use crate::request::ParseError;

/// What one of the three fields that tell of an end says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Somebody put the receiver down; another field says who.
    Normally,
    /// A certain end.
    As(LegEnd),
}

/// How the owner's leg ended, by a webhook.
pub(super) fn owner_leg_end(fields: &Fields) -> Result<LegEnd, ParseError> {
    let words = [fields.word("DialBLegHangupCauseName")?, fields.word("DialBLegHangupCause")?];
    let source = fields.word("DialBLegHangupSource")?;
    Ok(leg_end(fields.text("DialBLegHangupCauseCode")?, words.each_ref().map(String::as_str), &source))
}

/// How a leg ended. Code, name and cause tell the same; the first that is specific counts, because a leg that failed the
/// confirm key may still have the cause `NORMAL_CLEARING`. [U] which of them a given carrier fills in.
pub(crate) fn leg_end(code: &str, [name, cause]: [&str; 2], source: &str) -> LegEnd {
    let told = [by_code(code), by_word(name), by_word(cause)];
    let specific = told.into_iter().flatten().find_map(|told| match told {
        Told::As(end) => Some(end),
        Told::Normally => None,
    });
    if let Some(end) = specific {
        return end;
    }
    if !told.contains(&Some(Told::Normally)) {
        return LegEnd::Failed;
    }
    match source {
        "callee" | "callrecipient" => LegEnd::HungUp,
        _ => LegEnd::Completed,
    }
}

/// How a dial ended; `None` when the webhook does not tell. [U] whether a refusal has a status of its own: the cause says it.
pub(super) fn dial_end(fields: &Fields) -> Result<Option<LegEnd>, ParseError> {
    let end = match fields.word("DialStatus")?.as_str() {
        "" => return Ok(None),
        "completed" => return Ok(Some(LegEnd::Completed)),
        "busy" => LegEnd::Busy,
        "noanswer" | "timeout" => LegEnd::NoAnswer,
        "cancel" | "canceled" | "cancelled" => LegEnd::Cancelled,
        _ => LegEnd::Failed,
    };
    let cause = by_word(&fields.word("DialHangupCause")?);
    let refused = cause == Some(Told::As(LegEnd::Rejected));
    Ok(Some(if refused { LegEnd::Rejected } else { end }))
}

fn by_code(code: &str) -> Option<Told> {
    Some(match code {
        "1000" => Told::As(LegEnd::Cancelled),
        "3000" | "6010" => Told::As(LegEnd::NoAnswer),
        "3010" | "3100" => Told::As(LegEnd::Busy),
        "3020" | "3110" => Told::As(LegEnd::Rejected),
        "4000" | "4010" => Told::Normally,
        // Time limit, silent line, machine detected, confirm key not pressed: all after an answer.
        "6000" | "6020" | "9100" | "9110" => Told::As(LegEnd::Completed),
        _ => return None,
    })
}

fn by_word(word: &str) -> Option<Told> {
    Some(match word {
        "canceled" | "cancelled" | "originatorcancel" => Told::As(LegEnd::Cancelled),
        "noanswer" | "nouserresponse" | "ringtimeoutreached" => Told::As(LegEnd::NoAnswer),
        "busyline" | "userbusy" | "busyeverywhere" => Told::As(LegEnd::Busy),
        "rejected" | "callrejected" | "declined" => Told::As(LegEnd::Rejected),
        "normalhangup" | "normalclearing" | "endofxmlinstructions" => Told::Normally,
        "scheduledhangup" | "allottedtimeout" | "mediatimeout" | "machinedetected" | "confirmkeychallengefailed" => {
            Told::As(LegEnd::Completed)
        }
        _ => return None,
    })
}
