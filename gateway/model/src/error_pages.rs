//! Pages of another Service instead of errors.

use std::sync::Arc;

use crate::backend::Backend;
use crate::denial::Denial;

/// Which responses are replaced by what another Service answers.
#[derive(Clone, Debug)]
pub struct ErrorPages {
    /// Who answers.
    pub backend: Arc<Backend>,
    /// Statuses that are replaced, from 400 to 599.
    pub statuses: Box<[u16]>,
    /// Responses of the route's own backend stay as they are.
    pub own_only: bool,
}

/// What a page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The one of an error: the page's backend is told its status.
    OfError,
    /// What the client asked for: nobody else is there to answer it.
    Instead,
}

impl ErrorPages {
    /// Whether a backend's response with this status is replaced.
    #[must_use]
    pub fn replace(&self, status: u16) -> bool {
        !self.own_only && self.statuses.contains(&status)
    }

    /// What is asked for in place of the gateway's own answer with this status, if anything is.
    #[must_use]
    pub fn instead_of(&self, status: u16, denial: Option<Denial>) -> Option<Page> {
        match denial {
            Some(Denial::NoEndpoints | Denial::NoService) => Some(Page::Instead),
            _ => self.statuses.contains(&status).then_some(Page::OfError),
        }
    }
}

/// Two of one backend and the same statuses are the same.
impl PartialEq for ErrorPages {
    fn eq(&self, other: &Self) -> bool {
        let Self { backend, statuses, own_only } = self;
        Arc::ptr_eq(backend, &other.backend) && *statuses == other.statuses && *own_only == other.own_only
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Endpoints, Protocol};

    #[test]
    fn listed_statuses_are_replaced_and_a_service_without_endpoints_always() {
        let backend =
            Arc::new(Backend::new(1, "mill/pages:80".into(), Protocol::Http1, Arc::new(Endpoints::default())));
        let pages = ErrorPages { backend, statuses: [404, 503].into(), own_only: false };
        assert!(pages.replace(404) && !pages.replace(500));
        assert_eq!(pages.instead_of(404, None), Some(Page::OfError));
        assert_eq!(pages.instead_of(503, Some(Denial::PolicyNotServed)), Some(Page::OfError));
        assert_eq!(pages.instead_of(403, Some(Denial::AddressRefused)), None);
        let pages = ErrorPages { statuses: Box::default(), own_only: true, ..pages };
        assert_eq!(pages.instead_of(503, Some(Denial::NoEndpoints)), Some(Page::Instead));
        assert_eq!(pages.instead_of(503, Some(Denial::EndpointsFull)), None);
        let pages = ErrorPages { statuses: [404].into(), ..pages };
        assert!(!pages.replace(404));
        assert_eq!(pages.instead_of(404, None), Some(Page::OfError));
    }
}
