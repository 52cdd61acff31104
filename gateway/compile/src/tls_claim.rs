//! The TLS entries of one Ingress: which Secret it wants for which of its hosts.
//!
//! An Ingress has a say on hosts that one of its rules is for, and on no other. A rule's host may be more general than the
//! host of the TLS entry (a wildcard, or every host): then the entry's host counts. Or it may be more special (the entry
//! names a wildcard): then the rule's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bulkhead_model::HostPattern;
use k8s_openapi::api::networking::v1::IngressTLS;

use crate::code::FindingCode;
use crate::findings::{Notes, quote};
use crate::further::Further;

/// What an Ingress wants for a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsClaim {
    /// Name of the Secret, beside the Ingress. `None`: the default certificate.
    pub(crate) secret: Option<Arc<str>>,
    /// Path of the entry.
    pub(crate) field: Arc<str>,
}

/// A claim for hosts that are not named: all of the rules', or those one label below a domain.
struct Covering {
    domain: Option<Box<str>>,
    /// Where the domain is written.
    field: String,
    claim: TlsClaim,
}

/// Claims by host, from `spec.tls` and the hosts that the rules are for. Of two entries for a host the first that names it
/// counts, and an entry that names it before one that covers it.
pub(crate) fn read(
    entries: &[IngressTLS],
    rules: &BTreeSet<&HostPattern>,
    names: &BTreeMap<HostPattern, Further>,
    notes: &mut Notes<'_>,
) -> BTreeMap<HostPattern, TlsClaim> {
    let mut claims = BTreeMap::new();
    let mut covering = Vec::new();
    for (t, entry) in entries.iter().enumerate() {
        let claim = TlsClaim {
            secret: entry.secret_name.as_deref().filter(|name| !name.is_empty()).map(Into::into),
            field: format!("spec.tls[{t}]").into(),
        };
        let hosts = entry.hosts.as_deref().unwrap_or_default();
        if hosts.is_empty() {
            covering.push(Covering { domain: None, field: String::new(), claim });
            continue;
        }
        for (h, written) in hosts.iter().enumerate() {
            let field = format!("spec.tls[{t}].hosts[{h}]");
            match HostPattern::parse(written) {
                Ok(HostPattern::Any) | Err(_) => notes.add(FindingCode::BadHost, &field, || {
                    format!("{} is no host that a certificate can be for, so it is left out.", quote(written))
                }),
                Ok(host) if is_ruled(&host, rules) || names.contains_key(&host) => {
                    add(&mut claims, host, &claim, notes)
                }
                Ok(HostPattern::Wildcard(domain)) => {
                    covering.push(Covering { domain: Some(domain), field, claim: claim.clone() });
                }
                Ok(HostPattern::Exact(_)) => note_unused(&field, written, notes),
            }
        }
    }
    cover(&mut claims, covering, rules, notes);
    // Who is known by further names wants for them what it wants for its own.
    for (name, further) in names {
        if let (false, Some(claim)) = (claims.contains_key(name), claims.get(&further.of).cloned()) {
            claims.insert(name.clone(), claim);
        }
    }
    claims
}

/// Whether a rule's host is this one, or covers it.
pub(crate) fn is_ruled(host: &HostPattern, rules: &BTreeSet<&HostPattern>) -> bool {
    let parent = match host {
        HostPattern::Exact(name) => name.split_once('.').map(|(_, domain)| HostPattern::Wildcard(domain.into())),
        HostPattern::Wildcard(_) | HostPattern::Any => None,
    };
    rules.contains(host) || rules.contains(&HostPattern::Any) || parent.is_some_and(|parent| rules.contains(&parent))
}

fn add(claims: &mut BTreeMap<HostPattern, TlsClaim>, host: HostPattern, claim: &TlsClaim, notes: &mut Notes<'_>) {
    match claims.get(&host) {
        None => {
            claims.insert(host, claim.clone());
        }
        Some(first) if first.secret == claim.secret => {}
        Some(first) => notes.add(FindingCode::CertificateConflict, &claim.field, || {
            format!("{} wants another certificate for a host of this entry, and comes first.", first.field)
        }),
    }
}

/// Entries that stand for all hosts of the rules, or for those below a domain: they are for what no entry names.
fn cover(
    claims: &mut BTreeMap<HostPattern, TlsClaim>,
    covering: Vec<Covering>,
    rules: &BTreeSet<&HostPattern>,
    notes: &mut Notes<'_>,
) {
    let mut below: BTreeMap<&str, Vec<&HostPattern>> = BTreeMap::new();
    for host in rules {
        if let HostPattern::Exact(name) = host
            && let Some((_, domain)) = name.split_once('.')
        {
            below.entry(domain).or_default().push(host);
        }
    }
    // Of several entries for one domain, only the first can have a say.
    let mut seen = BTreeSet::new();
    for Covering { domain, field, claim } in covering {
        let hosts: Vec<&HostPattern> = match &domain {
            None => rules.iter().copied().filter(|host| **host != HostPattern::Any).collect(),
            Some(domain) => below.get(&**domain).cloned().unwrap_or_default(),
        };
        if let Some(domain) = &domain
            && hosts.is_empty()
        {
            note_unused(&field, &format!("*.{domain}"), notes);
        }
        if seen.insert(domain) {
            for host in hosts {
                claims.entry(host.clone()).or_insert_with(|| claim.clone());
            }
        }
    }
}

fn note_unused(field: &str, written: &str, notes: &mut Notes<'_>) {
    notes.add(FindingCode::CertificateUnused, field, || {
        format!("No rule of this Ingress is for {}, so its certificate is not used for it.", quote(written))
    });
}
