//! How a leg ended, in the vendor's words.

use crate::ending::Ending;
use crate::report::LegEnd;

/// The final status of a call, a name of ours, and the SIP response or the vendor's error code behind it. \[U\] for the
/// statuses of a refused call, and for the SIP responses.
pub(crate) fn leg_end(ending: Ending) -> LegEnd {
    let (name, code, source) = match ending {
        Ending::CallerHangsUp => ("Normal Clearing", "200", "Caller"),
        Ending::CalleeHangsUp => ("Normal Clearing", "200", "Callee"),
        Ending::LimitReached => ("Time Limit", "200", "Twilio"),
        Ending::HangupElement => ("Normal Clearing", "200", "TwiML"),
        Ending::EndOfDocument => ("End Of TwiML", "200", "TwiML"),
        Ending::HungUpByApi => ("Normal Clearing", "200", "API"),
        Ending::LeftBeforeBridge => ("Normal Clearing", "200", "Caller"),
        Ending::RefusedBusy => ("Rejected As Busy", "486", "TwiML"),
        Ending::RefusedRejected => ("Rejected", "603", "TwiML"),
        Ending::NoAnswer => ("No Answer", "487", "Twilio"),
        Ending::Busy => ("Busy", "486", "Callee"),
        Ending::Rejected => ("Declined", "603", "Callee"),
        Ending::Cancelled => ("Canceled", "487", "Caller"),
        Ending::CancelledByApi => ("Canceled", "487", "API"),
        Ending::NoLine => ("Call Concurrency Limit Exceeded", "10004", "Twilio"),
        Ending::Unreachable(_) => ("Got HTTP Error From URL", "11200", "Twilio"),
        Ending::Invalid(_) => ("Document Parse Failure", "12100", "Twilio"),
    };
    LegEnd { cause: status(ending), name, code, source }
}

/// `CallStatus` of a leg that is over, and `DialCallStatus` of a dial: `completed` is any leg that was answered, bridged
/// or not. \[D\]
pub(crate) fn status(ending: Ending) -> &'static str {
    match ending {
        Ending::Busy | Ending::Rejected | Ending::RefusedBusy => "busy",
        Ending::NoAnswer | Ending::RefusedRejected => "no-answer",
        Ending::Cancelled | Ending::CancelledByApi => "canceled",
        Ending::NoLine => "failed",
        Ending::CallerHangsUp
        | Ending::CalleeHangsUp
        | Ending::LimitReached
        | Ending::HangupElement
        | Ending::EndOfDocument
        | Ending::HungUpByApi
        | Ending::LeftBeforeBridge
        | Ending::Unreachable(_)
        | Ending::Invalid(_) => "completed",
    }
}
