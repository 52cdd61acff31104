//! `/metrics`.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Response, StatusCode};

use crate::metrics::{self, Readings};
use crate::view::View;

pub(super) fn page(view: &View) -> Response<Full<Bytes>> {
    let readings = Readings {
        tally: view.proxy.tally(),
        connections: view.proxy.connections(),
        most_connections: view.proxy.most_connections() as u64,
        served: view.proxy.served(),
        ready: view.readiness().is_ready(),
        draining: view.is_draining(),
        overload: *view.overload.borrow(),
        control: view.state(),
        accounts: view.proxy.accounts(),
        // Kubernetes names the machine of a container after its pod.
        pod: std::env::var("HOSTNAME").unwrap_or_default(),
    };
    super::page(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", metrics::page(&readings).into())
}
