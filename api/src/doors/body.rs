//! Reading a body under a cap and a deadline.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::problem::Problem;

/// Bytes of a body at most.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long a body may take: with the answer to one that took longer, its connection is over within ten seconds.
const BODY_TIME_MAX: Duration = Duration::from_secs(8);

/// The whole body.
pub async fn read(body: Body) -> Result<Bytes, Problem> {
    let limited = Limited::new(body, BODY_BYTES_MAX);
    match tokio::time::timeout(BODY_TIME_MAX, limited.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::TooLarge),
        Ok(Err(_)) => Err(Problem::Malformed),
        Err(_) => Err(Problem::TooSlow),
    }
}
