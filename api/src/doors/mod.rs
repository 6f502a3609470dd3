//! The doors: what may be asked on the public listener, and what on the operations listener.

pub mod body;
mod decision;
pub mod operations;
pub mod scanner;
pub mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::{HeaderMap, Uri};
use qnect_core::tag_code::TagCode;
use qnect_engine::Engine;

use crate::config::Network;
use crate::doors::webhooks::Correspondent;
use crate::kept::{self, Said};
use crate::negotiate::Reader;
use crate::problem::Problem;
use crate::texts;

/// What every door needs.
pub struct Doors {
    /// The engine.
    pub engine: Engine,
    /// The origin in every URL that we emit and in every signature, without a slash at its end.
    pub origin: String,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// The providers that are configured.
    pub providers: Vec<Correspondent>,
}

/// The public listener's routes.
pub fn public(doors: Arc<Doors>) -> Router {
    // Now, and not while the first stranger waits for a page.
    texts::load();
    Router::new()
        .route("/q/{code}", get(scanner::tag))
        .route("/Q/{code}", get(scanner::tag))
        .route("/q/{code}/sessions", post(scanner::open_session))
        .route("/Q/{code}/sessions", post(scanner::open_session))
        .route("/sessions/{session}", get(scanner::session))
        .route("/sessions/{session}/cancel", post(scanner::cancel))
        .route("/webhooks/{provider}/{*step}", post(webhooks::webhook))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .with_state(doors)
}

impl Doors {
    /// What a reader is told of a problem; `sticker` is the page to go back to, if it is known.
    fn told(&self, problem: &Problem, reader: Reader, sticker: Option<TagCode>) -> Response {
        let spell = || problem.respond(reader, &self.origin, sticker);
        match (problem, sticker) {
            // Whoever guesses at codes gets no more of our time than needs be.
            (Problem::NotFound, None) => kept::answer(Said::NotFound, reader, &self.origin, [], |[]| spell()),
            _ => spell(),
        }
    }
}

/// The variable part of a path. One that is no UTF-8 is nothing that we emitted: it reads as empty, which nothing is.
fn segment(path: Result<Path<String>, PathRejection>) -> String {
    path.map(|Path(segment)| segment).unwrap_or_default()
}

async fn not_found(State(doors): State<Arc<Doors>>, uri: Uri, headers: HeaderMap) -> Response {
    doors.told(&Problem::NotFound, Reader::of(&uri, &headers), None)
}

async fn method_not_allowed(State(doors): State<Arc<Doors>>, uri: Uri, headers: HeaderMap) -> Response {
    doors.told(&Problem::MethodNotAllowed, Reader::of(&uri, &headers), None)
}
