//! What is said about rules of a host that are not served as they are written.

use bulkhead_model::Route;

use crate::code::FindingCode;
use crate::findings::{Notes, quote};
use crate::ingress::{Declared, Rule, Target};
use crate::name::Name;

pub(super) const fn why_not(code: FindingCode) -> &'static str {
    match code {
        FindingCode::ExternalName => "is of type ExternalName, which is not followed",
        FindingCode::PortNotTcp => "has no TCP port",
        FindingCode::BackendTlsBroken => "cannot be spoken to with TLS",
        _ => "does not exist",
    }
}

pub(super) fn note_owner(owner: &str, rules: &[Rule], notes: &mut Notes<'_>) {
    let Some(rule) = rules.first() else { return };
    notes.add(FindingCode::HostNotOwned, &rule.field, || {
        let host = if rule.host.is_empty() { "every other host".to_owned() } else { quote(&rule.host) };
        format!("The namespace {owner} has the oldest Ingress for {host} and so owns it; the rules of this Ingress for it are left out.")
    });
}

/// That `closer` has paths for the host of `rules` that are not read.
pub(super) fn note_closed(closer: &Declared, rules: &[Rule], notes: &mut Notes<'_>) {
    let Some(rule) = rules.first() else { return };
    notes.add(FindingCode::TooManyPaths, &rule.field, || {
        let host = if rule.host.is_empty() { "every other host".to_owned() } else { quote(&rule.host) };
        format!("Ingress {}, which is of the same namespace, has more paths for {host} than are read. As one of them may be to protect what is served here, the routes of this Ingress for {host} answer 503.", closer.origin)
    });
}

pub(super) fn lost(first: &Route, declared: &Declared) -> String {
    let host = if first.host.is_empty() { "every other host".to_owned() } else { quote(&first.host) };
    format!(
        "Ingress {} has the {:?} path {} of {host} already, so this rule of Ingress {} is left out.",
        first.origin,
        first.kind,
        quote(&first.path),
        declared.origin
    )
}

pub(crate) fn missing(code: FindingCode, service: &Name, rule: &Rule, then: &str) -> String {
    let port = match &rule.backend {
        Target::Service { port, .. } => port.to_string(),
        Target::Nothing | Target::Unread => String::new(),
    };
    let why = match code {
        FindingCode::ExternalName => {
            "is of type ExternalName, which is not followed in this lane, or says no host".to_owned()
        }
        FindingCode::PortNotFound => format!("has no port {}", quote(&port)),
        FindingCode::PortNotTcp => format!("has no TCP port {}", quote(&port)),
        _ => "does not exist".to_owned(),
    };
    format!("Service {service} {why}, so {then}.")
}
