//! What becomes of annotations that are not obeyed: each is noted, and those that may ask for a protection close the routes.

use std::collections::BTreeMap;

use super::companions;
use super::reader::parse_bool;
use super::row;
use super::row::{PREFIX, Row, State};
use crate::code::FindingCode;
use crate::directives;
use crate::findings::{Notes, REMEDY, quote};
use crate::near::near;

/// How keys with a controller's prefix are judged.
#[derive(Clone, Copy)]
enum Reading {
    /// Each has a row, or may ask for anything.
    Listed,
    /// Those that have a word of [`PROTECTION_WORDS`] in them ask for a protection.
    ByWord,
    /// None does: the load balancer that they set up is in front of the gateway, whether this is its class or not.
    Harmless,
}

/// Controllers that people come from.
const CONTROLLERS: [(&str, Reading); 10] = [
    (PREFIX, Reading::Listed),
    ("alb.ingress.kubernetes.io/", Reading::Harmless),
    ("haproxy-ingress.github.io/", Reading::ByWord),
    ("haproxy.org/", Reading::ByWord),
    ("ingress.kubernetes.io/", Reading::ByWord),
    ("konghq.com/", Reading::ByWord),
    ("nginx.com/", Reading::ByWord),
    ("nginx.org/", Reading::ByWord),
    ("projectcontour.io/", Reading::ByWord),
    ("traefik.ingress.kubernetes.io/", Reading::ByWord),
];

/// Annotations of former versions of ingress-nginx that protect nothing. A star stands for any end.
const HARMLESS: [&str; 4] = ["client-header-buffer-size", "enable-opentracing", "hsts*", "opentracing-*"];

/// Annotations of ingress-nginx, of this and former versions, that ask for nothing when they are false.
const SWITCHES: [&str; 8] = [
    "enable-modsecurity",
    "enable-opentelemetry",
    "enable-opentracing",
    "enable-owasp-core-rules",
    "enable-owasp-modsecurity-crs",
    "enable-rewrite-log",
    "opentracing-trust-incoming-span",
    "ssl-passthrough",
];

/// What the keys of other controllers have in common that restrict who may ask what. Middlewares and plugins can be anything.
const PROTECTION_WORDS: [&str; 14] = [
    "allow",
    "auth",
    "blacklist",
    "client-ca",
    "deny",
    "jwt",
    "limit",
    "middleware",
    "plugin",
    "polic",
    "snippet",
    "tls.options",
    "waf",
    "whitelist",
];

/// Notes every annotation that is not obeyed; whether any of them may ask for a protection, so that all routes of the Ingress have to
/// answer 503.
pub(crate) fn judge(annotations: &BTreeMap<String, String>, notes: &mut Notes<'_>) -> bool {
    companions::note(annotations, notes);
    let mut denied = false;
    for (key, value) in annotations {
        let Some((name, reading)) = known(key) else { continue };
        let row = if key.starts_with(PREFIX) { row(name) } else { None };
        if row.is_some_and(is_read) || is_off(key, value) {
            continue;
        }
        if denies(name, reading) {
            denied = true;
            let message = || {
                let meant =
                    meant(key, name).map(|meant| format!(" Did you mean {}?", quote(meant))).unwrap_or_default();
                format!(
                    "The annotation {} may ask for a protection, which is not offered, so every route of this Ingress answers 503.{meant}",
                    quote(name)
                )
            };
            notes.advise(FindingCode::PolicyNotServed, key, message, || remedy(key, value, row));
        } else {
            notes.add(FindingCode::AnnotationNotServed, key, || {
                format!(
                    "The annotation {} is not obeyed: the routes of this Ingress are served without it.",
                    quote(name)
                )
            });
        }
    }
    denied
}

/// What to write instead of an annotation that closes the routes: of a snippet, instead of each directive in it.
fn remedy(key: &str, value: &str, row: Option<&Row>) -> Option<String> {
    let of_directives = directives::holds_directives(key).then(|| directives::remedy(value, REMEDY)).flatten();
    of_directives.or_else(|| match row?.state {
        State::Refused(instead) => Some(instead.to_owned()),
        _ => None,
    })
}

/// The annotation of ingress-nginx that was meant by one that it does not have.
fn meant(key: &str, name: &str) -> Option<&'static str> {
    let is_unknown = key.starts_with(PREFIX) && row(name).is_none();
    let known = || super::rows().flat_map(|row| [row.name].into_iter().chain(row.alias));
    if is_unknown { near(name, known()) } else { None }
}

/// The name of an annotation that a controller reads, without prefix.
fn known(key: &str) -> Option<(&str, Reading)> {
    CONTROLLERS.iter().find_map(|(prefix, reading)| Some((key.strip_prefix(prefix)?, *reading)))
}

/// Whether an annotation is one that a controller reads.
pub(super) fn is_ours(key: &str) -> bool {
    known(key).is_some()
}

/// Whether an annotation, by its whole key, asks for nothing as it is: a switch that is off, or one that is empty, as charts write many, and
/// ingress-nginx takes for not written; of snippets also one that has only comments.
#[must_use]
pub fn is_off(key: &str, value: &str) -> bool {
    let Some(name) = key.strip_prefix(PREFIX) else { return false };
    // What an empty value of the others comes to, whoever reads them says.
    let is_empty = || value.trim().is_empty() && !row(name).is_some_and(is_read);
    let is_false = || SWITCHES.contains(&name) && parse_bool(value.trim()) == Some(false);
    is_empty() || is_false() || (name.ends_with("-snippet") && has_only_comments(value))
}

/// Whether there is nothing in a snippet but comments, which end with their lines.
fn has_only_comments(snippet: &str) -> bool {
    snippet.split('\n').map(str::trim).all(|line| line.is_empty() || line.starts_with('#'))
}

/// Whether the value of an annotation is looked at elsewhere, or need not be.
const fn is_read(row: &Row) -> bool {
    matches!(row.state, State::Obeyed | State::Approximated(_) | State::Implied(_))
}

/// Whether an annotation that is not obeyed may ask for a protection.
fn denies(name: &str, reading: Reading) -> bool {
    match reading {
        Reading::Harmless => false,
        Reading::ByWord => {
            let name = name.to_ascii_lowercase();
            // Cross-origin rules restrict browsers, not who may ask.
            !name.contains("cors") && PROTECTION_WORDS.iter().any(|word| name.contains(word))
        }
        // One of a later version may protect something.
        Reading::Listed => {
            !matches!(row(name), Some(Row { state: State::Ignored(_), .. }))
                && !HARMLESS.iter().any(|listed| matches(listed, name))
        }
    }
}

fn matches(listed: &str, name: &str) -> bool {
    listed.strip_suffix('*').map_or(name == listed, |begin| name.starts_with(begin))
}
