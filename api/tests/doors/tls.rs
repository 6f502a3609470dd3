//! TLS in the process: what is spoken, who comes again, and a certificate that is renewed under a running server.

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustix::process::Signal;
use rustls::pki_types::CertificateDer;
use rustls::version::{TLS12, TLS13};
use rustls::{HandshakeKind, ProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::folder::{Folder, owner, stderr};
use crate::honest::ask;
use crate::raw;
use crate::secure::{self, certify, with_tls};
use crate::server::Server;

#[tokio::test]
async fn both_versions_of_http_are_spoken_over_both_of_tls() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let (folder, certificate) = with_tls(folder);
    let server = Server::start(&folder);
    assert!(server.stdout().starts_with("ready public=https://127.0.0.1:"), "{}", server.stdout());
    let path = format!("/q/{code}");
    for (version, spoken) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        for (offered, expected) in [
            (&["h2", "http/1.1"][..], Version::HTTP_2),
            (&["http/1.1"], Version::HTTP_11),
            (&["http/1.1", "h2"], Version::HTTP_2),
            (&[], Version::HTTP_11),
        ] {
            let stream = connect(&server, secure::client(&certificate, &[version], offered).into()).await;
            assert_eq!(stream.get_ref().1.protocol_version(), Some(spoken));
            let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            assert_eq!(is_h2, expected == Version::HTTP_2, "{offered:?}");
            let (status, answered, body) = get(stream, &path, is_h2).await;
            assert_eq!((status, answered), (200, expected), "{offered:?}: {body}");
            assert!(body.contains("\"decision\":\"allow\""), "{body}");
        }
    }
    assert_eq!(server.metrics().await.sum("qnect_scans_total"), 8.0);
}

#[tokio::test]
async fn who_comes_again_is_spared_the_signature() {
    let (folder, certificate) = with_tls(Folder::new());
    let server = Server::start(&folder);
    for version in [&TLS12, &TLS13] {
        let connector = TlsConnector::from(secure::client(&certificate, &[version], &["http/1.1"]));
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let stream = connect(&server, connector.clone()).await;
            kinds.push(stream.get_ref().1.handshake_kind());
            // The tickets of TLS 1.3 come with the answer.
            get(stream, "/nothing", false).await;
        }
        assert_eq!(kinds, [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)], "{version:?}");
    }
}

#[tokio::test]
async fn who_speaks_something_else_is_hung_up_on() {
    let (folder, certificate) = with_tls(Folder::new());
    let server = Server::start(&folder);
    let plain = raw::exchange_bytes(server.address, &raw::request("GET /nothing", &[], b"")).await;
    assert!(!plain.starts_with(b"HTTP"), "plain HTTP is not answered where TLS is spoken: {plain:?}");
    let foreign = secure::client(&certificate, rustls::ALL_VERSIONS, &["spdy/3"]);
    let stream = TcpStream::connect(server.address).await.expect("a connection");
    let error = TlsConnector::from(foreign).connect(secure::name(), stream).await.expect_err("no protocol in common");
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
    assert_eq!(server.operations.get("/readyz").await.status, 200, "the operations listener is plain HTTP");
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_without_a_restart() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let (folder, first) = with_tls(folder);
    let server = Server::start(&folder);
    let path = format!("/q/{code}");
    ask(server.address, &path, Some(&secure::connector(&first))).await;

    let second = certify(&folder);
    server.signal(Signal::HUP);
    told(&server, "was read again", 1).await;
    assert_eq!(shown(&server, &second).await, second);

    // Half a renewal, and nonsense: the certificate stays.
    for (times, spoilt) in [(1, "tls.crt"), (2, "tls.key")] {
        std::fs::write(folder.path(spoilt), "nonsense").expect("a written file");
        server.signal(Signal::HUP);
        told(&server, "stays as it was", times).await;
        assert_eq!(shown(&server, &second).await, second);
    }
    let third = certify(&folder);
    server.signal(Signal::HUP);
    told(&server, "was read again", 2).await;
    assert_eq!(shown(&server, &third).await, third);
    ask(server.address, &path, Some(&secure::connector(&third))).await;
}

