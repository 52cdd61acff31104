//! `/v1/routes`.

use std::time::Duration;

use bulkhead_crds::report::RoutesReport;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Response, StatusCode};
use tokio::sync::oneshot;

use crate::view::View;

/// For the control thread to answer; it may be compiling.
const ANSWER: Duration = Duration::from_secs(5);

pub(super) async fn page(view: &View) -> Response<Full<Bytes>> {
    let (question, answer) = oneshot::channel();
    if view.routes.try_send(question).is_err() {
        return super::text(
            StatusCode::SERVICE_UNAVAILABLE,
            "others are asking for the routes, try again\n".to_owned(),
        );
    }
    match tokio::time::timeout(ANSWER, answer).await {
        Ok(Ok(routes)) => super::json(&RoutesReport { snapshot: view.proxy.served(), routes }),
        _ => super::text(StatusCode::SERVICE_UNAVAILABLE, "the control thread is busy, try again\n".to_owned()),
    }
}
