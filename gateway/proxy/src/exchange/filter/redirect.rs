//! Sends clients elsewhere.

use bulkhead_model::redirect::Doors;

use super::Passage;
use crate::downstream::Downstream;
use crate::exchange::stop::Stop;

impl<D: Downstream> Passage<'_, '_, '_, D> {
    pub(super) fn redirect_host(&self) -> Result<(), Stop> {
        let Some(redirects) = &self.filters.redirects else { return Ok(()) };
        Ok(self.with_request(|request| redirects.host(request, self.doors()))?)
    }

    pub(super) fn redirect_to_https(&self) -> Result<(), Stop> {
        let Some(redirects) = &self.filters.redirects else { return Ok(()) };
        let has_tls = || self.snapshot.tls.is_meant_for(self.found.host.as_str());
        Ok(self.with_request(|request| redirects.https(request, self.doors(), has_tls))?)
    }

    pub(super) fn redirect_moved(&self) -> Result<(), Stop> {
        let Some(redirects) = self.filters.redirects.as_ref().filter(|redirects| redirects.moved.is_some()) else {
            return Ok(());
        };
        let expression = self.found.route.expression.as_deref();
        Ok(self.with_request(|request| redirects.moved(request, expression))?)
    }

    fn doors(&self) -> Doors {
        let known = self.snapshot.settings.forwarded.ports.map(|ports| ports.https);
        Doors { used: self.down.client().port, https: known.or(self.worker.shared.tls_port) }
    }
}