#[test]
fn a_certificate_that_cannot_be_used_is_told_at_the_start() {
    let (folder, _) = with_tls(Folder::new());
    let own_key = std::fs::read(folder.path("tls.key")).expect("a key");
    let other = Folder::new();
    certify(&other);
    let cases: [(&str, Option<Vec<u8>>, &str); 5] = [
        ("tls.crt", None, "tls.certificate_file: can't read"),
        ("tls.crt", Some(b"nonsense".to_vec()), "no certificate in PEM"),
        ("tls.key", Some(std::fs::read(folder.path("tls.crt")).expect("a certificate")), "no private key in PEM"),
        ("tls.key", Some(std::fs::read(other.path("tls.key")).expect("a key")), "cannot be used together"),
        ("tls.key", None, "tls.private_key_file: can't read"),
    ];
    for (file, content, told) in cases {
        let before = std::fs::read(folder.path(file)).expect("a file");
        match content {
            Some(content) => std::fs::write(folder.path(file), content).expect("a written file"),
            None => std::fs::remove_file(folder.path(file)).expect("a removed file"),
        }
        let refused = folder.run(&["serve", "--config", &folder.text("qnect.toml")]);
        assert_eq!(refused.status.code(), Some(2), "{told}: {}", stderr(&refused));
        assert!(stderr(&refused).contains(told), "{told}: {}", stderr(&refused));
        assert!(!folder.data().exists(), "nothing is made for a server that cannot start");
        std::fs::write(folder.path(file), before).expect("a written file");
    }
    assert_eq!(std::fs::read(folder.path("tls.key")).expect("a key"), own_key);
}

#[tokio::test]
async fn an_idle_connection_over_tls_does_not_hold_up_the_end() {
    let (folder, certificate) = with_tls(Folder::new());
    let mut server = Server::start(&folder);
    let idle = connect(&server, secure::connector(&certificate)).await;
    let (mut sender, connection) = http1::handshake::<_, Empty<Bytes>>(TokioIo::new(idle)).await.expect("HTTP/1");
    tokio::spawn(connection);
    let request = Request::get("/nothing").header("Host", "x").body(Empty::new()).expect("a request");
    assert_eq!(sender.send_request(request).await.expect("an answer").status(), 404);
    server.terminate();
    assert_eq!(server.ended(std::time::Duration::from_secs(10)).await.code(), Some(0), "{}", server.stderr());
}

async fn connect(server: &Server, connector: TlsConnector) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(server.address).await.expect("a connection");
    connector.connect(secure::name(), stream).await.expect("a handshake")
}

/// The certificate that is shown now to one who trusts `trusted`.
async fn shown(server: &Server, trusted: &CertificateDer<'static>) -> CertificateDer<'static> {
    let stream = connect(server, secure::connector(trusted)).await;
    stream.get_ref().1.peer_certificates().expect("a certificate")[0].clone().into_owned()
}

/// Waits until the server has said `what` so often.
async fn told(server: &Server, what: &str, times: usize) {
    let heard = async {
        while server.stderr().matches(what).count() < times {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let late = std::time::Duration::from_secs(60);
    tokio::time::timeout(late, heard).await.unwrap_or_else(|_| panic!("never {what}: {}", server.stderr()));
}

async fn get(stream: TlsStream<TcpStream>, path: &str, is_h2: bool) -> (u16, Version, String) {
    let io = TokioIo::new(stream);
    let request = Request::get(format!("https://qnect.example{path}")).header("Accept", "application/json");
    let response = if is_h2 {
        let (mut sender, connection) =
            http2::handshake::<_, _, Empty<Bytes>>(TokioExecutor::new(), io).await.expect("HTTP/2");
        tokio::spawn(connection);
        sender.send_request(request.body(Empty::new()).expect("a request")).await
    } else {
        let (mut sender, connection) = http1::handshake::<_, Empty<Bytes>>(io).await.expect("HTTP/1");
        tokio::spawn(connection);
        sender.send_request(request.header("Host", "qnect.example").body(Empty::new()).expect("a request")).await
    };
    let (head, body) = response.expect("an answer").into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    (head.status.as_u16(), head.version, String::from_utf8(body.to_vec()).expect("UTF-8"))
}
