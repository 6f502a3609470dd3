//! Plivo, as far as a call needs it: who calls, and the signed webhooks that tell of it. The parameters are those that
//! the simulator sends (`loadtest/simulator/src/plivo/params.rs`); the times in them are always the same, because
//! nobody reads them.

use qnect_benches::Failure;
use qnect_benches::options::Options;
use qnect_simulator::{Method, sign_v3};

/// The parameters of a webhook.
type Params = Vec<(String, String)>;

const TIME: &str = "2026-01-01 10:00:00.000000";

/// The account whose webhooks these are.
pub(crate) struct Provider {
    origin: String,
    auth_id: String,
    auth_token: String,
}

/// One call: a scanner who has a number and a code.
pub(crate) struct Call {
    leg: String,
    owner_leg: String,
    from: String,
    /// The intermediary number, without its plus sign.
    to: String,
    code: String,
}

impl Provider {
    pub(crate) fn of(options: &Options) -> Result<Self, Failure> {
        let text = |name| options.text(name).map(str::to_owned);
        Ok(Self { origin: text("origin")?, auth_id: text("auth-id")?, auth_token: text("auth-token")? })
    }

    /// A webhook about `step`, as a whole request.
    pub(crate) fn webhook(&self, step: &str, mut params: Params) -> Vec<u8> {
        params.push(("ParentAuthID".to_owned(), self.auth_id.clone()));
        let path = format!("/webhooks/plivo/{step}");
        // A nonce is no proof of freshness, and so may be anything; a leg's first digits differ from call to call.
        let nonce = params.iter().find(|(name, _)| name == "CallUUID").map_or("nonce", |(_, leg)| leg.as_str());
        let signature = sign_v3(Method::Post, &format!("{}{path}", self.origin), &params, nonce, &self.auth_token);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&params).finish();
        format!(
            "POST {path} HTTP/1.1\r\nHost: qnect.example\r\nUser-Agent: Plivo\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nX-Plivo-Signature-V3: {signature}\r\n\
             X-Plivo-Signature-Ma-V3: {signature}\r\nX-Plivo-Signature-V3-Nonce: {nonce}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }
}

impl Call {
    /// Call number `serial`, by a caller of its own (a fictional number), to the number and the code of a session.
    pub(crate) fn new(serial: u64, number: &str, code: &str) -> Self {
        Self {
            leg: format!("{:08x}-0000-4000-8000-000000000000", serial as u32),
            owner_leg: format!("{:08x}-0000-4000-9000-000000000000", serial as u32),
            from: format!("9197{:08}", serial % 100_000_000),
            to: number.trim_start_matches('+').to_owned(),
            code: code.to_owned(),
        }
    }

    /// The line rings: what to do?
    pub(crate) fn arrives(&self) -> Params {
        self.on_the_line("StartApp", "ringing", &[])
    }

    /// The code was keyed.
    pub(crate) fn keyed(&self) -> Params {
        self.on_the_line("Redirect", "in-progress", &[("Digits", &self.code)])
    }

    /// The owner picked up: what is to be heard?
    pub(crate) fn whisper_wanted(&self) -> Params {
        self.on_the_line("DialRemoteSounds", "in-progress", &[])
    }

    /// The owner picked up.
    pub(crate) fn owner_answered(&self) -> Params {
        self.on_the_owners_leg("DialAnswer", "answer", &[])
    }

    /// The owner pressed the key: the two are connected.
    pub(crate) fn owner_accepted(&self) -> Params {
        self.on_the_owners_leg("DialConnected", "connected", &[])
    }

    /// The owner hung up.
    pub(crate) fn owner_hung_up(&self) -> Params {
        let end = [
            ("AnswerTime", TIME),
            ("DialBLegBillDuration", "60"),
            ("DialBLegDuration", "20"),
            ("DialBLegHangupCause", "NORMAL_CLEARING"),
            ("DialBLegHangupCauseCode", "4000"),
            ("DialBLegHangupCauseName", "Normal Hangup"),
            ("DialBLegHangupSource", "Callee"),
            ("EndTime", TIME),
            ("StartTime", TIME),
        ];
        self.on_the_owners_leg("DialHangup", "hangup", &end)
    }

    /// The dial is over: what to do?
    pub(crate) fn dial_over(&self) -> Params {
        let end = [
            ("DialALegUUID", self.leg.as_str()),
            ("DialBLegUUID", &self.owner_leg),
            ("DialHangupCause", "NORMAL_CLEARING"),
            ("DialRingStatus", "true"),
            ("DialStatus", "completed"),
        ];
        self.on_the_line("Redirect", "in-progress", &end)
    }

    /// The scanner's line is over.
    pub(crate) fn over(&self) -> Params {
        let end = [
            ("AnswerTime", TIME),
            ("BillDuration", "60"),
            ("Duration", "30"),
            ("EndTime", TIME),
            ("HangupCause", "NORMAL_CLEARING"),
            ("HangupCauseCode", "4010"),
            ("HangupCauseName", "End Of XML Instructions"),
            ("HangupSource", "Plivo"),
            ("StartTime", TIME),
            ("TotalCost", "0.00850"),
        ];
        self.on_the_line("Hangup", "completed", &end)
    }

    fn on_the_line(&self, event: &str, status: &str, more: &[(&str, &str)]) -> Params {
        let usual = [
            ("ALegUUID", self.leg.as_str()),
            ("BillRate", "0.00850"),
            ("CallStatus", status),
            ("CallUUID", &self.leg),
            ("CallerName", &self.from),
            ("Direction", "inbound"),
            ("Event", event),
            ("From", &self.from),
            ("SessionStart", TIME),
            ("To", &self.to),
        ];
        pairs(&usual, more)
    }

    fn on_the_owners_leg(&self, event: &str, action: &str, more: &[(&str, &str)]) -> Params {
        let usual = [
            ("CallUUID", self.leg.as_str()),
            ("DialALegUUID", &self.leg),
            ("DialAction", action),
            ("DialBLegFrom", &self.to),
            ("DialBLegPosition", "1"),
            ("DialBLegStatus", action),
            ("DialBLegTo", "919800000000"),
            ("DialBLegUUID", &self.owner_leg),
            ("Event", event),
        ];
        pairs(&usual, more)
    }
}

fn pairs(usual: &[(&str, &str)], more: &[(&str, &str)]) -> Params {
    usual.iter().chain(more).map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}
