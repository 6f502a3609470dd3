//! How it ends, and how it refuses to begin.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::folder::{Folder, owner, stderr, stdout};
use crate::server::Server;

/// What is promised is 10 s; a request that is cut off costs a moment more.
const DRAIN_MAX: Duration = Duration::from_secs(10);
const CUT_OFF_MAX: Duration = Duration::from_secs(15);

#[tokio::test]
async fn sigterm_ends_in_order() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let mut server = Server::start(&folder);
    let opened = server.open(&code, "blocking").await;
    assert_eq!(server.stdout().lines().count(), 1, "one line on stdout: {}", server.stdout());
    let mut idle = TcpStream::connect(server.address).await.expect("a connection");
    idle.write_all(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("a sent request");
    head(&mut idle).await;

    server.terminate();
    let status = server.ended(DRAIN_MAX).await;
    assert_eq!(status.code(), Some(0), "{}", server.stderr());
    assert_eq!(idle.read(&mut [0; 1024]).await.expect("an end"), 0, "an idle connection is closed");
    assert_eq!(server.stdout().lines().count(), 1, "{}", server.stdout());
    drop(server);

    let server = Server::start(&folder);
    assert_eq!(server.status(&opened.session).await.0, "waiting");
}

#[tokio::test]
async fn a_client_that_never_finishes_holds_nobody_up() {
    let folder = Folder::new();
    let mut server = Server::start(&folder);
    let mut half_a_head = TcpStream::connect(server.address).await.expect("a connection");
    half_a_head.write_all(b"GET / HTTP/1.1\r\nHost:").await.expect("half a head");
    let mut half_a_body = request_under_way(&server).await;
    half_a_body.write_all(b"1").await.expect("half a body");
    // Served on other connections meanwhile.
    assert_eq!(server.public.get("/nothing").await.status, 404);
    server.terminate();
    assert_eq!(server.ended(CUT_OFF_MAX).await.code(), Some(0), "{}", server.stderr());
}

#[tokio::test]
async fn a_drain_is_seen_on_the_operations_listener() {
    let folder = Folder::new();
    let mut server = Server::start(&folder);
    let mut under_way = request_under_way(&server).await;
    assert_eq!(server.operations.get("/readyz").await.status, 200);
    server.terminate();
    let drained = async {
        while server.operations.get("/readyz").await.status == 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let ready = server.operations.get("/readyz?verbose").await;
        assert_eq!(ready.status, 503);
        assert!(ready.body.contains("storage: ok") && ready.body.contains("not_draining: failed"), "{}", ready.body);
        assert_eq!(server.operations.get("/metrics").await.status, 200);
    };
    tokio::time::timeout(DRAIN_MAX, drained).await.expect("a drain that is told");
    under_way.write_all(b"123456789").await.expect("a body");
    assert!(under_way.read(&mut [0; 4096]).await.expect("an answer") > 0, "who had begun is answered");
    assert_eq!(server.ended(DRAIN_MAX).await.code(), Some(0), "{}", server.stderr());
}

/// A request that a drain waits for, in which the server waits for its body of nine bytes. It says so itself, to who expects that
/// it does: whatever else has been sent may not have been read.
async fn request_under_way(server: &Server) -> TcpStream {
    let mut connection = TcpStream::connect(server.address).await.expect("a connection");
    // A first request is not begun before it is whole, and nobody waits for it; a later one is.
    connection.write_all(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("a whole request");
    head(&mut connection).await;
    let expecting =
        b"POST /webhooks/plivo/voice HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n";
    connection.write_all(expecting).await.expect("a head");
    assert_eq!(head(&mut connection).await, "HTTP/1.1 100 Continue\r\n\r\n");
    connection
}

/// The head of the next answer.
async fn head(connection: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.expect("an answer"));
    }
    String::from_utf8(head).expect("text")
}

