//! The configuration of `demo`: nothing to write, nothing to configure.

use std::net::SocketAddr;
use std::path::Path;

use super::kinds::Fault;
use super::problem::{ConfigError, Place, Problem};
use super::sections::{Config, Number, Plivo, Provider, Providers, Server, Storage};
use super::{Secret, urls};

impl Config {
    /// One number at a Plivo that is simulated, all else by default. The master key goes into the data folder.
    /// `auth_token` is what the simulated provider was given, and `api_base_url` where it can be asked.
    ///
    /// # Errors
    /// `public_base_url`, which a user may have given, is not an origin.
    pub fn demo(
        listen: SocketAddr,
        ops_listen: SocketAddr,
        data_dir: &Path,
        public_base_url: &str,
        (api_base_url, auth_token): (String, Secret),
    ) -> Result<Self, ConfigError> {
        if let Err(Fault { at: _, what, write }) = urls::judge_origin(public_base_url) {
            let (place, key) = (Place::Flag("--public-base-url"), "server.public_base_url".to_owned());
            return Err(ConfigError::new(vec![Problem { place, key, what, write }]));
        }
        Ok(Self {
            server: Server {
                listen,
                ops_listen,
                public_base_url: Some(public_base_url.to_owned()),
                ..Server::default()
            },
            storage: Storage {
                data_dir: Some(data_dir.to_owned()),
                key_file: Some(data_dir.join("master.key")),
                ballast_mebibytes: 0,
                ..Storage::default()
            },
            numbers: vec![Number::new("+911140000001", Provider::Plivo)],
            providers: Providers {
                plivo: Some(Plivo { api_base_url, ..Plivo::new("MADEMO0000000000000X", auth_token) }),
                ..Providers::default()
            },
            ..Self::default()
        })
    }
}
