//! Those outside: the providers that we ask, and whoever asks us by our public address.

use qnect_providers::rest::Standing;
use tokio::runtime::Builder;

use super::{Check, Patient, clock};
use crate::config::Provider;
use crate::outbox::{ProbeError, Probed, probe_account, probe_page};
use crate::settings::accounts;

/// A path that leads nowhere: no scan, no session, and an answer that only QNect gives.
const NOWHERE: &str = "/doctor";

/// Whether a provider lets us in, and its clock beside ours. Nothing of the answer's body is told: some hold the
/// secret.
pub(super) fn provider(patient: &Patient, provider: Provider, id: &str) -> Vec<Check> {
    let name = provider.name();
    let Some(account) = accounts(&patient.config).into_iter().find(|account| account.rest.name() == name) else {
        return Vec::new();
    };
    let at = &account.api_base_url;
    let (standing, probed) = match waited_for(probe_account(&account)) {
        Ok(answered) => answered,
        Err(ProbeError::Silent(why)) => {
            let text =
                format!("{at} does not answer: {why}; look at DNS, the firewall, and the provider's status page");
            return vec![Check::warn(id, text)];
        }
        Err(error) => return vec![Check::fail(id, error.to_string())],
    };
    let (status, ms) = (probed.status, probed.took.as_millis());
    let check = match standing {
        Standing::Good => Check::ok(id, format!("{at} lets us in ({ms} ms)")),
        Standing::Stopped => {
            Check::fail(id, format!("{at} says that the account is suspended or closed; see the provider's console"))
        }
        Standing::NotOurs => {
            let text =
                format!("{at} does not let us in ({status}); correct the account and the secret in [providers.{name}]");
            Check::fail(id, text)
        }
        Standing::TryLater => {
            Check::warn(id, format!("{at} has troubles ({status}); try again, and see the provider's status page"))
        }
        Standing::Strange => {
            let text = format!("{at} answers {status}, and not as {name} does; correct providers.{name}.api_base_url");
            Check::warn(id, text)
        }
    };
    let check = check.with("status", status).with("milliseconds", u64::try_from(ms).unwrap_or(u64::MAX));
    let their_clock = probed.date.and_then(|date| clock::beside(format!("clock_{name}"), date, name));
    std::iter::once(check).chain(their_clock).collect()
}

/// Whether the origin on the stickers leads to an engine of ours.
pub(super) fn public_url(patient: &Patient) -> Check {
    let (id, origin) = ("public_url", &patient.origin);
    let probed = match waited_for(probe_page(origin, NOWHERE)) {
        Ok(probed) => probed,
        Err(ProbeError::Silent(why)) => {
            let text = format!(
                "{origin} does not answer: {why}; normal while no engine runs, and where a machine cannot reach its \
                 own public address; else look at DNS, the firewall, and the proxy"
            );
            return Check::warn(id, text);
        }
        Err(error) => return Check::warn(id, format!("{origin}: {error}")),
    };
    let (status, ms) = (probed.status, probed.took.as_millis());
    let check = match (is_ours(&probed), status) {
        (true, _) => Check::ok(id, format!("{origin} leads to QNect ({ms} ms)")),
        (false, 502..=504) => {
            let text = format!(
                "{origin} answers {status}: its proxy reaches no engine; normal while none runs, else point it to {}",
                patient.config.server.listen
            );
            Check::warn(id, text)
        }
        (false, _) => {
            let text =
                format!("{origin} answers {status}, and it is not QNect; look at DNS and at where its proxy leads");
            Check::warn(id, text)
        }
    };
    check.with("status", status).with("milliseconds", u64::try_from(ms).unwrap_or(u64::MAX))
}

/// A problem with a code of ours: whatever else went wrong, it is QNect that says so.
fn is_ours(probed: &Probed) -> bool {
    let problem = probed.json("application/problem+json").unwrap_or_default();
    problem["type"] == "about:blank" && problem["status"] == probed.status && problem["code"].is_string()
}

/// Waits on this thread. A look-up of a name cannot be stopped, and is left behind.
fn waited_for<T>(asked: impl Future<Output = Result<T, ProbeError>>) -> Result<T, ProbeError> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| ProbeError::Silent(error.to_string()))?;
    let answer = runtime.block_on(asked);
    runtime.shutdown_background();
    answer
}
