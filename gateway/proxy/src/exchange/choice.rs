//! Step 2, where a backend is more than a list of endpoints: whether the route's canary takes a request, and which requests belong
//! together.

use std::sync::Arc;

use bulkhead_http1::{Name, RequestHead};
use bulkhead_model::Backend;
use bulkhead_model::balance::{Mode, Occasion, Sticky, key};
use bulkhead_model::canary::Canary;

use crate::clock;
use crate::connection::Client;
use crate::exchange::affinity::Bond;
use crate::exchange::decide::Found;
use crate::worker::{Scratch, Worker};

/// Longest key that requests are told apart by, in bytes: as long as a target may be by default. What stands behind is not looked at.
const MOST_KEY_BYTES: usize = 8 << 10;

/// Whether a canary takes a request that would go to `main`.
pub(super) fn is_taken(
    worker: &Worker,
    (client, bytes): (&Client, &[u8]),
    head: &RequestHead,
    found: &Found<'_, '_>,
    canary: &Canary,
    main: &Backend,
) -> bool {
    found.with_request(client, head, bytes, |request| canary.takes(request, main, || worker.dice.roll()))
}

/// What a request belongs to at `backend`. Where it may begin a session, the attributes of its cookie are written.
#[inline]
pub(super) fn bond<'s>(
    (client, bytes): (&Client, &[u8]),
    scratch: &mut Scratch,
    found: &Found<'s, '_>,
    backend: &'s Arc<Backend>,
) -> Bond<'s> {
    if backend.affinity.is_none() {
        return Bond::None;
    }
    let Scratch { request, values, attributes, .. } = scratch;
    let bond = Bond::of(backend, client.address, request, bytes, |text| {
        values.clear();
        // What is too long is cut.
        let _ = found.with_request(client, request, bytes, |asked| text.write(asked, MOST_KEY_BYTES, values));
        key(values)
    });
    match bond {
        Bond::Session(sticky, _) if sticky.mode == Mode::Balanced && !sticky.moves => {}
        Bond::Session(sticky, _) | Bond::NewSession(sticky) => {
            attributes.clear();
            write_attributes(client, bytes, request, found, sticky, attributes);
        }
        Bond::None | Bond::Key(_) | Bond::Subset(..) => {}
    }
    bond
}

#[cold]
fn write_attributes(
    client: &Client,
    bytes: &[u8],
    head: &RequestHead,
    found: &Found<'_, '_>,
    sticky: &Sticky,
    out: &mut Vec<u8>,
) {
    let expires = sticky.attributes.expires.map(clock::date_in).unwrap_or_default();
    let agent = head.fields.iter().find(|field| field.id == Name::UserAgent).map(|field| field.value.of(bytes));
    found.with_request(client, head, bytes, |request| {
        let (agent, path) = (agent.unwrap_or_default(), &*found.route.path);
        let occasion = Occasion { secure: request.secure, path, agent, expires: expires.as_bytes() };
        sticky.attributes.write(&occasion, out);
    });
}
