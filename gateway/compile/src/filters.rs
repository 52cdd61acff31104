//! What a route does with a request besides sending it on: what its Ingress asks for, and what its lane adds.

use std::sync::Arc;

use bulkhead_crds::lane::Profile;
use bulkhead_model::access::AccessList;
use bulkhead_model::authentication::{Basic, Satisfy};
use bulkhead_model::canary::Canary;
use bulkhead_model::cross_origin::{Answers, CrossOrigin};
use bulkhead_model::external_auth::ExternalAuth;
use bulkhead_model::filters::Order;
use bulkhead_model::rate_limit::RateLimit;
use bulkhead_model::redirect::{HttpsRedirect, Redirects};
use bulkhead_model::{Authentication, ErrorPages, Filters, Settings};

use crate::annotation::{Policies, Rates, Redirection};
use crate::fetched::Fetched;
use crate::hosts::HostPolicy;
use crate::ingress::Declared;
use crate::outside::Outside;
use crate::zones::Zones;

/// The filters of the routes of an Ingress in a lane; `None`: there are none.
pub(crate) fn make(
    declared: &Declared,
    lane: &HostPolicy,
    zones: &mut Zones,
    fetched: Fetched,
    pages: Option<ErrorPages>,
    outside: Outside,
) -> Option<Arc<Filters>> {
    let order = order(lane);
    let policies = &declared.policies;
    let external = outside.external.map(|external| ExternalAuth { says: fetched.auth_fields, ..external }.known());
    let (access, authentication) = admission(policies, fetched.basic, external);
    let filters = Filters {
        order,
        settings: settings(declared, &lane.settings),
        access,
        authentication,
        cross_origin: policies.cross_origin.clone().map(|policy| cross_origin(policy, lane.profile)),
        rate: policies.rates.as_ref().map(|rates| rate(rates, declared, lane.profile, zones)),
        response_fields: fetched.response_fields,
        bandwidth: policies.bandwidth,
        revision: policies.revision.clone(),
        canary: None,
        mirror: outside.mirror,
        pages: pages.map(Box::new),
        redirects: redirects(&policies.redirects, lane.profile),
        only_https: false,
        rewrite: policies.routing.rewrite.clone(),
        vhost: policies.vhost.clone(),
        unlogged: policies.unlogged,
        spans: policies.spans.clone(),
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

/// Who may ask. Where one thing is enough, addresses that are let in are one of those things, and not a step before them; those that
/// are shut out stay out.
fn admission(
    policies: &Policies,
    basic: Option<Basic>,
    external: Option<ExternalAuth>,
) -> (Option<AccessList>, Option<Authentication>) {
    let access = policies.access.clone();
    if basic.is_none() && external.is_none() {
        return (access, None);
    }
    let satisfy = policies.satisfy;
    match access {
        Some(AccessList { deny, allow: Some(allow) }) if satisfy == Satisfy::Any => {
            let access = (!deny.is_empty()).then_some(AccessList { deny, allow: None });
            (access, Some(Authentication { satisfy, allow, basic, external }))
        }
        access => (access, Some(Authentication { satisfy, allow: Box::default(), basic, external })),
    }
}

/// The same for a route whose path is not rewritten.
pub(crate) fn without_rewrite(filters: &Filters) -> Option<Arc<Filters>> {
    let filters = Filters { rewrite: None, ..filters.clone() };
    (!filters.is_empty()).then(|| Arc::new(filters.known()))
}

/// The filters of a route whose canary takes a part of its requests.
pub(crate) fn share(filters: Option<&Arc<Filters>>, canary: Canary, lane: &HostPolicy) -> Arc<Filters> {
    let plain = || Filters { order: order(lane), ..Filters::default() };
    let filters = filters.map_or_else(plain, |filters| (**filters).clone());
    Arc::new(Filters { canary: Some(canary), ..filters }.known())
}

const fn order(lane: &HostPolicy) -> Order {
    match lane.profile {
        Profile::Standard => Order::Standard,
        Profile::IngressNginx => Order::IngressNginx,
    }
}

/// The lane's settings as the Ingress wants them; `None`: as they are.
fn settings(declared: &Declared, lane: &Settings) -> Option<Arc<Settings>> {
    let policies = &declared.policies;
    let mut settings = lane.clone();
    policies.bounds.apply(&mut settings);
    settings.upstream.closes = policies.closes;
    settings.upstream.method = policies.method.unwrap_or(settings.upstream.method);
    (settings != *lane).then(|| Arc::new(settings))
}

fn cross_origin(policy: CrossOrigin, profile: Profile) -> CrossOrigin {
    match profile {
        Profile::Standard => policy,
        Profile::IngressNginx => CrossOrigin { answers: Answers::All, credentials_for_any: true, ..policy },
    }
}

fn rate(rates: &Rates, declared: &Declared, profile: Profile, zones: &mut Zones) -> RateLimit {
    let (status, says_when) = match profile {
        Profile::Standard => (429, true),
        Profile::IngressNginx => (503, false),
    };
    let zone = zones.of(&declared.age.name, rates.bounds);
    RateLimit { zone, exempt: rates.exempt.clone(), status, says_when }
}
