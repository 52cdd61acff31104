//! What the backend is asked for instead, and as whom.

use bulkhead_model::{Denial, Host};

use super::Passage;
use crate::downstream::Downstream;
use crate::exchange::stop::Stop;
use crate::fault::Fault;

/// Longest authority that a backend is told, in bytes: a name (RFC 1035 §2.3.4) and a port.
const MAX_VHOST_BYTES: usize = 253 + 6;

impl<D: Downstream> Passage<'_, '_, '_, D> {
    /// Sends the client elsewhere, if that is what the route's rewrite does.
    pub(super) fn redirect_by_rewrite(&self) -> Result<(), Stop> {
        match &self.filters.rewrite {
            Some(rewrite) if rewrite.is_redirect() => {
                self.with_request(|request| rewrite.apply(request, self.found.route.expression.as_deref()))?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn rewrite(&mut self) -> Result<(), Stop> {
        self.set_vhost()?;
        let Some(rewrite) = &self.filters.rewrite else { return Ok(()) };
        let made = self.with_request(|request| rewrite.apply(request, self.found.route.expression.as_deref()))?;
        match &made.prefix {
            Some(prefix) if prefix.is_empty() => self.scratch.to_backend.remove("X-Forwarded-Prefix"),
            Some(prefix) => self.scratch.to_backend.set("X-Forwarded-Prefix", prefix),
            None => {}
        }
        self.found.target = self.found.target.clone().with_path(made.path);
        Ok(())
    }

    /// What is made of a request's parts is a host, or the request goes no further: it would be another request behind us.
    fn set_vhost(&mut self) -> Result<(), Stop> {
        let Some(vhost) = &self.filters.vhost else { return Ok(()) };
        let mut told = Vec::new();
        let written = self.with_request(|request| vhost.write(request, MAX_VHOST_BYTES, &mut told));
        if written.is_err() || Host::parse(&told).is_err() {
            return Err(Fault::Denied(Denial::BadRewrite).into());
        }
        self.found.vhost = Some(String::from_utf8(told).map_err(|_| Fault::Denied(Denial::BadRewrite))?.into());
        Ok(())
    }
}
