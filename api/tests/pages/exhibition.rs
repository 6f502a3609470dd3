//! The gallery behind a server, with the header fields that the doors send.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use qnect_api::answer::page;
use qnect_api::pages::Edition;
use tokio::net::TcpListener;

use crate::ORIGIN;
use crate::gallery::{Picture, all};

type Pictures = Arc<BTreeMap<String, Picture>>;

/// Hangs all pages up, each under its name. The server ends with the runtime.
pub(crate) async fn open() -> SocketAddr {
    let pictures: Pictures = Arc::new(all().into_iter().map(|picture| (picture.name.clone(), picture)).collect());
    let router = Router::new().route("/{name}", get(show)).with_state(pictures);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(router.clone());
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

async fn show(State(pictures): State<Pictures>, Path(name): Path<String>) -> Response {
    let edition = |language| Edition { origin: ORIGIN, language };
    match pictures.get(&name) {
        Some(picture) => page(picture.status, picture.html.clone(), edition(picture.language)),
        None => page(StatusCode::NOT_FOUND, String::new(), edition(qnect_core::language::Language::English)),
    }
}
