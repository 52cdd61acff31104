//! The fields by which a backend learns who asked, and how. What a client sends under these names is dropped, unless its
//! address is trusted.

use std::cell::Ref;
use std::io::Write as _;
use std::net::IpAddr;

use bulkhead_http1::{CLAIM_PREFIXES, CLAIMS, Edits, Lines, Name, NameSet, OTHER_CLAIMS, RequestHead};
use bulkhead_model::client_auth::RouteAuth;
use bulkhead_model::settings::Forwarded;

use crate::connection::Client;
use crate::peer::Identity;

/// For whom a request is made, and how.
pub(super) struct Speaker {
    pub(super) address: IpAddr,
    pub(super) secure: bool,
}

/// Whether the peer is believed in what it says of others.
pub(super) fn is_trusted(policy: &Forwarded, client: &Client) -> bool {
    policy.trusted.iter().any(|network| network.contains(client.address))
}

/// Who made a request: the peer, or whom a trusted one names.
pub(super) fn speaker(policy: &Forwarded, client: &Client, head: &RequestHead, bytes: &[u8]) -> Speaker {
    let trusts = |address: IpAddr| policy.trusted.iter().any(|network| network.contains(address));
    let peer = Speaker { address: client.address, secure: client.secure };
    if !trusts(client.address) {
        return peer;
    }
    let mut chain = Vec::new();
    for field in head.fields.iter().filter(|field| field.id == Name::XForwardedFor) {
        chain.extend_from_slice(field.value.of(bytes));
        chain.push(b',');
    }
    let named = origin(chain.strip_suffix(b",").unwrap_or_default(), &trusts);
    let address = std::str::from_utf8(named).ok().and_then(|text| text.parse::<IpAddr>().ok());
    let scheme = claim(head, bytes, Name::XForwardedProto);
    Speaker {
        address: address.map_or(peer.address, |address| address.to_canonical()),
        secure: scheme.map_or(peer.secure, |scheme| scheme.eq_ignore_ascii_case(b"https")),
    }
}

/// A trusted peer's claim stands only if it is made once: of two, no reader knows which counts.
fn claim<'b>(head: &RequestHead, bytes: &'b [u8], name: Name) -> Option<&'b [u8]> {
    let mut all = head.fields.iter().filter(|field| field.id == name).map(|field| field.value.of(bytes));
    all.next().filter(|value| all.next().is_none() && !value.is_empty())
}

/// What only this gateway says, where it asks clients for certificates: whoever else says it, trusted or not, is not heard there.
const IDENTITY: NameSet =
    NameSet::of(&[Name::SslClientCert, Name::SslClientIssuerDn, Name::SslClientSubjectDn, Name::SslClientVerify]);
/// The same of names that no rule of ours knows.
const IDENTITY_PREFIXES: &[&str] = &["ssl-client-"];

/// What is said about an untrusted client in every request of its connection, `more` of it included. `via` is what this
/// process calls itself in Via.
pub(crate) fn lines(via: &str, address: IpAddr, port: u16, secure: bool, more: &[(Name, &[u8])]) -> Lines {
    let (peer, mut digits) = (address.to_string(), [0; 5]);
    let instead = [
        (Name::XForwardedFor, peer.as_bytes()),
        (Name::XForwardedPort, decimal(port, &mut digits)),
        (Name::XForwardedProto, scheme(secure)),
        (Name::XRealIp, peer.as_bytes()),
    ];
    let instead: Vec<_> = instead.into_iter().chain(more.iter().copied()).collect();
    Lines::new(&instead, &[(Name::Via, via.as_bytes())])
}

/// Whether this process has forwarded the request before: a backend sends it back here, and it would go round until
/// nothing is left to open connections with (RFC 9110 §7.6.3).
///
/// A request of its own, which asks a service that is behind this process as well, may come back once.
pub(super) fn is_loop(pseudonym: &str, head: &RequestHead, bytes: &[u8]) -> bool {
    if !head.fields.iter().any(|field| field.id == Name::Via) {
        return false;
    }
    named(pseudonym, head, bytes) > 2 * named(&errand(pseudonym), head, bytes)
}

/// What stands in Via, beside the step, of a request of this process's own.
pub(super) fn errand(pseudonym: &str) -> String {
    format!("1.1 errand.{pseudonym}")
}

/// Whether this process has sent the request on its own behalf.
pub(super) fn is_errand(pseudonym: &str, head: &RequestHead, bytes: &[u8]) -> bool {
    head.fields.iter().any(|field| field.id == Name::Via) && named(&errand(pseudonym), head, bytes) > 0
}

/// How often Via has this in it.
fn named(name: &str, head: &RequestHead, bytes: &[u8]) -> usize {
    let steps = head.fields.iter().filter(|field| field.id == Name::Via).map(|field| field.value.of(bytes));
    steps.map(|value| value.windows(name.len()).filter(|part| *part == name.as_bytes()).count()).sum()
}

