//! What a service manager hears, as systemd listens.

use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::folder::Folder;
use crate::server::Server;

/// How long a word may take to come.
const PATIENCE: Duration = Duration::from_secs(60);
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// A service manager that listens.
fn manager(folder: &Folder) -> (UnixDatagram, String) {
    let path = folder.text("notify.sock");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    (socket, path)
}

/// The next thing that is told, by lines.
fn told(socket: &UnixDatagram) -> Vec<String> {
    let mut bytes = [0; 4096];
    let length = socket.recv(&mut bytes).expect("something is told");
    let text = std::str::from_utf8(&bytes[..length]).expect("text");
    text.lines().map(str::to_owned).collect()
}

fn is_silent(socket: &UnixDatagram) -> bool {
    socket.set_nonblocking(true).expect("a socket");
    let silent = socket.recv(&mut [0; 4096]).is_err_and(|e| e.kind() == ErrorKind::WouldBlock);
    socket.set_nonblocking(false).expect("a socket");
    silent
}

#[tokio::test]
async fn a_service_manager_hears_of_readiness_and_of_the_end() {
    let folder = Folder::new();
    let (socket, path) = manager(&folder);
    let mut server = Server::start_with(&folder, &[("NOTIFY_SOCKET", &path)]).expect("a running server");
    assert_eq!(told(&socket), ["READY=1", "STATUS=takes traffic"]);
    assert_eq!(server.operations.get("/readyz").await.status, 200);
    assert_eq!(server.public.get("/nothing").await.status, 404, "the public listener answers");
    assert!(is_silent(&socket), "it is told once");

    server.terminate();
    assert_eq!(told(&socket), ["STOPPING=1", "STATUS=draining"]);
    assert_eq!(server.ended(DRAIN_MAX).await.code(), Some(0), "{}", server.stderr());
    assert!(is_silent(&socket));
}

#[tokio::test]
async fn who_does_not_get_ready_never_says_so() {
    let folder = Folder::without_key();
    let (socket, path) = manager(&folder);
    let refused = Server::start_with(&folder, &[("NOTIFY_SOCKET", &path)]).map(|_| ());
    assert_eq!(refused.expect_err("a server without a key").0.code(), Some(2));
    assert!(is_silent(&socket));
}
