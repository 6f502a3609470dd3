//! How the provider delivers a webhook: signed over the public URL, sent to the engine, retried as its fragment says.

use std::time::Duration;

use bytes::Bytes;
use hyper::{Request, header};

use crate::config::NetworkConfig;
use crate::draw::Draw;
use crate::http::{HttpClient, NoReply, Reply};
use crate::method::Method;
use crate::outage::Outage;
use crate::provider::{Headers, Params, Provider, Signed};
use crate::report::Exchange;

/// Most retries that a fragment can ask for.
const RETRIES_MAX: u32 = 5;
/// Read timeouts that a fragment can ask for, in milliseconds.
const READ_TIMEOUT_MS: std::ops::RangeInclusive<u64> = 100..=15_000;

/// A URL as an engine hands it out.
#[derive(Debug)]
struct Target {
    /// Without fragment.
    url: String,
    retries: u32,
    policies: Vec<String>,
    reply_max: Duration,
}

/// One webhook to deliver.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) url: String,
    pub(crate) method: Method,
    pub(crate) params: Params,
    pub(crate) at_ms: u64,
}

/// What came of a webhook. An error text: nothing was sent.
pub(crate) type Sent = Result<Result<Reply, NoReply>, String>;

/// The sending half of the provider.
#[derive(Debug)]
pub(crate) struct Mailer {
    config: NetworkConfig,
    provider: &'static dyn Provider,
    client: HttpClient,
    pub(crate) outage: Outage,
}

impl Mailer {
    pub(crate) fn new(config: NetworkConfig) -> Mailer {
        let client = HttpClient::new(config.faults.slow);
        Mailer { provider: config.protocol.provider(), config, client, outage: Outage::none() }
    }

    pub(crate) fn config(&self) -> &NetworkConfig {
        &self.config
    }

    /// Delivers and notes every attempt. An error text: the URL is none of the engine's, or its fragment says what no
    /// provider understands; nothing was sent.
    pub(crate) async fn deliver(&self, draw: &Draw, post: &Post, exchanges: &mut Vec<Exchange>) -> Sent {
        let target = self.target(&post.url)?;
        let (event_id, before) = (draw.uuid(), exchanges.len());
        let mut reply = self.attempt(draw, &event_id, &target, post, exchanges).await?;
        for _ in 0..target.retries {
            if !target.retries_after(&reply) {
                break;
            }
            reply = self.attempt(draw, &event_id, &target, post, exchanges).await?;
        }
        // What was sent when the provider went out may have arrived: it is sure of nothing, and tells it again.
        let was_held = exchanges[before..].iter().any(|exchange| exchange.held);
        for _ in 0..self.config.faults.duplicate + u8::from(was_held) {
            // What the engine says to a duplicate changes nothing for the call; it stands in the exchanges.
            let _ = self.attempt(draw, &event_id, &target, post, exchanges).await?;
        }
        Ok(reply)
    }

