//! What handshakes of one host may agree on: what comes of the annotations of all the Ingresses that claim it.
//!
//! As in ingress-nginx it is for a host, and the oldest Ingress that says something has its will. But nobody may narrow down whom somebody
//! else serves: only Ingresses of the namespace that had the host first have a say.

use bulkhead_model::tls::TlsWish;

use crate::annotation::{CIPHERS, ORDER, key};
use crate::code::FindingCode;
use crate::findings::{Notes, quote};
use crate::ingress::Declared;

/// What the Ingresses that claim a host and have a say, oldest first, come to.
pub(crate) fn choose(claims: &[&Declared]) -> TlsWish {
    let mut chosen = TlsWish::default();
    let Some(first) = claims.first() else { return chosen };
    for declared in claims.iter().filter(|claim| claim.age.name.namespace == first.age.name.namespace) {
        chosen.ciphers = chosen.ciphers.or(declared.policies.handshakes.ciphers);
        chosen.server_order = chosen.server_order.or(declared.policies.handshakes.server_order);
    }
    chosen
}

/// Notes what one of them wanted for `host` and did not get. `owner` is the namespace that had the host first.
pub(crate) fn note_lost(chosen: TlsWish, declared: &Declared, (owner, host): (&str, &str), notes: &mut Notes<'_>) {
    let wanted = declared.policies.handshakes;
    let lost = [
        (CIPHERS, wanted.ciphers.is_some() && wanted.ciphers != chosen.ciphers),
        (ORDER, wanted.server_order.is_some() && wanted.server_order != chosen.server_order),
    ];
    for (name, _) in lost.into_iter().filter(|(_, is_lost)| *is_lost) {
        notes.add(FindingCode::CipherConflict, &key(name), || {
            let host = if host.is_empty() { "every other host".to_owned() } else { quote(host) };
            if *declared.age.name.namespace == *owner {
                format!("An older Ingress has another {name} for {host}, and that one counts.")
            } else {
                format!("The namespace {owner} had {host} first, and what its Ingresses say of {name} counts for it.")
            }
        });
    }
}
