//! Annotations of ingress controllers: those of ingress-nginx are known by name, one [`Row`] each, others by prefix; none is ignored
//! silently.
//!
//! A module for each thing that annotations can ask for holds the rows of its annotations and reads them, with one [`Reader`], into
//! a type of the model. [`Policies`] is all of it.

mod access;
mod aliases;
mod authentication;
mod balancing;
mod bandwidth;
mod bounds;
mod canary;
mod cors;
mod external_auth;
mod mirror;
mod observation;
mod others;
mod pages;
mod rates;
mod reader;
mod redirect;
mod response_fields;
mod rewrite;
mod row;
mod snippets;
mod upstream;
mod url;
mod within;

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_model::Template;
use bulkhead_model::access::AccessList;
use bulkhead_model::authentication::Satisfy;
use bulkhead_model::balance::{Affinity, Method};
use bulkhead_model::bandwidth::Bandwidth;
use bulkhead_model::cross_origin::CrossOrigin;

use k8s_openapi::api::networking::v1::Ingress;

use crate::code::FindingCode;
use crate::findings::{Notes, quote};
use crate::name::Name;

pub(crate) use self::aliases::Names;
pub(crate) use self::authentication::{BasicWish, field as field_of_users};
pub(crate) use self::bounds::Bounds;
pub(crate) use self::canary::{CanaryPolicy, is_canary, read as read_canary};
pub(crate) use self::external_auth::ExternalWish;
pub(crate) use self::mirror::MirrorWish;
pub(crate) use self::pages::{DEFAULT_BACKEND, Pages};
pub(crate) use self::rates::Rates;
pub(crate) use self::reader::{Reader, key};
pub(crate) use self::redirect::Redirection;
pub(crate) use self::response_fields::field as field_of_response_fields;
pub(crate) use self::rewrite::Routing;
pub(crate) use self::row::PREFIX as NGINX;
pub use self::row::{Group, Row, Scope, State, Use};
pub(crate) use self::url::{Url, UrlHost};

/// What an Ingress asks for by annotations, as far as it can be understood alone.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Policies {
    /// Who may ask, by address.
    pub(crate) access: Option<AccessList>,
    /// Which requests belong together.
    pub(crate) affinity: Option<Affinity>,
    /// Who may ask, by name and password.
    pub(crate) basic: Option<BasicWish>,
    /// How fast each response is sent.
    pub(crate) bandwidth: Option<Bandwidth>,
    /// Bounds that differ from the lane's.
    pub(crate) bounds: Bounds,
    /// Which pages of other origins may read the responses, as the profile Standard has it.
    pub(crate) cross_origin: Option<CrossOrigin>,
    /// Who says whether a client may ask.
    pub(crate) external: Option<ExternalWish>,
    /// Who gets a copy of every request.
    pub(crate) mirror: Option<MirrorWish>,
    /// How an endpoint is chosen, if not as the lane says.
    pub(crate) method: Option<Method>,
    /// How often a client may ask.
    pub(crate) rates: Option<Rates>,
    /// Whether each request has a connection of its own to the backend.
    pub(crate) closes: bool,
    /// How its hosts are called besides.
    pub(crate) names: Names,
    /// Where clients are sent instead.
    pub(crate) redirects: Redirection,
    /// Pages of another Service instead of errors.
    pub(crate) pages: Option<Pages>,
    /// How paths are meant, and what becomes of them.
    pub(crate) routing: Routing,
    /// Whether the one address of a Service is asked rather than its endpoints.
    pub(crate) service: bool,
    /// The authority that backends are told.
    pub(crate) vhost: Option<Template>,
    /// Requests have no line in the access log.
    pub(crate) unlogged: bool,
    /// A protection is asked for in a way that cannot be obeyed: every route answers 503.
    pub(crate) refused: bool,
    /// The ConfigMap beside the Ingress with fields of every response.
    pub(crate) response_fields: Option<Arc<str>>,
    /// How much of what it asks is enough.
    pub(crate) satisfy: Satisfy,
}

