//! Hangup causes, with the names and codes of the vendor.

use crate::report::LegEnd;

const fn end(cause: &'static str, name: &'static str, code: &'static str, source: &'static str) -> LegEnd {
    LegEnd { cause, name, code, source }
}

pub(crate) const CALLER_HANGS_UP: LegEnd = end("NORMAL_CLEARING", "Normal Hangup", "4000", "Caller");
pub(crate) const CALLEE_HANGS_UP: LegEnd = end("NORMAL_CLEARING", "Normal Hangup", "4000", "Callee");
/// The provider ends a leg at one of its limits.
pub(crate) const LIMIT_REACHED: LegEnd = end("NORMAL_CLEARING", "Normal Hangup", "4000", "Plivo");
pub(crate) const HANGUP_ELEMENT: LegEnd = end("NORMAL_CLEARING", "Normal Hangup", "4000", "Answer XML");
pub(crate) const END_OF_DOCUMENT: LegEnd = end("NORMAL_CLEARING", "End Of XML Instructions", "4010", "Plivo");
pub(crate) const REFUSED_BUSY: LegEnd = end("USER_BUSY", "Busy Line", "3010", "Answer XML");
pub(crate) const REFUSED_REJECTED: LegEnd = end("CALL_REJECTED", "Rejected", "3020", "Answer XML");

pub(crate) const NO_ANSWER: LegEnd = end("NO_ANSWER", "No Answer", "3000", "Plivo");
pub(crate) const BUSY: LegEnd = end("USER_BUSY", "Busy Line", "3010", "Callee");
pub(crate) const REJECTED: LegEnd = end("CALL_REJECTED", "Rejected", "3020", "Callee");
/// The scanner left before the owner accepted. \[U\] for the code.
pub(crate) const CANCELLED: LegEnd = end("ORIGINATOR_CANCEL", "Cancelled", "1000", "Caller");

/// Where a document comes from, for the code of its failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Answer,
    Action,
    Redirect,
    /// `confirmSound` and `dialMusic`.
    Sound,
}

/// The URL gives no document. \[T\] for the family of codes.
pub(crate) fn unreachable(asked: Asked) -> LegEnd {
    let (name, code) = match asked {
        Asked::Answer => ("Error Reaching Answer URL", "7011"),
        Asked::Action | Asked::Sound => ("Error Reaching Action URL", "7012"),
        Asked::Redirect => ("Error Reaching Redirect URL", "7014"),
    };
    end("NORMAL_TEMPORARY_FAILURE", name, code, "Error")
}

/// The document is not one. \[T\] for the family of codes.
pub(crate) fn invalid(asked: Asked) -> LegEnd {
    let (name, code) = match asked {
        Asked::Answer => ("Invalid Answer XML", "8011"),
        Asked::Action | Asked::Sound => ("Invalid Action XML", "8012"),
        Asked::Redirect => ("Invalid Redirect XML", "8014"),
    };
    end("NORMAL_TEMPORARY_FAILURE", name, code, "Error")
}
