//! What is known of a client, and how little of it goes on: an address to the network, a device and a browser to the
//! class.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::USER_AGENT;
use qnect_core::scan::{AddressKey, AddressPrefix, BrowserClass, DeviceClass, Scan};

use crate::config::Network;

/// `X-Forwarded-For` entries that are looked at, from the right.
const HOPS_MAX: usize = 16;

/// The address that a connection came from, as an extension of its requests.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// The client's address: the peer's, or, as far as the peers are proxies that we trust, the nearest one that is not.
pub fn address(peer: Peer, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut nearest = peer.0.ip();
    if trusted.is_empty() {
        return nearest;
    }
    let fields = headers.get_all("x-forwarded-for").iter().rev().filter_map(|v| v.to_str().ok());
    for entry in fields.flat_map(|field| field.rsplit(',')).take(HOPS_MAX) {
        if !is_trusted(nearest) {
            break;
        }
        match entry.trim().parse() {
            Ok(address) => nearest = address,
            // Nothing behind an entry that is no address can be believed.
            Err(_) => break,
        }
    }
    nearest
}

/// What the engine may know of a scan.
pub fn scan(address: IpAddr, headers: &HeaderMap) -> (Scan, AddressKey) {
    let agent = headers.get(USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let scan = Scan { address: AddressPrefix::of(address), device: device(agent), browser: browser(agent) };
    (scan, AddressKey::of(address))
}

fn device(agent: &str) -> DeviceClass {
    let has = |word: &str| agent.contains(word);
    if has("bot") || has("Bot") || has("spider") || has("crawler") {
        DeviceClass::Bot
    } else if has("iPad") || has("Tablet") || has("Android") && !has("Mobile") {
        DeviceClass::Tablet
    } else if has("Mobile") || has("iPhone") {
        DeviceClass::Phone
    } else if has("Windows") || has("Macintosh") || has("X11") {
        DeviceClass::Desktop
    } else {
        DeviceClass::Unknown
    }
}

fn browser(agent: &str) -> BrowserClass {
    let has = |word: &str| agent.contains(word);
    // Chromium's relatives call themselves Safari too, so they are asked first.
    if has("Firefox/") || has("FxiOS/") {
        BrowserClass::Firefox
    } else if has("Chrome/") || has("CriOS/") || has("Chromium/") {
        BrowserClass::Chromium
    } else if has("Safari/") {
        BrowserClass::Safari
    } else {
        BrowserClass::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for field in forwarded {
            headers.append("x-forwarded-for", field.parse().unwrap());
        }
        let trusted: Vec<Network> = trusted.iter().map(|t| t.parse().unwrap()).collect();
        address(Peer(SocketAddr::new(peer.parse().unwrap(), 1)), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_cannot_choose_an_address() {
        assert_eq!(client("203.0.113.9", &["198.51.100.1"], &[]), "203.0.113.9");
        assert_eq!(client("203.0.113.9", &["198.51.100.1"], &["10.0.0.0/8"]), "203.0.113.9");
    }

    #[test]
    fn behind_trusted_proxies_the_nearest_stranger_counts() {
        let trusted = ["10.0.0.0/8"];
        assert_eq!(client("10.0.0.1", &["198.51.100.1"], &trusted), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["192.0.2.7, 198.51.100.1, 10.0.0.2"], &trusted), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["192.0.2.7", "198.51.100.1"], &trusted), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["192.0.2.7, nonsense"], &trusted), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[], &trusted), "10.0.0.1");
    }

    #[test]
    fn agents_become_classes() {
        let phone = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36";
        assert_eq!((device(phone), browser(phone)), (DeviceClass::Phone, BrowserClass::Chromium));
        let ipad = "Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Safari/604.1";
        assert_eq!((device(ipad), browser(ipad)), (DeviceClass::Tablet, BrowserClass::Safari));
        assert_eq!((device("curl/8"), browser("curl/8")), (DeviceClass::Unknown, BrowserClass::Unknown));
    }
}