    /// Only the engine is ever called: a document cannot send the provider elsewhere.
    fn target(&self, url: &str) -> Result<Target, String> {
        let (url, fragment) = url.split_once('#').unwrap_or((url, ""));
        let rest = url.strip_prefix(&self.config.public_base_url);
        if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?'])) {
            return Err(format!("{url:?} is not an address under the public base url"));
        }
        let fetching = self.provider.fetching();
        let mut target = Target {
            url: url.to_owned(),
            retries: fetching.retries,
            policies: fetching.policies.iter().map(|policy| (*policy).to_owned()).collect(),
            reply_max: fetching.reply_max,
        };
        for pair in fragment.split('&').filter(|pair| !pair.is_empty()) {
            target.obey(pair).ok_or_else(|| format!("{pair:?} in the fragment of a URL is not understood"))?;
        }
        Ok(target)
    }

    async fn attempt(
        &self,
        draw: &Draw,
        event_id: &str,
        target: &Target,
        post: &Post,
        exchanges: &mut Vec<Exchange>,
    ) -> Sent {
        let held = self.outage.wait().await;
        let config = &self.config;
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&post.params).finish();
        let (sent_url, body) = match post.method {
            Method::Post => (target.url.clone(), form),
            Method::Get => (format!("{}{}{form}", target.url, joint(&target.url)), String::new()),
        };
        let port = |url: &str| if config.faults.signature_with_port { with_port(url) } else { url.to_owned() };
        let signature = self.provider.signature(&Signed {
            method: post.method,
            url: &port(&target.url),
            sent_url: &port(&sent_url),
            params: &post.params,
            event_id,
            secret: &config.auth_token,
            draw,
            signs: !config.faults.signature_off,
        });
        let path = &sent_url[config.public_base_url.len()..];
        let headers = self.headers(post.method, signature);
        let request = request(&config.engine, path, post.method, &headers, body.clone())
            .map_err(|cause| format!("no request: {cause}"))?;
        let reply = self.client.send(request, target.reply_max).await;
        let field = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        let nonce = field(crate::plivo::signing::NONCE);
        exchanges.push(Exchange {
            at_ms: post.at_ms,
            url: target.url.clone(),
            method: post.method.name(),
            path: path.to_owned(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            params: post.params.clone(),
            nonce,
            held,
            status: reply.as_ref().ok().map(|reply| reply.status),
            content_type: reply.as_ref().map_or_else(|_| String::new(), |reply| reply.content_type.clone()),
            body: reply.as_ref().map_or_else(ToString::to_string, |reply| reply.body.clone()),
        });
        Ok(reply)
    }

    fn headers(&self, method: Method, signature: Headers) -> Headers {
        let fetching = self.provider.fetching();
        let mut headers = vec![
            ("Host", host(&self.config.public_base_url).to_owned()),
            ("User-Agent", fetching.user_agent.to_owned()),
        ];
        if method == Method::Post {
            headers.push(("Content-Type", fetching.content_type.to_owned()));
        }
        headers.extend(signature);
        headers
    }
}

impl Target {
    /// Takes one `key=value` of a fragment.
    fn obey(&mut self, pair: &str) -> Option<()> {
        let (key, value) = pair.split_once('=')?;
        match key {
            "rc" => self.retries = value.parse().ok().filter(|retries| *retries <= RETRIES_MAX)?,
            "rp" => {
                let known = |policy: &str| matches!(policy, "ct" | "rt" | "4xx" | "5xx" | "all");
                value.split(',').all(known).then_some(())?;
                self.policies = value.split(',').map(str::to_owned).collect();
            }
            "rt" => {
                let ms = value.parse().ok().filter(|ms| READ_TIMEOUT_MS.contains(ms))?;
                self.reply_max = Duration::from_millis(ms);
            }
            _ => return None,
        }
        Some(())
    }

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

fn request(
    engine: &str,
    path: &str,
    method: Method,
    headers: &Headers,
    body: String,
) -> Result<Request<Bytes>, hyper::http::Error> {
    let mut request = Request::builder().method(method.name()).uri(format!("{engine}{path}"));
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    if method == Method::Post && body.is_empty() {
        request = request.header(header::CONTENT_LENGTH, 0);
    }
    request.body(Bytes::from(body))
}

fn joint(url: &str) -> char {
    if url.contains('?') { '&' } else { '?' }
}

fn host(base: &str) -> &str {
    let rest = base.split_once("://").map_or(base, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

/// The URL with the port that its scheme means, if it names none.
fn with_port(url: &str) -> String {
    let host = host(url).split('?').next().unwrap_or_default();
    let port = if url.starts_with("https://") { 443 } else { 80 };
    if host.rsplit(']').next().is_some_and(|end| end.contains(':')) {
        return url.to_owned();
    }
    url.replacen(host, &format!("{host}:{port}"), 1)
}
