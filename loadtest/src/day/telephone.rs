//! The telephone in somebody's hand: a call with a code, and what the line said.

use qnect_simulator::{CallReport, Dial, Network};

use crate::day::diary::Said;

/// What one call came to, as the caller knows it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) said: Said,
    /// Why not, in a word.
    pub(crate) why: &'static str,
    /// The owner's telephone rang.
    pub(crate) rang: bool,
    /// When, in simulated milliseconds since dialling.
    pub(crate) rang_ms: Option<u64>,
    /// The owner was engaged, and the line said so.
    pub(crate) engaged: bool,
    pub(crate) bridged: bool,
    /// How often digits were keyed and taken.
    pub(crate) keyed: usize,
    /// What was told to be rung. Only the owner of it uses it.
    pub(crate) owner: Option<String>,
}

/// What is heard, and what it means: a part of the sentence in English, which every line speaks.
const HEARD: [(&str, Said, &str); 4] = [
    ("cannot be reached", Said::Limited, "line_unavailable"),
    ("did not work on our side", Said::Shed, "line_try_again"),
    ("did not get a code", Said::Refused, "line_no_code"),
    ("cannot be used", Said::Refused, "line_code_refused"),
];
const ANOTHER_CALL: &str = "another call";

/// Dials, and listens to the end.
pub(crate) async fn call(network: &Network, dial: Dial) -> Call {
    judge(network.dial(dial).await)
}

fn judge(report: CallReport) -> Call {
    let heard = |words: &str| report.scanner_heard.iter().any(|text| text.contains(words));
    let rang = report.owner_saw.is_some();
    // An engaged telephone never rings, but the network was asked to ring it.
    let engaged = !rang && (report.owner_number.is_some() || heard(ANOTHER_CALL));
    let (said, why) = if rang || engaged {
        (Said::Allowed, "")
    } else {
        let told = HEARD.iter().find(|(words, ..)| heard(words));
        told.map_or((Said::Nothing, "line_silent"), |(_, said, why)| (*said, *why))
    };
    Call {
        said,
        why,
        rang,
        rang_ms: report.owner_rang_ms,
        engaged,
        bridged: report.bridged,
        keyed: report.scanner_keyed.len(),
        owner: report.owner_number,
    }
}

#[cfg(test)]
mod tests {
    use qnect_simulator::CallReport;

    use super::{Said, judge};

    #[test]
    fn the_line_is_understood() {
        for (text, said, why, engaged) in [
            ("Sorry, the owner cannot be reached at the moment.", Said::Limited, "line_unavailable", false),
            ("The owner is on another call. Please hold, we try again.", Said::Allowed, "", true),
            (
                "Sorry, that did not work on our side. Please call again with the same code.",
                Said::Shed,
                "line_try_again",
                false,
            ),
            ("We did not get a code.", Said::Refused, "line_no_code", false),
            ("Sorry, this code cannot be used.", Said::Refused, "line_code_refused", false),
            ("", Said::Nothing, "line_silent", false),
        ] {
            let call = judge(CallReport { scanner_heard: vec![text.to_owned()], ..CallReport::default() });
            assert_eq!((call.said, call.why, call.engaged, call.rang), (said, why, engaged, false), "{text}");
        }
        let owner = Some("919800000001".to_owned());
        let busy = judge(CallReport { owner_number: owner.clone(), ..CallReport::default() });
        assert!(busy.engaged && !busy.rang);
        let rang = CallReport { owner_number: owner, owner_saw: Some("x".to_owned()), ..CallReport::default() };
        assert!(judge(rang).rang);
    }
}
