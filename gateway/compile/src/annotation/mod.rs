//! Annotations of ingress controllers: those of ingress-nginx are known by name, one [`Row`] each, others by prefix; none is ignored
//! silently.
//!
//! A module for each thing that annotations can ask for holds the rows of its annotations and reads them, with one [`Reader`], into
//! a type of the model. [`Policies`] is all of it.

mod access;
mod balancing;
mod bounds;
mod external_auth;
mod mirror;
mod observation;
mod others;
mod pages;
mod reader;
mod row;
mod snippets;
mod url;

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_model::access::AccessList;
use bulkhead_model::balance::Method;

use crate::code::FindingCode;
use crate::findings::{Notes, quote};

pub(crate) use self::bounds::Bounds;
pub(crate) use self::external_auth::ExternalWish;
pub(crate) use self::mirror::MirrorWish;
pub(crate) use self::pages::{DEFAULT_BACKEND, Pages};
pub(crate) use self::reader::{Reader, key};
pub(crate) use self::row::PREFIX as NGINX;
pub use self::row::{Group, Row, Scope, State, Use};
pub(crate) use self::url::{Url, UrlHost};

/// What an Ingress asks for by annotations, as far as it can be understood alone.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Policies {
    /// Who may ask, by address.
    pub(crate) access: Option<AccessList>,
    /// Bounds that differ from the lane's.
    pub(crate) bounds: Bounds,
    /// Who says whether a client may ask.
    pub(crate) external: Option<ExternalWish>,
    /// Who gets a copy of every request.
    pub(crate) mirror: Option<MirrorWish>,
    /// How an endpoint is chosen, if not as the lane says.
    pub(crate) method: Option<Method>,
    /// Pages of another Service instead of errors.
    pub(crate) pages: Option<Pages>,
    /// A protection is asked for in a way that cannot be obeyed: every route answers 503.
    pub(crate) refused: bool,
}

impl Policies {
    /// Reads all that is obeyed. What is not is for [`judge`] to say.
    pub(crate) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let (access, bounds, method) = (access::read(reader), Bounds::read(reader), balancing::method(reader));
        let (external, mirror, pages) = (external_auth::read(reader), mirror::read(reader), pages::read(reader));
        Self { access, bounds, external, method, mirror, pages, refused: reader.refused }
    }
}

impl Policies {
    /// Names of further Services that they need, of the namespace of the Ingress.
    pub(crate) fn services(&self) -> impl Iterator<Item = &Arc<str>> {
        self.pages.iter().map(|pages| &pages.service)
    }
}

/// Every annotation of ingress-nginx.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    [
        access::ROWS,
        balancing::ROWS,
        bounds::ROWS,
        external_auth::ROWS,
        mirror::ROWS,
        observation::ROWS,
        others::ROWS,
        pages::ROWS,
        snippets::ROWS,
    ]
    .into_iter()
    .flatten()
}

/// The row of an annotation of ingress-nginx, by its name without prefix, or its second name.
#[must_use]
pub fn row(name: &str) -> Option<&'static Row> {
    rows().find(|row| row.name == name || row.alias == Some(name))
}

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
    (NGINX, Reading::Listed),
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

/// Annotations of ingress-nginx that ask for nothing when they are false.
const SWITCHES: [&str; 6] = [
    "enable-global-auth",
    "enable-modsecurity",
    "enable-owasp-core-rules",
    "enable-owasp-modsecurity-crs",
    "force-ssl-redirect",
    "ssl-passthrough",
];

/// What the keys of other controllers have in common that restrict who may ask what. Middlewares and plugins can be anything.
const PROTECTION_WORDS: [&str; 12] = [
    "allow",
    "auth",
    "blacklist",
    "deny",
    "jwt",
    "limit",
    "middleware",
    "plugin",
    "polic",
    "snippet",
    "waf",
    "whitelist",
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
        let known = CONTROLLERS.iter().find_map(|(prefix, reading)| Some((key.strip_prefix(prefix)?, *reading)));
        let Some((name, reading)) = known else { continue };
        let row = if key.starts_with(NGINX) { row(name) } else { None };
        if let Some(Row { state: State::Obeyed | State::Approximated(_) | State::Implied(_), .. }) = row {
            continue;
        }
        let effect = effect(name, value.trim(), reading);
        strongest = strongest.max(effect);
        match effect {
            Effect::None => notes.add(FindingCode::AnnotationNotServed, key, || {
                format!("The annotation {} is not obeyed: the routes of this Ingress are served without it.", quote(name))
            }),
            Effect::Deny => notes.add(FindingCode::PolicyNotServed, key, || {
                format!("The annotation {} may ask for a protection, which is not offered, so every route of this Ingress answers 503.", quote(name))
            }),
            Effect::Withhold => notes.add(FindingCode::CanaryNotServed, key, || {
                format!("The annotation {name} is {}: this Ingress asks for a share of another's traffic, so its routes are left out.", quote(value))
            }),
        }
    }
    strongest
}

/// Whether paths are meant as regular expressions.
pub(crate) fn has_expressions(annotations: &BTreeMap<String, String>) -> bool {
    let mut all = annotations.iter().filter_map(|(key, value)| Some((key.strip_prefix(NGINX)?, value.trim())));
    all.any(|(name, value)| name == USE_REGEX && !is_false(value))
}

/// Makes regular expressions of all paths. Judged with the paths: those that are expressions are not served, so nothing is open.
const USE_REGEX: &str = "use-regex";

fn effect(name: &str, value: &str, reading: Reading) -> Effect {
    let denies = match reading {
        Reading::Harmless => false,
        Reading::ByWord => {
            let name = name.to_ascii_lowercase();
            // Cross-origin rules restrict browsers, not who may ask.
            !name.contains("cors") && PROTECTION_WORDS.iter().any(|word| name.contains(word))
        }
        Reading::Listed => match name {
            "canary" if !is_false(value) => return Effect::Withhold,
            USE_REGEX => false,
            _ if SWITCHES.contains(&name) && is_false(value) => false,
            // One of a later version may protect something.
            _ => {
                !matches!(row(name), Some(Row { state: State::Ignored(_), .. }))
                    && !HARMLESS.iter().any(|listed| matches(listed, name))
            }
        },
    };
    if denies { Effect::Deny } else { Effect::None }
}

fn matches(listed: &str, name: &str) -> bool {
    listed.strip_suffix('*').map_or(name == listed, |begin| name.starts_with(begin))
}

/// As Go's `strconv.ParseBool` has it, which is what ingress-nginx reads annotations with.
fn is_false(value: &str) -> bool {
    reader::parse_bool(value) == Some(false)
}
