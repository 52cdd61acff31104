//! Fields that the gateway itself speaks by: to backends, and to services that it asks.

/// Fields that neither an Ingress nor a service that it asks ever sets, in lower case and with hyphens: they frame a message, say how its
/// content is to be read, are for one connection (RFC 9110 §7.6.1), or are the gateway's own word on who asks for what, which services of
/// several Ingresses rely on.
const OWN: [&str; 29] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "true-client-ip",
    "upgrade",
    "via",
    "x-auth-request-redirect",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-forwarded-for",
    "x-original-host",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
    "x-scheme",
    "x-sent-from",
];
/// Beginnings of further ones.
const OWN_PREFIXES: [&str; 2] = ["x-forwarded-", "ssl-client-"];

/// Whether a field is the gateway's own, but for those that are `free` where it stands. Whoever reads a field by a variable of CGI takes
/// an underscore for a hyphen.
pub(crate) fn is_own(name: &str, free: &[&str]) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let begins = OWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    (OWN.contains(&name.as_str()) || begins) && !free.contains(&name.as_str())
}
