//! Whose door it is: a load test against somebody else's host is an attack.

use std::net::IpAddr;

use hyper::Uri;

/// Said when a target is not on this machine and nobody vouches for it.
pub(crate) const NOT_OURS: &str = "the target is not on this machine; if the host is yours, say --i-own-this-host";

/// Where the engine listens: scheme, host and port, nothing more.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    base: String,
    host: String,
}

impl Target {
    /// Reads `http://host[:port]`, with or without a slash at the end.
    pub(crate) fn read(text: &str) -> Result<Target, String> {
        Target::read_as("http", text)
    }

    /// Reads `https://host[:port]`, likewise.
    pub(crate) fn read_secure(text: &str) -> Result<Target, String> {
        Target::read_as("https", text)
    }

    fn read_as(scheme: &str, text: &str) -> Result<Target, String> {
        let wrong = || format!("the target must be {scheme}://host[:port], got {text:?}");
        let base = text.trim_end_matches('/');
        let uri: Uri = base.parse().map_err(|_| wrong())?;
        let host = uri.host().unwrap_or_default();
        let bare = uri.path() == "/" && uri.query().is_none() && !base.contains(['@', '#']);
        if uri.scheme_str() != Some(scheme) || host.is_empty() || !bare {
            return Err(wrong());
        }
        Ok(Target { base: base.to_owned(), host: host.trim_matches(['[', ']']).to_owned() })
    }

    /// Without a slash at the end, so that a path can be appended.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Whether it can only be this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn this_machine_is_recognized() {
        for text in ["http://127.0.0.1:8080", "http://localhost:1/", "http://[::1]:8080", "http://127.9.9.9"] {
            assert!(Target::read(text).expect("a target").is_loopback(), "{text}");
        }
    }

    #[test]
    fn another_machine_is_not_taken_for_this_one() {
        for text in
            ["http://192.0.2.1:8080", "http://127.0.0.1.example", "http://localhost.example", "http://[2001:db8::1]"]
        {
            assert!(!Target::read(text).expect("a target").is_loopback(), "{text}");
        }
    }

    #[test]
    fn a_secure_target_is_no_plain_one() {
        assert!(Target::read_secure("https://localhost:8443").expect("a target").is_loopback());
        for text in ["http://localhost", "https://localhost/q", "localhost"] {
            assert!(Target::read_secure(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_plain_http_origin_is_refused() {
        for text in [
            "",
            "localhost:8080",
            "https://localhost",
            "ftp://localhost",
            "http://",
            "http://localhost/q",
            "http://localhost?x",
            "http://localhost#x",
            "http://localhost@192.0.2.1",
        ] {
            assert!(Target::read(text).is_err(), "{text}");
        }
    }
}