/// Calls `with` on the edits for one request: who sent it and what its route asked of them, its head with the bytes that it was
/// parsed from, and the host as it was routed.
pub(super) fn with_edits(
    policy: &Forwarded,
    pseudonym: &str,
    (client, auth): (&Client, Option<&RouteAuth>),
    head: (&RequestHead, &[u8]),
    host: &[u8],
    values: &mut Vec<u8>,
    with: impl FnOnce(&Edits<'_>),
) {
    let (head, bytes) = head;
    let trusts = |address: IpAddr| policy.trusted.iter().any(|network| network.contains(address));
    if !trusts(client.address) {
        let set = [(Name::XForwardedHost, host)];
        let edits = Edits {
            remove: CLAIMS,
            remove_more: OTHER_CLAIMS,
            remove_prefixes: CLAIM_PREFIXES,
            lines: Some(&client.lines),
            set: &set,
            upgrade: true,
            trailers: true,
            ..Edits::default()
        };
        let Some((identity, told)) = auth.and_then(|auth| identity(client, auth, pseudonym)) else {
            return with(&edits);
        };
        let append = [(Name::SslClientCert, &*identity.certificate)];
        let append = append.get(..told).unwrap_or_default();
        return with(&Edits { lines: Some(&identity.lines), append, ..edits });
    }
    let mut digits = [0; 5];
    let (port, scheme) = (decimal(client.port, &mut digits), scheme(client.secure));
    let claim = |name| claim(head, bytes, name);
    values.clear();
    for field in head.fields.iter().filter(|field| field.id == Name::XForwardedFor) {
        values.extend_from_slice(field.value.of(bytes));
        values.extend_from_slice(b", ");
    }
    // A vector takes any text.
    let _ = write!(values, "{}", client.address);
    let origin = origin(values, &trusts);
    let chain = if policy.append { &**values } else { origin };
    let set = [
        (Name::XForwardedFor, chain),
        (Name::XForwardedHost, claim(Name::XForwardedHost).unwrap_or(host)),
        (Name::XForwardedPort, claim(Name::XForwardedPort).unwrap_or(port)),
        (Name::XForwardedProto, claim(Name::XForwardedProto).unwrap_or(scheme)),
        (Name::XRealIp, origin),
    ];
    let via = (Name::Via, pseudonym.as_bytes());
    let edits = Edits { set: &set, append: &[via], upgrade: true, trailers: true, ..Edits::default() };
    let Some((identity, told)) = auth.and_then(|auth| identity(client, auth, pseudonym)) else { return with(&edits) };
    let append = [via, (Name::SslClientCert, &*identity.certificate)];
    let append = append.get(..=told).unwrap_or_default();
    let (remove, remove_prefixes) = (IDENTITY, IDENTITY_PREFIXES);
    with(&Edits { remove, remove_prefixes, lines: Some(&identity.own), append, ..edits });
}

/// What is told of a client whose route asked for its certificate, and how many fields more: the certificate, if the route has it sent.
fn identity<'c>(client: &'c Client, auth: &RouteAuth, pseudonym: &str) -> Option<(Ref<'c, Identity>, usize)> {
    let identity = client.peer.as_ref()?.identity(pseudonym, client.address, client.port)?;
    let told = auth.pass_certificate && !identity.certificate.is_empty();
    Some((identity, usize::from(told)))
}

/// The client of a chain `client, proxy, proxy`: the last address that is not a trusted proxy's, or the first of all. An
/// element that is no address ends the walk: what stands before it was written by nobody we know.
fn origin<'c>(chain: &'c [u8], trusts: &impl Fn(IpAddr) -> bool) -> &'c [u8] {
    let mut origin: &[u8] = b"";
    for element in chain.rsplit(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
        let Some(address) = std::str::from_utf8(element).ok().and_then(|text| text.parse::<IpAddr>().ok()) else {
            break;
        };
        origin = element;
        if !trusts(address.to_canonical()) {
            break;
        }
    }
    origin
}

/// The scheme a client used (RFC 9110 §4.2).
const fn scheme(secure: bool) -> &'static [u8] {
    if secure { b"https" } else { b"http" }
}

/// A port in decimal.
fn decimal(port: u16, digits: &mut [u8; 5]) -> &[u8] {
    let mut rest = port;
    let mut start = digits.len();
    for (place, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        start = place;
        if rest == 0 {
            break;
        }
    }
    digits.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_written_without_leading_zeros() {
        for port in [0, 7, 80, 443, 8080, 65535] {
            assert_eq!(decimal(port, &mut [0; 5]), port.to_string().as_bytes());
        }
    }

    #[test]
    fn the_client_is_the_last_address_that_no_trusted_proxy_has() {
        let trusts = |address: IpAddr| address.to_string().starts_with("10.");
        for (chain, client) in [
            ("203.0.113.7, 10.0.0.1", "203.0.113.7"),
            ("6.6.6.6, 203.0.113.7,10.0.0.2, 10.0.0.1", "203.0.113.7"),
            ("10.0.0.3, 10.0.0.1", "10.0.0.3"),
            ("evil\", 10.0.0.1", "10.0.0.1"),
            ("::ffff:10.0.0.9, 10.0.0.1", "::ffff:10.0.0.9"),
        ] {
            assert_eq!(origin(chain.as_bytes(), &trusts), client.as_bytes(), "{chain}");
        }
    }
}
