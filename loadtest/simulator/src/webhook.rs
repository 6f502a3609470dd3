//! How the provider delivers a webhook: signed over the public URL, sent to the engine, retried as its fragment says.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, header};

use crate::config::NetworkConfig;
use crate::draw::Draw;
use crate::http::{HttpClient, NoReply, Reply};
use crate::plivo::params::Params;
use crate::plivo::signing::{Method, sign_v3};
use crate::report::Exchange;

/// Most retries that a fragment can ask for.
const RETRIES_MAX: u32 = 5;

/// What a webhook is for; only a callback can get lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Document,
    Callback,
}

/// A URL as an engine hands it out.
#[derive(Debug)]
struct Target {
    /// Without fragment.
    url: String,
    retries: u32,
    policies: Vec<String>,
}

/// The sending half of the provider.
#[derive(Debug)]
pub(crate) struct Mailer {
    config: NetworkConfig,
    client: HttpClient,
    drops: Draw,
}

impl Mailer {
    pub(crate) fn new(config: NetworkConfig) -> Mailer {
        let drops = Draw::seeded(config.faults.seed);
        Mailer { config, client: HttpClient::new(), drops }
    }

    pub(crate) fn config(&self) -> &NetworkConfig {
        &self.config
    }

    /// Delivers and notes every attempt. `None`: the webhook got lost on purpose. An error text: the URL is no address
    /// of the engine's, and nothing was sent.
    pub(crate) async fn deliver(
        &self,
        nonces: &Draw,
        post: Post<'_>,
        exchanges: &mut Vec<Exchange>,
    ) -> Result<Option<Result<Reply, NoReply>>, String> {
        let target = self.target(post.url)?;
        if post.purpose == Purpose::Callback && self.drops.happens(self.config.faults.drop) {
            return Ok(None);
        }
        let mut reply = self.attempt(nonces, &target, &post, exchanges).await?;
        for _ in 0..target.retries {
            if !target.retries_after(&reply) {
                break;
            }
            reply = self.attempt(nonces, &target, &post, exchanges).await?;
        }
        for _ in 0..self.config.faults.duplicate {
            // What the engine says to a duplicate changes nothing for the call; it stands in the exchanges.
            let _ = self.attempt(nonces, &target, &post, exchanges).await?;
        }
        Ok(Some(reply))
    }

    /// Only the engine is ever called: a document cannot send the provider elsewhere.
    fn target(&self, url: &str) -> Result<Target, String> {
        let (url, fragment) = url.split_once('#').unwrap_or((url, ""));
        let rest = url.strip_prefix(&self.config.public_base_url);
        if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?'])) {
            return Err(format!("{url:?} is not an address under the public base url"));
        }
        let mut target = Target { url: url.to_owned(), retries: 0, policies: Vec::new() };
        for (key, value) in fragment.split('&').filter_map(|pair| pair.split_once('=')) {
            match key {
                "rc" => target.retries = value.parse::<u32>().unwrap_or(0).min(RETRIES_MAX),
                "rp" => target.policies = value.split(',').map(str::to_owned).collect(),
                _ => {}
            }
        }
        Ok(target)
    }

    async fn attempt(
        &self,
        nonces: &Draw,
        target: &Target,
        post: &Post<'_>,
        exchanges: &mut Vec<Exchange>,
    ) -> Result<Result<Reply, NoReply>, String> {
        let nonce = (!self.config.faults.signature_off).then(|| nonces.nonce());
        let request = self.request(target, post, nonce.as_deref()).map_err(|cause| format!("no request: {cause}"))?;
        let reply = self.client.send(request).await;
        exchanges.push(Exchange {
            at_ms: post.at_ms,
            url: target.url.clone(),
            method: post.method.name(),
            params: post.params.clone(),
            nonce,
            status: reply.as_ref().ok().map(|reply| reply.status),
            body: reply.as_ref().map_or_else(ToString::to_string, |reply| reply.body.clone()),
        });
        Ok(reply)
    }

    fn request(
        &self,
        target: &Target,
        post: &Post<'_>,
        nonce: Option<&str>,
    ) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        let config = &self.config;
        let mut address = format!("{}{}", config.engine, &target.url[config.public_base_url.len()..]);
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&post.params).finish();
        let mut request = Request::builder().method(post.method.name());
        let body = match post.method {
            Method::Post => {
                request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
                form
            }
            Method::Get => {
                address.push(if address.contains('?') { '&' } else { '?' });
                address.push_str(&form);
                String::new()
            }
        };
        if let Some(nonce) = nonce {
            let signature = sign_v3(post.method, &target.url, &post.params, nonce, &config.auth_token);
            request = request
                .header("X-Plivo-Signature-V3", &signature)
                .header("X-Plivo-Signature-Ma-V3", &signature)
                .header("X-Plivo-Signature-V3-Nonce", nonce);
        }
        request
            .uri(address)
            .header(header::HOST, host(&config.public_base_url))
            .header(header::USER_AGENT, "Plivo")
            .body(Full::new(Bytes::from(body)))
    }
}

/// One webhook to deliver.
#[derive(Debug)]
pub(crate) struct Post<'a> {
    pub(crate) url: &'a str,
    pub(crate) method: Method,
    pub(crate) params: Params,
    pub(crate) purpose: Purpose,
    pub(crate) at_ms: u64,
}

impl Target {
    fn retries_after(&self, reply: &Result<Reply, NoReply>) -> bool {
        let policy = match reply {
            Ok(reply) if reply.status >= 500 => "5xx",
            Ok(reply) if reply.status >= 400 => "4xx",
            Ok(_) => return false,
            Err(NoReply::Connect(_)) => "ct",
            Err(NoReply::Read(_)) => "rt",
        };
        self.policies.iter().any(|asked| asked == policy || asked == "all")
    }
}

fn host(base: &str) -> &str {
    let rest = base.split_once("://").map_or(base, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}
