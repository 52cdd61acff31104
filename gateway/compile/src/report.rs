//! What is served, for people to read.

use bulkhead_crds::report::RouteReport;
use bulkhead_model::redirect::HostRedirect;
use bulkhead_model::{Action, Denial, Route};

/// How much is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Ingresses of the lane's classes in its namespaces.
    pub ingresses: u32,
    /// Routes.
    pub routes: u32,
    /// Endpoints of the backends that routes lead to.
    pub endpoints: u32,
}

/// What has become of the certificates that Ingresses and the lane want, one for each host that wants one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Certificates {
    /// Those that clients are shown.
    pub shown: u32,
    /// Those that are not valid any more; the default certificate is shown.
    pub expired: u32,
    /// Those that are not valid yet; the default certificate is shown.
    pub not_yet_valid: u32,
    /// Those that are missing, cannot be read, or are for other names; the default certificate is shown.
    pub unusable: u32,
    /// When the first of those that are shown expires, in seconds since 1970.
    pub first_expiry: Option<u64>,
}

pub(crate) fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A route of `host`, which is empty for every host and may be another name of the one that the route was written for.
pub(crate) fn route(host: &str, route: &Route) -> RouteReport {
    let (backend, endpoints, unavailable) = match &route.action {
        Action::Deny(Denial::NoRoute) => (elsewhere(route).unwrap_or_default(), 0, ""),
        Action::Deny(denial) => (String::new(), 0, because(*denial)),
        Action::Forward(backends) => {
            let names: Vec<&str> = backends.iter().map(|weighted| &*weighted.backend.name).collect();
            let endpoints = backends.iter().map(|weighted| weighted.backend.endpoints().list.len()).sum();
            (names.join(", "), endpoints, if endpoints == 0 { because(Denial::NoEndpoints) } else { "" })
        }
    };
    RouteReport {
        host: if host.is_empty() { "*".to_owned() } else { host.to_owned() },
        path: route.path.to_string(),
        path_type: format!("{:?}", route.kind),
        ingress: route.origin.to_string(),
        backend: if backend.is_empty() { format!("none: {unavailable}") } else { backend },
        endpoints: count(endpoints),
        unavailable: unavailable.to_owned(),
    }
}

/// Where everybody is sent, of a route that is for nothing else.
fn elsewhere(route: &Route) -> Option<String> {
    match route.filters.as_ref()?.redirects.as_ref()?.host.as_ref()? {
        HostRedirect::Name { host, .. } => Some(format!("none: redirected to {host}")),
        HostRedirect::Root(_) | HostRedirect::Slash(_) => None,
    }
}

const fn because(denial: Denial) -> &'static str {
    match denial {
        Denial::NoService => "the Service, or the port of it, does not exist or cannot be asked",
        Denial::NoEndpoints => "no endpoint takes requests",
        Denial::PolicyNotServed => "a protection is asked for that cannot be had",
        _ => "requests are refused",
    }
}
