//! What browsers are told about pages of other origins.

use super::Passage;
use crate::downstream::Downstream;
use crate::exchange::stop::Stop;

const ORIGIN: &str = "Access-Control-Allow-Origin";
const CREDENTIALS: &str = "Access-Control-Allow-Credentials";

impl<D: Downstream> Passage<'_, '_, '_, D> {
    /// Puts it into every response, those of the other steps included: a page that may not read why it was refused cannot say it.
    pub(super) fn say_who_may_read(&mut self) {
        let Some(policy) = &self.filters.cross_origin else { return };
        let granted =
            self.with_request(|request| policy.grant(request).map(|grant| (grant.origin.to_vec(), grant.credentials)));
        let to_client = &mut self.scratch.to_client;
        if policy.varies() {
            to_client.append("Vary", b"Origin");
        }
        let Some((origin, credentials)) = granted else { return };
        to_client.set(ORIGIN, &origin);
        if credentials {
            to_client.set(CREDENTIALS, b"true");
        } else {
            // What a backend says by itself is for the origins that it thinks of.
            to_client.remove(CREDENTIALS);
        }
        for (name, value) in &policy.fields {
            to_client.set(name, value.as_bytes());
        }
    }

    pub(super) fn preflight(&self) -> Result<(), Stop> {
        let Some(policy) = &self.filters.cross_origin else { return Ok(()) };
        match self.with_request(|request| policy.preflight(request)) {
            Some(answer) => Err(Stop::Answer(Box::new(answer))),
            None => Ok(()),
        }
    }
}
