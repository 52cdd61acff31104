//! What a route does with a request besides sending it on.

use std::sync::Arc;

use crate::access::AccessList;
use crate::authentication::Authentication;
use crate::error_pages::ErrorPages;
use crate::mirror::Mirror;
use crate::settings::Settings;

/// The filters of a route. Most routes have none at all, and pay for none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filters {
    /// The steps that are taken before a backend is chosen, in their order.
    pub order: Order,
    /// Bounds that differ from the lane's.
    pub settings: Option<Arc<Settings>>,
    /// Who may ask, by address.
    pub access: Option<AccessList>,
    /// Who may ask, by what they show.
    pub authentication: Option<Authentication>,
    /// Who gets a copy.
    pub mirror: Option<Mirror>,
    /// Pages of another Service instead of errors.
    pub pages: Option<Box<ErrorPages>>,
}

impl Filters {
    /// Whether they do nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self { order: self.order, ..Self::default() }
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
}
