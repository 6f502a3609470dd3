//! The two kinds of URL in the configuration: the origin that we emit, and the base of a provider's REST interface.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::kinds::{Fault, Kind};

/// An origin: scheme, host, and a port where it is not the scheme's own. It is written into stickers and signatures
/// letter by letter, so it has exactly one spelling.
pub(super) fn judge_origin(text: &str) -> Result<(), Fault> {
    let url = split(text).map_err(|what| fault(what, Kind::Origin.advice()))?;
    if !url.tail.is_empty() {
        return Err(fault("has something after the host", format!("write \"{}\"", url.origin())));
    }
    refuse_clear_text(&url)
}

/// A URL to which paths are appended.
pub(super) fn judge_base_url(text: &str) -> Result<(), Fault> {
    let wrong = |what| fault(what, Kind::BaseUrl.advice());
    let url = split(text).map_err(wrong)?;
    if url.tail.ends_with('/') {
        return Err(wrong("ends with a slash"));
    }
    if url.tail.contains(['?', '#']) || !url.tail.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(wrong("has more than a path after the host"));
    }
    refuse_clear_text(&url)
}

struct Url<'a> {
    scheme: &'a str,
    authority: &'a str,
    host: Host,
    /// Path, query and fragment.
    tail: &'a str,
}

enum Host {
    Address(IpAddr),
    Name(String),
}

impl Url<'_> {
    fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }
}

fn split(text: &str) -> Result<Url<'_>, &'static str> {
    let (scheme, rest) = text.split_once("://").ok_or("is not a URL")?;
    let default_port = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return Err("has a scheme that is neither https nor http"),
    };
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err("has a user in it");
    }
    let (host, port) = split_port(authority);
    if let Some(port) = port {
        let port = port.parse::<u16>().ok().filter(|&n| n > 0 && port == n.to_string()).ok_or("has a bad port")?;
        if port == default_port {
            return Err("names the port that its scheme has anyway");
        }
    }
    Ok(Url { scheme, authority, host: host_from(host)?, tail })
}

/// The colons inside the brackets of an IPv6 address are not the port's.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn host_from(text: &str) -> Result<Host, &'static str> {
    if let Some(inside) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address: Ipv6Addr = inside.parse().map_err(|_| "has a bad IPv6 address")?;
        return Ok(Host::Address(IpAddr::V6(address)));
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(Host::Address(IpAddr::V4(address)));
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err("has a host that is not in lower case");
    }
    let last = text.rsplit('.').next().unwrap_or_default();
    let looks_like_address = last.bytes().all(|byte| byte.is_ascii_digit());
    if text.len() > 253 || looks_like_address || !text.split('.').all(is_label) {
        return Err("has a bad host name");
    }
    Ok(Host::Name(text.to_owned()))
}

fn is_label(label: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&label.len()) && label.bytes().all(known) && !label.starts_with('-') && !label.ends_with('-')
}

fn refuse_clear_text(url: &Url<'_>) -> Result<(), Fault> {
    if url.scheme == "https" || is_near(&url.host) {
        return Ok(());
    }
    let write = format!("write \"https://{}\"; http is for loopback and private addresses", url.authority);
    Err(fault("is http on a public host", write))
}

/// Loopback, private and link-local addresses, and the names of this host.
fn is_near(host: &Host) -> bool {
    match host {
        Host::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        Host::Address(address) => match address.to_canonical() {
            IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
        },
    }
}

fn fault(what: &str, write: String) -> Fault {
    Fault { at: String::new(), what: what.to_owned(), write }
}
