//! What a route does with a request besides sending it on: what its Ingress asks for, and what its lane adds.

use std::sync::Arc;

use bulkhead_crds::lane::Profile;
use bulkhead_model::access::AccessList;
use bulkhead_model::authentication::{Basic, Satisfy};
use bulkhead_model::filters::Order;
use bulkhead_model::{Authentication, ErrorPages, Filters, Settings};

use crate::annotation::Policies;
use crate::fetched::Fetched;
use crate::hosts::HostPolicy;
use crate::ingress::Declared;

/// The filters of the routes of an Ingress in a lane; `None`: there are none.
pub(crate) fn make(
    declared: &Declared,
    lane: &HostPolicy,
    fetched: Fetched,
    pages: Option<ErrorPages>,
) -> Option<Arc<Filters>> {
    let order = match lane.profile {
        Profile::Standard => Order::Standard,
        Profile::IngressNginx => Order::IngressNginx,
    };
    let (access, authentication) = admission(&declared.policies, fetched.basic);
    let filters = Filters {
        order,
        settings: settings(declared, &lane.settings),
        access,
        authentication,
        response_fields: fetched.response_fields,
        pages: pages.map(Box::new),
    };
    (!filters.is_empty()).then(|| Arc::new(filters))
}

/// Who may ask. Where one thing is enough, addresses that are let in are one of those things, and not a step before them; those that
/// are shut out stay out.
fn admission(policies: &Policies, basic: Option<Basic>) -> (Option<AccessList>, Option<Authentication>) {
    let access = policies.access.clone();
    if basic.is_none() {
        return (access, None);
    }
    let satisfy = policies.satisfy;
    match access {
        Some(AccessList { deny, allow: Some(allow) }) if satisfy == Satisfy::Any => {
            let access = (!deny.is_empty()).then_some(AccessList { deny, allow: None });
            (access, Some(Authentication { satisfy, allow, basic }))
        }
        access => (access, Some(Authentication { satisfy, allow: Box::default(), basic })),
    }
}

/// The lane's settings as the Ingress wants them; `None`: as they are.
fn settings(declared: &Declared, lane: &Settings) -> Option<Arc<Settings>> {
    let policies = &declared.policies;
    let mut settings = lane.clone();
    policies.bounds.apply(&mut settings);
    settings.upstream.method = policies.method.unwrap_or(settings.upstream.method);
    (settings != *lane).then(|| Arc::new(settings))
}
