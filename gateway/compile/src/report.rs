//! What is served, for people to read.

use bulkhead_crds::report::RouteReport;
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

pub(crate) fn route(route: &Route) -> RouteReport {
    let (backend, endpoints, unavailable) = match &route.action {
        Action::Deny(denial) => (String::new(), 0, because(*denial)),
        Action::Forward(backends) => {
            let names: Vec<&str> = backends.iter().map(|weighted| &*weighted.backend.name).collect();
            let endpoints = backends.iter().map(|weighted| weighted.backend.endpoints().list.len()).sum();
            (names.join(", "), endpoints, if endpoints == 0 { because(Denial::NoEndpoints) } else { "" })
        }
    };
    RouteReport {
        host: if route.host.is_empty() { "*".to_owned() } else { route.host.to_string() },
        path: route.path.to_string(),
        path_type: format!("{:?}", route.kind),
        ingress: route.origin.to_string(),
        backend: if backend.is_empty() { format!("none: {unavailable}") } else { backend },
        endpoints: count(endpoints),
        unavailable: unavailable.to_owned(),
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
