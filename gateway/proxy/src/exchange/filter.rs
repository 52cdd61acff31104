//! Step 2, for routes with filters: what is done with a request before its head is written for a backend.

mod authenticate;
mod cross_origin;
mod external;
pub(super) mod mirror;
mod redirect;
mod rewrite;

use std::sync::Arc;

use bulkhead_http1::{Name, RequestHead};
use bulkhead_model::filters::{Filters, Step};
use bulkhead_model::request::Fields;
use bulkhead_model::{Action, Request, Snapshot};

use crate::connection::Client;
use crate::deadline::Guard;
use crate::downstream::Downstream;
use crate::exchange::decide::{Found, admit_content};
use crate::exchange::forwarded;
use crate::exchange::stop::Stop;
use crate::fault::Fault;
use crate::worker::{Scratch, Worker};

/// Takes the steps of the route of `found`, in their order.
pub(super) async fn run<'s, 'b, D: Downstream>(
    (worker, guard, snapshot): (&Worker, &Guard, &Snapshot),
    down: &'b D,
    scratch: &mut Scratch,
    found: Found<'s, 'b>,
) -> Result<Found<'s, 'b>, Stop> {
    let Some(filters) = &found.route.filters else { return Ok(found) };
    scratch.filters = Some(Arc::clone(filters));
    scratch.to_backend.clear();
    scratch.to_client.clear();
    if let Some(trace) = scratch.record.trace() {
        trace.tell(&mut scratch.to_backend);
    }
    for (name, value) in filters.response_fields.iter().flat_map(|fields| &fields.0) {
        scratch.to_client.set(name, value);
    }
    admit_content(&found, &scratch.request)?;
    let mut passage = Passage { worker, guard, snapshot, down, filters, scratch, found };
    passage.say_who_may_read();
    passage.scratch.words =
        filters.revision.as_ref().and_then(|revision| passage.with_request(|request| revision.of(request)));
    for step in filters.order.steps() {
        passage.take(*step).await?;
    }
    passage.mirror();
    Ok(passage.found)
}

/// A request on its way through the filters of its route.
struct Passage<'p, 's, 'b, D> {
    worker: &'p Worker,
    guard: &'p Guard,
    snapshot: &'p Snapshot,
    down: &'b D,
    filters: &'s Filters,
    scratch: &'p mut Scratch,
    /// What comes of it.
    found: Found<'s, 'b>,
}

impl<D: Downstream> Passage<'_, '_, '_, D> {
    async fn take(&mut self, step: Step) -> Result<(), Stop> {
        match step {
            Step::Access => self.access(),
            Step::Authenticate => self.authenticate().await,
            Step::Backend => self.backend(),
            Step::HostRedirect => self.redirect_host(),
            Step::HttpsRedirect => self.redirect_to_https(),
            Step::Preflight => self.preflight(),
            Step::Rate => self.rate(),
            Step::Redirect => self.redirect_moved().and_then(|()| self.redirect_by_rewrite()),
            Step::Rewrite => self.rewrite(),
        }
    }

    fn access(&self) -> Result<(), Stop> {
        let Some(access) = &self.filters.access else { return Ok(()) };
        self.with_request(|request| access.admit(request.client).map_err(Fault::Denied))?;
        Ok(())
    }

    fn rate(&mut self) -> Result<(), Stop> {
        let Some(rate) = &self.filters.rate else { return Ok(()) };
        let now = self.worker.moment(self.guard.now());
        self.scratch.place =
            self.with_request(|request| rate.admit(request.client, now)).map_err(Box::new).map_err(Stop::Answer)?;
        Ok(())
    }

    fn backend(&self) -> Result<(), Stop> {
        match &self.found.route.action {
            Action::Deny(denial) => Err(Fault::Denied(*denial).into()),
            Action::Forward(_) => Ok(()),
        }
    }

    /// Calls `with` on the request as decisions see it.
    fn with_request<T>(&self, with: impl FnOnce(&Request<'_>) -> T) -> T {
        self.found.with_request(self.down.client(), &self.scratch.request, self.down.head(), with)
    }
}

impl Found<'_, '_> {
    /// Calls `with` on the request as decisions see it; `bytes` is what its head was parsed from.
    pub(super) fn with_request<T>(
        &self,
        client: &Client,
        head: &RequestHead,
        bytes: &[u8],
        with: impl FnOnce(&Request<'_>) -> T,
    ) -> T {
        let speaker = forwarded::speaker(&self.settings.forwarded, client, head, bytes);
        with(&Request {
            method: head.method.bytes(bytes),
            secure: speaker.secure,
            host: self.host.as_str(),
            authority: head.authority.of(bytes),
            path: &self.target.path,
            query: self.target.query,
            uri: head.target.bytes(bytes),
            client: speaker.address,
            fields: &HeadFields(head, bytes),
        })
    }
}

/// The fields of a head and the bytes that it was parsed from.
struct HeadFields<'b>(&'b RequestHead, &'b [u8]);

impl Fields for HeadFields<'_> {
    fn each<'f>(&'f self, name: &str, with: &mut dyn FnMut(&'f [u8])) {
        let Self(head, bytes) = self;
        let id = Name::find(name.as_bytes());
        let is_it = |field: &&bulkhead_http1::Field| match id {
            Name::Other => field.name.of(bytes).eq_ignore_ascii_case(name.as_bytes()),
            id => field.id == id,
        };
        for field in head.fields.iter().filter(is_it) {
            with(field.value.of(bytes));
        }
    }
}
