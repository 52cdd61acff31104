//! Annotations of ingress controllers: known by prefix, none obeyed by this version, none ignored silently.

use std::collections::BTreeMap;

use crate::backend_policy;
use crate::client_policy;
use crate::code::FindingCode;
use crate::findings::{Notes, quote};
use crate::handshake_policy;

const NGINX: &str = "nginx.ingress.kubernetes.io/";

/// How keys with a controller's prefix are judged.
#[derive(Clone, Copy)]
enum Reading {
    /// Each asks for a protection unless [`HARMLESS`] has it.
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

/// Annotations of ingress-nginx without which a route is slower, less comfortable or seen by fewer, but open to nobody else. A star
/// stands for any end. What is not here, such as one of a later version, may protect something.
const HARMLESS: [&str; 41] = [
    "affinity*",
    "app-root",
    "canary*",
    "client-body-buffer-size",
    "client-header-buffer-size",
    "connection-proxy-header",
    "cors-*",
    "custom-http-errors",
    "default-backend",
    "disable-proxy-intercept-errors",
    "enable-access-log",
    "enable-cors",
    "enable-opentelemetry",
    "enable-opentracing",
    "enable-rewrite-log",
    "from-to-www-redirect",
    "hsts*",
    "http2-push-preload",
    "load-balance",
    "mirror-*",
    "opentelemetry-*",
    "opentracing-*",
    "preserve-trailing-slash",
    "proxy-body-size",
    "proxy-buffer*",
    "proxy-busy-buffers-size",
    "proxy-connect-timeout",
    "proxy-cookie-*",
    "proxy-http-version",
    "proxy-max-temp-file-size",
    "proxy-next-upstream*",
    "proxy-read-timeout",
    "proxy-request-buffering",
    "proxy-send-timeout",
    "proxy-ssl-ciphers",
    "server-alias",
    "service-upstream",
    "session-cookie-*",
    "ssl-redirect",
    "upstream-*",
    "x-forwarded-prefix",
];

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

/// Who obeys annotations of ingress-nginx: what one of them reads is not judged here.
const READERS: [fn(&str) -> bool; 3] = [backend_policy::obeys, client_policy::obeys, handshake_policy::obeys];

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
        if key.starts_with(NGINX) && READERS.iter().any(|obeys| obeys(name)) {
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
            _ => !HARMLESS.iter().any(|listed| matches(listed, name)),
        },
    };
    if denies { Effect::Deny } else { Effect::None }
}

fn matches(listed: &str, name: &str) -> bool {
    listed.strip_suffix('*').map_or(name == listed, |begin| name.starts_with(begin))
}

/// As Go's `strconv.ParseBool` has it, which is what ingress-nginx reads annotations with.
fn is_false(value: &str) -> bool {
    matches!(value, "0" | "f" | "F" | "false" | "FALSE" | "False")
}
