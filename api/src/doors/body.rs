//! Reading a body under a cap and a deadline.

use axum::BoxError;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body;
use tokio::time::{Instant, timeout_at};

use crate::problem::Problem;

/// Bytes of a body at most.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// Until when a request is to be whole, as an extension of it.
#[derive(Debug, Clone, Copy)]
pub struct WholeUntil(pub Instant);

/// The whole body.
pub async fn read<B>(body: B, WholeUntil(until): WholeUntil) -> Result<Bytes, Problem>
where
    B: Body<Error: Into<BoxError>>,
{
    let limited = Limited::new(body, BODY_BYTES_MAX);
    match timeout_at(until, limited.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::TooLarge),
        Ok(Err(_)) => Err(Problem::Malformed),
        Err(_) => Err(Problem::TooSlow),
    }
}
