//! A provider that is out as long as a file is there: a strike is a command of a shell, and that is what one can say.

use std::path::PathBuf;
use std::time::Duration;

use qnect_simulator::Network;
use tokio::task::JoinHandle;

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Somebody who looks for the file.
#[derive(Debug)]
pub(super) struct Watched {
    network: Network,
    looks: JoinHandle<()>,
}

impl Watched {
    /// From now on the provider of `network` is out whenever there is such a file.
    pub(super) fn begin(network: Network, file: PathBuf) -> Watched {
        let looks = tokio::spawn(look(network.clone(), file));
        Watched { network, looks }
    }
}

impl Drop for Watched {
    /// Whoever waits for the provider must not wait for ever.
    fn drop(&mut self) {
        self.looks.abort();
        self.network.set_out(false);
    }
}

async fn look(network: Network, file: PathBuf) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    loop {
        looks.tick().await;
        network.set_out(file.exists());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use qnect_simulator::{Network, NetworkConfig};

    use super::Watched;

    #[tokio::test(start_paused = true)]
    async fn the_provider_is_out_as_long_as_the_file_is_there_and_somebody_looks() {
        let base = "http://127.0.0.1:9".to_owned();
        let account = NetworkConfig { auth_id: "MA".to_owned(), auth_token: "token".to_owned(), ..Default::default() };
        let config = NetworkConfig { engine: base.clone(), public_base_url: base, ..account };
        let network = Network::new(config).expect("a valid configuration");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("out");
        let watched = Watched::begin(network.clone(), file.clone());
        let looked_at = || tokio::time::sleep(Duration::from_millis(250));
        for is_there in [false, true, false, true] {
            match is_there {
                true => std::fs::write(&file, "").expect("room"),
                false => drop(std::fs::remove_file(&file)),
            }
            looked_at().await;
            assert_eq!(network.is_out(), is_there);
        }
        drop(watched);
        looked_at().await;
        assert!(!network.is_out(), "nobody waits for ever");
    }
}
