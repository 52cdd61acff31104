//! `/v1/status`.

use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;

use crate::status::report;
use crate::view::View;

pub(super) fn page(view: &View) -> Response<Full<Bytes>> {
    super::json(&report(&view.state(), view.proxy.served(), view.is_draining()))
}
