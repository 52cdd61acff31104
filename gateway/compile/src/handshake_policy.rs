//! What the annotations of an Ingress say about the handshakes of its hosts, and what comes of it for one host.
//!
//! As in ingress-nginx it is for a host, and the oldest Ingress that says something has its will. But nobody may narrow down whom somebody
//! else serves: only Ingresses of the namespace that had the host first have a say.

use std::collections::BTreeMap;

use bulkhead_model::tls::TlsWish;

use crate::cipher_list::{self, Reading};
use crate::code::FindingCode;
use crate::findings::{Notes, quote};
use crate::ingress::Declared;
use crate::wishes::{Wishes, key};

const CIPHERS: &str = "ssl-ciphers";
const ORDER: &str = "ssl-prefer-server-ciphers";
/// Words of a list that a message repeats.
const MAX_SHOWN: usize = 6;

/// Reads what an Ingress says.
pub(crate) fn read(annotations: &BTreeMap<String, String>, notes: &mut Notes<'_>) -> TlsWish {
    let closes = (FindingCode::AnnotationNotServed, "it changes nothing");
    let mut wishes = Wishes { annotations, notes, closes, refused: false };
    let server_order = wishes.switch(ORDER, "clients choose among the ciphers, as ever");
    let Some(list) = wishes.value(CIPHERS) else { return TlsWish { server_order, ..TlsWish::default() } };
    let Reading { ciphers, left_out } = cipher_list::read(list);
    let names = || {
        let shown: Vec<String> = left_out.iter().take(MAX_SHOWN).map(|word| quote(word)).collect();
        let more = if left_out.len() > MAX_SHOWN { " and others" } else { "" };
        format!("{}{more}", shown.join(", "))
    };
    if ciphers.is_none() {
        wishes.notes.add(FindingCode::CiphersRefused, &key(CIPHERS), || {
            let why = if left_out.is_empty() { String::new() } else { format!(" ({} are not spoken)", names()) };
            format!("This list leaves no cipher of TLS 1.2 that is spoken{why}, so handshakes go on as if it were not there.")
        });
    } else if !left_out.is_empty() {
        wishes.notes.add(FindingCode::CiphersLeftOut, &key(CIPHERS), || {
            format!("Of this list, {} are not spoken, and handshakes do without.", names())
        });
    }
    TlsWish { ciphers, server_order, ..TlsWish::default() }
}

/// What the Ingresses that claim a host and have a say, oldest first, come to.
pub(crate) fn choose(claims: &[&Declared]) -> TlsWish {
    let mut chosen = TlsWish::default();
    let Some(first) = claims.first() else { return chosen };
    for declared in claims.iter().filter(|claim| claim.age.name.namespace == first.age.name.namespace) {
        chosen.ciphers = chosen.ciphers.or(declared.handshakes.ciphers);
        chosen.server_order = chosen.server_order.or(declared.handshakes.server_order);
    }
    chosen
}

/// Notes what one of them wanted for `host` and did not get. `owner` is the namespace that had the host first.
pub(crate) fn note_lost(chosen: TlsWish, declared: &Declared, (owner, host): (&str, &str), notes: &mut Notes<'_>) {
    let wanted = declared.handshakes;
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
