//! Annotations of ingress-nginx: known by prefix, none obeyed by this version, none ignored silently.

use std::collections::BTreeMap;

use crate::code::FindingCode;
use crate::findings::{Notes, quote};

const PREFIX: &str = "nginx.ingress.kubernetes.io/";

/// Begins of keys that protect a backend or its clients, encryption towards the backend included. What they ask for is
/// never left out of a route that is served.
const PROTECTS: [&str; 8] = [
    "auth-",
    "whitelist-source-range",
    "allowlist-source-range",
    "denylist-source-range",
    "limit-",
    "enable-modsecurity",
    "enable-owasp",
    "proxy-ssl-",
];

/// What the annotations of an Ingress do to all of its routes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// Nothing.
    #[default]
    None,
    /// They answer 503: a protection is asked for and not offered.
    Deny,
    /// There are none: a canary that took all of its share would take everything.
    Withhold,
}

/// The strongest effect of all annotations. Every key is noted.
pub(crate) fn judge(annotations: &BTreeMap<String, String>, notes: &mut Notes<'_>) -> Effect {
    let mut strongest = Effect::None;
    for (key, value) in annotations {
        let Some(name) = key.strip_prefix(PREFIX) else { continue };
        let effect = effect(name, value.trim());
        strongest = strongest.max(effect);
        match effect {
            Effect::None => notes.add(FindingCode::AnnotationNotServed, key, || {
                format!("The annotation {name} is not obeyed: the routes of this Ingress are served without it.")
            }),
            Effect::Deny => notes.add(FindingCode::PolicyNotServed, key, || {
                format!("The annotation {name} asks for a protection that is not offered, so every route of this Ingress answers 503.")
            }),
            Effect::Withhold => notes.add(FindingCode::CanaryNotServed, key, || {
                format!("The annotation {name} is {}: this Ingress asks for a share of another's traffic, so its routes are left out.", quote(value))
            }),
        }
    }
    strongest
}

fn effect(name: &str, value: &str) -> Effect {
    match name {
        "canary" if !is_false(value) => Effect::Withhold,
        "enable-modsecurity" | "enable-owasp-core-rules" if is_false(value) => Effect::None,
        "backend-protocol" if ["HTTPS", "GRPCS"].iter().any(|tls| value.eq_ignore_ascii_case(tls)) => Effect::Deny,
        _ if PROTECTS.iter().any(|begin| name.starts_with(begin)) => Effect::Deny,
        _ => Effect::None,
    }
}

/// As Go's `strconv.ParseBool` has it, which is what ingress-nginx reads annotations with.
fn is_false(value: &str) -> bool {
    matches!(value, "0" | "f" | "F" | "false" | "FALSE" | "False")
}
