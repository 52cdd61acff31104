//! What a route does with a request besides sending it on: what its Ingress asks for, and what its lane adds.

use std::sync::Arc;

use bulkhead_crds::lane::Profile;
use bulkhead_model::filters::Order;
use bulkhead_model::redirect::{HttpsRedirect, Redirects};
use bulkhead_model::{Authentication, ErrorPages, Filters, Settings};

use crate::annotation::Redirection;
use crate::hosts::HostPolicy;
use crate::ingress::Declared;
use crate::outside::Outside;

/// The filters of the routes of an Ingress in a lane; `None`: there are none.
pub(crate) fn make(
    declared: &Declared,
    lane: &HostPolicy,
    pages: Option<ErrorPages>,
    outside: Outside,
) -> Option<Arc<Filters>> {
    let order = match lane.profile {
        Profile::Standard => Order::Standard,
        Profile::IngressNginx => Order::IngressNginx,
    };
    let policies = &declared.policies;
    let filters = Filters {
        order,
        settings: settings(declared, &lane.settings),
        access: policies.access.clone(),
        authentication: outside
            .external
            .map(|external| Authentication { external: Some(external), ..Authentication::default() }),
        pages: pages.map(Box::new),
        redirects: redirects(&policies.redirects, lane.profile),
        only_https: false,
    };
    (!filters.is_empty()).then(|| Arc::new(filters.known()))
}

/// Where the requests of all routes of an Ingress are sent; `None`: nowhere. Hosts say more.
fn redirects(wanted: &Redirection, profile: Profile) -> Option<Redirects> {
    let is_nginx = profile == Profile::IngressNginx;
    // Its ConfigMap says so unless it is changed.
    let by_host = wanted.https.unwrap_or(is_nginx);
    let strips_slash = !wanted.keeps_slash.unwrap_or(!is_nginx);
    let https = (by_host || wanted.always_https).then_some(HttpsRedirect { always: wanted.always_https, strips_slash });
    let redirects = Redirects { host: None, https, moved: wanted.moved.clone(), form: wanted.form };
    (!redirects.is_empty()).then_some(redirects)
}

/// The lane's settings as the Ingress wants them; `None`: as they are.
fn settings(declared: &Declared, lane: &Settings) -> Option<Arc<Settings>> {
    let policies = &declared.policies;
    let mut settings = lane.clone();
    policies.bounds.apply(&mut settings);
    settings.upstream.method = policies.method.unwrap_or(settings.upstream.method);
    (settings != *lane).then(|| Arc::new(settings))
}
