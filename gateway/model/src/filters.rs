//! What a route does with a request besides sending it on.

use std::sync::Arc;

use crate::access::AccessList;
use crate::authentication::Authentication;
use crate::bandwidth::Bandwidth;
use crate::canary::Canary;
use crate::cross_origin::CrossOrigin;
use crate::error_pages::ErrorPages;
use crate::mirror::Mirror;
use crate::rate_limit::RateLimit;
use crate::redirect::Redirects;
use crate::response_fields::ResponseFields;
use crate::revision::Revision;
use crate::rewrite::Rewrite;
use crate::settings::Settings;
use crate::template::Template;
use crate::tracing::Spans;

/// The filters of a route. Most routes have none at all, and pay for none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filters {
    /// The steps that are taken before a backend is chosen, in their order.
    pub order: Order,
    /// Bounds that differ from the lane's.
    pub settings: Option<Arc<Settings>>,
    /// Who may ask, by address.
    pub access: Option<AccessList>,
    /// Which pages of other origins may read the responses.
    pub cross_origin: Option<CrossOrigin>,
    /// How often a client may ask, and how many of its requests may be there at once.
    pub rate: Option<RateLimit>,
    /// Who may ask, by what they show.
    pub authentication: Option<Authentication>,
    /// How fast each response is sent.
    pub bandwidth: Option<Bandwidth>,
    /// Who takes a part of the requests instead.
    pub canary: Option<Canary>,
    /// What every response says besides.
    pub response_fields: Option<ResponseFields>,
    /// Who gets a copy.
    pub mirror: Option<Mirror>,
    /// What a backend's answer says otherwise.
    pub revision: Option<Arc<Revision>>,
    /// Pages of another Service instead of errors.
    pub pages: Option<Box<ErrorPages>>,
    /// Where requests are sent instead.
    pub redirects: Option<Redirects>,
    /// There is nothing but a redirect to `https`, bounds, and what is not written down: other requests need not be looked at.
    pub only_https: bool,
    /// What the backend is asked for instead of the path.
    pub rewrite: Option<Arc<Rewrite>>,
    /// The authority that the backend is told instead of the one that the request is for.
    pub vhost: Option<Template>,
    /// Requests have no line in the access log.
    pub unlogged: bool,
    /// What their spans are, where the lane has traces.
    pub spans: Option<Box<Spans>>,
}

impl Filters {
    /// Whether they do nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self { order: self.order, ..Self::default() }
    }

    /// The same, knowing whether a redirect to `https` is all that there may be to do.
    #[must_use]
    pub fn known(self) -> Self {
        let others = self.redirects.clone().map(|redirects| Redirects { https: None, ..redirects });
        let redirects = others.filter(|others| !others.is_empty());
        let only_https =
            Self { settings: None, redirects, unlogged: false, spans: None, only_https: false, ..self.clone() };
        let only_https = only_https.is_empty();
        Self { only_https, ..self }
    }

    /// Whether a request may be changed or answered. `in_clear`: it came without TLS. `has_tls`: whether an Ingress has a TLS entry for
    /// its host.
    #[must_use]
    pub fn concern(&self, in_clear: bool, has_tls: impl FnOnce() -> bool) -> bool {
        let https = self.redirects.as_ref().and_then(|redirects| redirects.https);
        !self.only_https || (in_clear && https.is_some_and(|https| https.concerns(has_tls)))
    }
}

/// In which order the steps of a route are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// A request is refused as early as it can be: nothing is answered to those who may not ask.
    #[default]
    Standard,
    /// As the phases of ingress-nginx follow one another: redirects and preflights are answered to everybody, a Service without
    /// endpoints before anybody is asked who they are, and the rate of those who are refused is limited as well.
    IngressNginx,
}

/// One step, done by the filter of that name, if the route has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the application's own page, and from or to `www.`.
    HostRedirect,
    /// To `https`.
    HttpsRedirect,
    /// To where the route has moved.
    Redirect,
    /// Who may ask, by address.
    Access,
    /// How often, and how many at once.
    Rate,
    /// What a browser asks before it asks (Fetch §3.2.2).
    Preflight,
    /// Whether there is a backend at all.
    Backend,
    /// Who asks: passwords, then another service's word.
    Authenticate,
    /// What is asked of the backend instead.
    Rewrite,
}

impl Order {
    /// The steps.
    #[must_use]
    pub const fn steps(self) -> &'static [Step] {
        use Step::{Access, Authenticate, Backend, HostRedirect, HttpsRedirect, Preflight, Rate, Redirect, Rewrite};
        match self {
            Self::Standard => {
                &[HttpsRedirect, Access, HostRedirect, Redirect, Rate, Preflight, Authenticate, Backend, Rewrite]
            }
            Self::IngressNginx => {
                &[HostRedirect, Preflight, Redirect, HttpsRedirect, Backend, Rate, Access, Authenticate, Rewrite]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redirect::HttpsRedirect;

    #[test]
    fn both_orders_have_every_step_once() {
        let sorted = |order: Order| {
            let mut steps: Vec<String> = order.steps().iter().map(|step| format!("{step:?}")).collect();
            steps.sort();
            steps
        };
        let mut once = sorted(Order::Standard);
        once.dedup();
        assert_eq!(once, sorted(Order::Standard));
        assert_eq!(once, sorted(Order::IngressNginx));
        assert!(Filters { order: Order::IngressNginx, ..Filters::default() }.is_empty());
    }

    #[test]
    fn a_redirect_to_https_alone_concerns_requests_in_clear_text_only() {
        let https = |always| Some(HttpsRedirect { always, strips_slash: false });
        let filters = |https, access| {
            let redirects = Some(Redirects { https, ..Redirects::default() });
            Filters { redirects, access, settings: Some(Arc::default()), ..Filters::default() }.known()
        };
        let alone = filters(https(false), None);
        assert!(alone.concern(true, || true) && !alone.concern(true, || false) && !alone.concern(false, || true));
        assert!(filters(https(true), None).concern(true, || false));
        let more = filters(https(false), Some(AccessList::default()));
        assert!(more.concern(false, || false) && more.concern(true, || false));
    }

    #[test]
    fn bounds_and_no_line_in_the_log_concern_no_request() {
        let quiet = || Filters {
            settings: Some(Arc::default()),
            unlogged: true,
            spans: Some(Box::default()),
            ..Filters::default()
        };
        assert!(!quiet().known().concern(true, || true) && !quiet().known().concern(false, || true));
        let more = Filters { access: Some(AccessList::default()), ..quiet() }.known();
        assert!(more.concern(true, || true) && more.concern(false, || false));
    }
}