#[test]
fn an_address_that_is_taken_is_one() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let folder = Folder::new();
    let refused = folder.run(&["serve", "--config", &folder.text("qnect.toml"), "--listen", &address]);
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
    assert!(stderr(&refused).contains(&address), "{}", stderr(&refused));
}

#[tokio::test]
async fn a_folder_has_one_engine() {
    let folder = Folder::new();
    let server = Server::start(&folder);
    for refused in [
        folder.run(&["serve", "--config", &folder.text("qnect.toml")]),
        folder.import_text(owner("+919800000017").to_string().as_bytes()),
    ] {
        assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
        assert!(stderr(&refused).contains("in use"), "{}", stderr(&refused));
        assert_eq!(stdout(&refused), "", "nothing is ready");
    }
    assert_eq!(server.operations.get("/readyz").await.status, 200, "the first one goes on");
}

#[test]
fn a_missing_or_a_foreign_key_is_told_before_anything_is_touched() {
    let folder = Folder::without_key();
    let refused = folder.run(&["serve", "--config", &folder.text("qnect.toml")]);
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("keys init"), "what to do: {}", stderr(&refused));
    assert!(!folder.data().exists(), "no folder is made for a server that cannot start");

    let (folder, other) = (Folder::new(), Folder::new());
    folder.import(&[owner("+919800000017")]);
    folder.take_key_of(&other);
    let refused = folder.run(&["serve", "--config", &folder.text("qnect.toml")]);
    assert_eq!(refused.status.code(), Some(2), "the wrong key file is a matter of configuration");
    assert!(stderr(&refused).contains("master key"), "{}", stderr(&refused));
    let again = folder.run(&["keys", "init", "--key-file", &folder.text("master.key")]);
    assert_eq!(again.status.code(), Some(2), "a key is never overwritten");
}

#[test]
fn a_database_that_lost_what_was_acknowledged_is_not_served_from() {
    let folder = Folder::new();
    folder.import(&[owner("+919800000017")]);
    // As if a later commit had once been safe: its number and, as a check, the same number with every bit turned.
    let later = 1_000_000_u64;
    std::fs::write(folder.data().join("high-water.mark"), (u128::from(later) << 64 | u128::from(!later)).to_be_bytes())
        .expect("a written mark");
    let refused = folder.run(&["serve", "--config", &folder.text("qnect.toml")]);
    assert_eq!(refused.status.code(), Some(70), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("do not serve from this folder"), "what to do: {}", stderr(&refused));
    assert!(refused.stdout.is_empty(), "never ready");
}

#[test]
fn a_wrong_configuration_is_told_by_key_and_line() {
    let folder = Folder::new().edit("access_code_digits = 7", "access_code_digits = 12\ncolour = \"red\"");
    let config = folder.text("qnect.toml");
    for arguments in [&["serve", "--config", &config][..], &["import", "--config", &config, "nobody.ndjson"]] {
        let refused = folder.run(arguments);
        let told = stderr(&refused);
        assert_eq!(refused.status.code(), Some(2), "{told}");
        assert!(told.contains("numbers[0].access_code_digits") && told.contains("numbers[0].colour"), "{told}");
        assert_eq!(told.lines().next(), Some("qnect: the configuration has 2 problems:"), "{told}");
        assert!(told.contains("qnect.toml:13:") && told.contains("qnect.toml:14:"), "{told}");
    }
    let folder = Folder::new().set("CALLS__RING_SECONDS", "0");
    let refused = folder.run(&["config", "check", "--config", &folder.text("qnect.toml")]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("QNECT__CALLS__RING_SECONDS"), "{}", stderr(&refused));
}

#[test]
fn bad_usage_is_two() {
    let folder = Folder::new();
    for arguments in [&["serve", "--config", "nothing.toml"][..], &["fly"], &["serve", "--listen", "here"], &[]] {
        assert_eq!(folder.run(arguments).status.code(), Some(2), "{arguments:?}");
    }
    assert_eq!(folder.run(&["--version"]).status.code(), Some(0));
}
