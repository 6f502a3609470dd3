//! Webhooks made by hand, for what the simulated network does too well to test: wrong ones, and a call in slow motion.

use http::Method;
use http::header::{CONTENT_TYPE, HOST};
use qnect_simulator::{Method as Signed, sign_v3};

use crate::client::{Answer, Client};
use crate::folder::{NUMBER, ORIGIN, TOKEN};
use crate::server::Opened;

/// A stranger's telephone. Fictional.
pub(crate) const SCANNER: &str = "+919700000042";

type Params = Vec<(String, String)>;

/// A webhook, signed over the public URL; every field may be spoiled before it is sent.
#[derive(Clone)]
pub(crate) struct Webhook {
    pub(crate) path: String,
    pub(crate) params: Params,
    pub(crate) nonce: String,
    pub(crate) signature: Option<String>,
    pub(crate) host: &'static str,
}

impl Webhook {
    /// A webhook to `path` that is signed rightly.
    pub(crate) fn to(path: &str, params: &[(&str, &str)]) -> Self {
        Self::signed_with(TOKEN, ORIGIN, path, params)
    }

    /// The same under another secret or for another origin.
    pub(crate) fn signed_with(token: &str, origin: &str, path: &str, params: &[(&str, &str)]) -> Self {
        let params: Params = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let nonce = "12345678901234567890".to_owned();
        let signature = sign_v3(Signed::Post, &format!("{origin}{path}"), &params, &nonce, token);
        Self { path: path.to_owned(), params, nonce, signature: Some(signature), host: "qnect.example" }
    }

    /// Changes something after it was signed.
    pub(crate) fn spoilt(mut self, how: impl FnOnce(&mut Self)) -> Self {
        how(&mut self);
        self
    }

    /// The parameters as a form.
    pub(crate) fn body(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.params).finish()
    }

    pub(crate) async fn send(&self, client: &Client) -> Answer {
        self.send_body(client, &[], self.body().into_bytes()).await
    }

    /// Sends another body than the one that was signed, with further header fields.
    pub(crate) async fn send_body(&self, client: &Client, fields: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut request = client
            .request(&Method::POST, &self.path)
            .header(HOST, self.host)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("X-Plivo-Signature-V3-Nonce", &self.nonce);
        if let Some(signature) = &self.signature {
            request = request.header("X-Plivo-Signature-V3", signature);
        }
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        client.send(request, body).await
    }
}

/// A call that came in on our number.
pub(crate) fn arriving(uuid: &str) -> Webhook {
    Webhook::to("/webhooks/plivo/voice", &inbound(uuid, "StartApp"))
}

/// The caller keyed the code.
pub(crate) fn keying(uuid: &str, opened: &Opened) -> Webhook {
    let mut params = inbound(uuid, "Redirect").to_vec();
    params.push(("Digits", &opened.access_code));
    Webhook::to("/webhooks/plivo/code/1", &params)
}

/// The caller is gone.
pub(crate) fn hanging_up(uuid: &str) -> Webhook {
    Webhook::to("/webhooks/plivo/voice", &inbound(uuid, "Hangup"))
}

/// The owner answered: what to whisper?
pub(crate) fn whispering(uuid: &str, opened: &Opened) -> Webhook {
    Webhook::to(&format!("/webhooks/plivo/whisper/{}", opened.session), &inbound(uuid, "DialRemoteSounds"))
}

/// Something happened on the owner's leg: `answer`, `connected`, `hangup`.
pub(crate) fn owner_leg(uuid: &str, opened: &Opened, action: &str) -> Webhook {
    let params = [
        ("CallUUID", uuid),
        ("DialALegUUID", uuid),
        ("DialAction", action),
        ("DialBLegUUID", "owner-leg"),
        ("DialBLegHangupCauseCode", "4000"),
        ("DialBLegHangupSource", "Caller"),
    ];
    Webhook::to(&format!("/webhooks/plivo/leg/{}", opened.session), &params)
}

/// The dial is over.
pub(crate) fn dial_end(uuid: &str, opened: &Opened, status: &str) -> Webhook {
    let mut params = inbound(uuid, "Redirect").to_vec();
    params.push(("DialStatus", status));
    Webhook::to(&format!("/webhooks/plivo/dial-end/{}", opened.session), &params)
}

fn inbound<'a>(uuid: &'a str, event: &'a str) -> [(&'a str, &'a str); 6] {
    [
        ("CallUUID", uuid),
        ("CallStatus", "in-progress"),
        ("Direction", "inbound"),
        ("Event", event),
        ("From", SCANNER.trim_start_matches('+')),
        ("To", NUMBER.trim_start_matches('+')),
    ]
}
