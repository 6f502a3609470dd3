//! Hangup causes, with the names and codes of the vendor.

use crate::ending::{Asked, Ending};
use crate::report::LegEnd;

/// How the vendor tells a leg's end. \[T\] for the codes of documents that fail, \[U\] for those of a cancelled dial, of
/// an account without a free line, and of a hang-up through the API.
pub(crate) fn leg_end(ending: Ending) -> LegEnd {
    let normal = |source| ("NORMAL_CLEARING", "Normal Hangup", "4000", source);
    let (cause, name, code, source) = match ending {
        Ending::CallerHangsUp => normal("Caller"),
        Ending::CalleeHangsUp => normal("Callee"),
        Ending::LimitReached => normal("Plivo"),
        Ending::HangupElement => normal("Answer XML"),
        Ending::HungUpByApi => normal("API Request"),
        Ending::EndOfDocument => ("NORMAL_CLEARING", "End Of XML Instructions", "4010", "Plivo"),
        Ending::RefusedBusy => ("USER_BUSY", "Busy Line", "3010", "Answer XML"),
        Ending::RefusedRejected => ("CALL_REJECTED", "Rejected", "3020", "Answer XML"),
        Ending::NoAnswer => ("NO_ANSWER", "No Answer", "3000", "Plivo"),
        Ending::Busy => ("USER_BUSY", "Busy Line", "3010", "Callee"),
        Ending::Rejected => ("CALL_REJECTED", "Rejected", "3020", "Callee"),
        Ending::Cancelled | Ending::LeftBeforeBridge => ("ORIGINATOR_CANCEL", "Cancelled", "1000", "Caller"),
        Ending::CancelledByApi => ("ORIGINATOR_CANCEL", "Cancelled", "1000", "API Request"),
        Ending::NoLine => ("NORMAL_TEMPORARY_FAILURE", "Call Limit Reached", "5030", "Plivo"),
        Ending::Unreachable(asked) => {
            let (name, code) = match asked {
                Asked::Answer => ("Error Reaching Answer URL", "7011"),
                Asked::Action | Asked::Sound | Asked::OwnerDocument => ("Error Reaching Action URL", "7012"),
                Asked::Redirect => ("Error Reaching Redirect URL", "7014"),
            };
            ("NORMAL_TEMPORARY_FAILURE", name, code, "Error")
        }
        Ending::Invalid(asked) => {
            let (name, code) = match asked {
                Asked::Answer => ("Invalid Answer XML", "8011"),
                Asked::Action | Asked::Sound | Asked::OwnerDocument => ("Invalid Action XML", "8012"),
                Asked::Redirect => ("Invalid Redirect XML", "8014"),
            };
            ("NORMAL_TEMPORARY_FAILURE", name, code, "Error")
        }
    };
    LegEnd { cause, name, code, source }
}

/// `DialStatus` for the end of the owner's leg.
pub(crate) fn dial_status(ending: Ending) -> &'static str {
    match ending {
        Ending::Busy | Ending::Rejected => "busy",
        Ending::NoAnswer => "no-answer",
        Ending::Cancelled | Ending::LeftBeforeBridge | Ending::CancelledByApi => "cancel",
        Ending::NoLine => "failed",
        Ending::CallerHangsUp
        | Ending::CalleeHangsUp
        | Ending::LimitReached
        | Ending::HangupElement
        | Ending::HungUpByApi
        | Ending::EndOfDocument
        | Ending::RefusedBusy
        | Ending::RefusedRejected
        | Ending::Unreachable(_)
        | Ending::Invalid(_) => "completed",
    }
}