impl Policies {
    /// Reads all that is obeyed. What is not is for [`judge`] to say.
    pub(crate) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let mut read = Self {
            access: access::read(reader),
            affinity: balancing::affinity(reader),
            bandwidth: bandwidth::read(reader),
            basic: authentication::basic(reader),
            bounds: Bounds::read(reader),
            cross_origin: cors::read(reader),
            external: external_auth::read(reader),
            method: balancing::method(reader),
            mirror: mirror::read(reader),
            rates: rates::read(reader),
            closes: within::closes(reader),
            names: Names::read(reader),
            redirects: Redirection::read(reader),
            pages: pages::read(reader),
            response_fields: response_fields::read(reader),
            satisfy: authentication::satisfy(reader),
            routing: Routing::read(reader),
            service: upstream::by_service(reader),
            unlogged: observation::unlogged(reader),
            vhost: upstream::vhost(reader),
            refused: false,
        };
        read.refused = reader.refused;
        read
    }

    /// Names of further Services that they need, of the namespace of the Ingress.
    pub(crate) fn services(&self) -> impl Iterator<Item = &Arc<str>> {
        self.pages.iter().map(|pages| &pages.service)
    }

    /// Names of the Secrets of its namespace that they need.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Arc<str>> {
        self.basic.iter().map(|basic| &basic.secret)
    }

    /// Names of the ConfigMaps of its namespace that they need.
    pub(crate) fn config_maps(&self) -> impl Iterator<Item = &Arc<str>> {
        self.response_fields.iter()
    }
}

/// Whether the annotation of ingress-nginx with this name, which is without prefix, refers to an object that [`needed`] names.
pub(crate) fn refers(name: &str) -> bool {
    authentication::OF_SECRET.contains(&name) || response_fields::OF_CONFIG_MAP.contains(&name)
}

/// The policies of an Ingress as far as they refer to objects.
pub(crate) fn needed(ingress: &Ingress) -> Policies {
    let Some(annotations) = &ingress.metadata.annotations else { return Policies::default() };
    let name = Name::of(&ingress.metadata);
    // What is to be said about them, they say when they are served.
    let mut notes = Notes::new("Ingress", &name);
    let mut reader = Reader::new(annotations, &name.namespace, &mut notes);
    Policies {
        basic: authentication::basic(&mut reader),
        response_fields: response_fields::read(&mut reader),
        ..Policies::default()
    }
}

/// Every annotation of ingress-nginx.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    let tables = [
        access::ROWS,
        aliases::ROWS,
        authentication::ROWS,
        balancing::ROWS,
        bandwidth::ROWS,
        bounds::ROWS,
        canary::ROWS,
        cors::ROWS,
        external_auth::ROWS,
        mirror::ROWS,
        observation::ROWS,
        others::ROWS,
        pages::ROWS,
        rates::ROWS,
        redirect::ROWS,
        response_fields::ROWS,
        rewrite::ROWS,
        snippets::ROWS,
        upstream::ROWS,
        within::ROWS,
    ];
    tables.into_iter().flatten()
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
const SWITCHES: [&str; 5] = [
    "enable-global-auth",
    "enable-modsecurity",
    "enable-owasp-core-rules",
    "enable-owasp-modsecurity-crs",
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
    let mut denied = false;
    for (key, value) in annotations {
        let Some((name, reading)) = known(key) else { continue };
        let row = if key.starts_with(NGINX) { row(name) } else { None };
        if let Some(Row { state: State::Obeyed | State::Approximated(_) | State::Implied(_), .. }) = row {
            continue;
        }
        if denies(name, value.trim(), reading) {
            denied = true;
            notes.add(FindingCode::PolicyNotServed, key, || {
                format!("The annotation {} may ask for a protection, which is not offered, so every route of this Ingress answers 503.", quote(name))
            });
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

/// The name of an annotation that a controller reads, without prefix.
fn known(key: &str) -> Option<(&str, Reading)> {
    CONTROLLERS.iter().find_map(|(prefix, reading)| Some((key.strip_prefix(prefix)?, *reading)))
}

/// Whether an annotation is one that a controller reads.
fn is_ours(key: &str) -> bool {
    known(key).is_some()
}

/// Whether an annotation that is not obeyed may ask for a protection.
fn denies(name: &str, value: &str, reading: Reading) -> bool {
    match reading {
        Reading::Harmless => false,
        Reading::ByWord => {
            let name = name.to_ascii_lowercase();
            // Cross-origin rules restrict browsers, not who may ask.
            !name.contains("cors") && PROTECTION_WORDS.iter().any(|word| name.contains(word))
        }
        Reading::Listed => match name {
            _ if SWITCHES.contains(&name) && is_false(value) => false,
            // One of a later version may protect something.
            _ => {
                !matches!(row(name), Some(Row { state: State::Ignored(_), .. }))
                    && !HARMLESS.iter().any(|listed| matches(listed, name))
            }
        },
    }
}

fn matches(listed: &str, name: &str) -> bool {
    listed.strip_suffix('*').map_or(name == listed, |begin| name.starts_with(begin))
}

/// As Go's `strconv.ParseBool` has it, which is what ingress-nginx reads annotations with.
fn is_false(value: &str) -> bool {
    reader::parse_bool(value) == Some(false)
}
