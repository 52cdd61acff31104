//! `/livez` and `/readyz`, for probes and for people: one line of plain text each.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Response, StatusCode};

use super::text;
use crate::readiness::Readiness;
use crate::view::View;

/// Fails only when a restart would help: a data thread has ended.
pub(super) fn live(view: &View) -> Response<Full<Bytes>> {
    if view.proxy.is_healthy() || view.is_draining() {
        text(StatusCode::OK, "ok\n".to_owned())
    } else {
        text(StatusCode::SERVICE_UNAVAILABLE, "a data thread has ended\n".to_owned())
    }
}

pub(super) fn ready(view: &View) -> Response<Full<Bytes>> {
    match view.readiness() {
        Readiness::Ready => text(StatusCode::OK, "ok\n".to_owned()),
        Readiness::Waiting(missing) => {
            text(StatusCode::SERVICE_UNAVAILABLE, format!("waiting for {}\n", missing.join(", ")))
        }
        Readiness::Draining => text(StatusCode::SERVICE_UNAVAILABLE, "draining\n".to_owned()),
    }
}
