//! What a route does with a request besides sending it on: what its Ingress asks for, and what its lane adds.

use std::sync::Arc;

use bulkhead_crds::lane::Profile;
use bulkhead_model::filters::Order;
use bulkhead_model::{Authentication, ErrorPages, Filters, Settings};

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
        mirror: outside.mirror,
        authentication: outside
            .external
            .map(|external| Authentication { external: Some(external), ..Authentication::default() }),
        pages: pages.map(Box::new),
    };
    (!filters.is_empty()).then(|| Arc::new(filters))
}

/// The lane's settings as the Ingress wants them; `None`: as they are.
fn settings(declared: &Declared, lane: &Settings) -> Option<Arc<Settings>> {
    let policies = &declared.policies;
    let mut settings = lane.clone();
    policies.bounds.apply(&mut settings);
    settings.upstream.method = policies.method.unwrap_or(settings.upstream.method);
    (settings != *lane).then(|| Arc::new(settings))
}
