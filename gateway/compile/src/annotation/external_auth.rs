//! Another service's word on whether a client may ask.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::external_auth::{AskBy, Memory, Page, SignIn};
use bulkhead_model::template::Template;

use super::reader::{Reader, Stake, key};
use super::row::{Group, Row, State, Use};
use super::url::Url;
use crate::code::FindingCode;
use crate::findings::quote;
use crate::own_fields::is_own;

const AUTH: Group = Group::Authentication;
const SAYS: &str = "auth-proxy-set-headers";

pub(super) const ROWS: &[Row] = &[
    Row::new(
        "auth-always-set-cookie",
        AUTH,
        Use::Should,
        State::Approximated("Cookies that the service sets reach the client with every response, as with true."),
    ),
    Row::new(
        "auth-cache-duration",
        AUTH,
        Use::Should,
        State::Approximated(
            "An answer that sets a cookie, or that says by Cache-Control that it is not to be kept, is not; Expires is not looked at.",
        ),
    ),
    Row::new("auth-cache-key", AUTH, Use::Should, State::Obeyed),
    Row::new("auth-keepalive", AUTH, Use::Rare, State::Implied("Connections to the service are always kept.")),
    Row::new(
        "auth-keepalive-requests",
        AUTH,
        Use::Rare,
        State::Implied("Connections to the service are kept as long as it keeps them."),
    ),
    Row::new(
        "auth-keepalive-share-vars",
        AUTH,
        Use::Rare,
        State::Implied("Variables are those of the client's request."),
    ),
    Row::new(
        "auth-keepalive-timeout",
        AUTH,
        Use::Rare,
        State::Implied("The lane's keepAliveTimeout holds for these connections as for others."),
    ),
    Row::new(
        "auth-method",
        AUTH,
        Use::Must,
        State::Approximated("CONNECT and TRACE are never sent: routes answer 503."),
    ),
    Row::new(
        SAYS,
        AUTH,
        Use::Should,
        State::Approximated(
            "Only a ConfigMap of the Ingress's own namespace can be named. Fields that frame a message, are for one connection, or are the gateway's own word on who asks for what, are left out. A request of which more than 32 KiB would be made gets 500.",
        ),
    )
    .referring(),
    Row::new("auth-request-redirect", AUTH, Use::Should, State::Obeyed),
    Row::new("auth-response-headers", AUTH, Use::Must, State::Obeyed),
    Row::new(
        "auth-signin",
        AUTH,
        Use::Must,
        State::Approximated(
            "A page whose host a client could choose closes the routes with 503: of variables the host has `$host`, `$http_host` or `$best_http_host`. So does a variable that is not known.",
        ),
    ),
    Row::new("auth-signin-redirect-param", AUTH, Use::Must, State::Obeyed),
    Row::new(
        "auth-url",
        AUTH,
        Use::Must,
        State::Approximated(
            "The certificate of an https service is verified by the roots of the platform; it has 10 seconds to answer; a host that is a variable can only be $host, of a host that is no wildcard; with auth-type it does not get the field Authorization.",
        ),
    ),
    Row::new(
        "enable-global-auth",
        AUTH,
        Use::Should,
        State::Implied("A lane has no authentication of its own: what an Ingress asks for is all there is."),
    ),
];

/// Most fields of an answer that a backend is told.
const MOST_FIELDS: usize = 32;
/// Most statuses whose answers are kept.
const MOST_LIFETIMES: usize = 32;
/// Longest time that an answer is kept: who is let in today may not be tomorrow.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// What is kept where it is not said, as in ingress-nginx.
const LIFETIMES: &str = "200 202 401 5m";
/// What a service may say under names that begin as the gateway's own: who the client is, as some services tell it, and what only that
/// service is told otherwise.
const FREE: &[&str] = &[
    "x-auth-request-redirect",
    "x-forwarded-access-token",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-method",
    "x-forwarded-preferred-username",
    "x-forwarded-uri",
    "x-forwarded-user",
];

/// What an Ingress asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ExternalWish {
    pub(crate) url: Url,
    pub(crate) method: Option<AskBy>,
    pub(crate) told: Box<[Box<str>]>,
    pub(crate) sign_in: Option<SignIn>,
    pub(crate) returns_to: Option<Template>,
    pub(crate) memory: Option<Memory>,
}

/// The field of a finding about the ConfigMap.
pub(crate) fn field() -> String {
    key(SAYS)
}

/// The ConfigMap beside the Ingress with what the service is told besides: it may decide by that.
pub(super) fn says(reader: &mut Reader<'_, '_>) -> Option<Arc<str>> {
    reader.beside(SAYS, Stake::Protection).map(Into::into)
}

/// Reads it. What cannot be read closes the routes.
pub(super) fn read(reader: &mut Reader<'_, '_>) -> Option<ExternalWish> {
    // All of it is read in any case, so that what is wrong with it is said.
    let (method, told, sign_in) =
        (reader.word("auth-method", &METHODS, Stake::Protection), fields(reader), sign_in(reader));
    let (returns_to, memory) = (template(reader, "auth-request-redirect"), memory(reader));
    let Some(text) = reader.text("auth-url", Stake::Protection) else {
        if !reader.refused && reader.has(SAYS) {
            reader.notes.add(FindingCode::AnnotationNotServed, &key(SAYS), || {
                format!("The annotation {SAYS} says nothing where there is no auth-url.")
            });
        }
        return None;
    };
    match Url::parse(text) {
        Ok(url) => Some(ExternalWish { url, method, told, sign_in, returns_to, memory }),
        Err(why) => reader.bad("auth-url", Stake::Protection, &why),
    }
}

const METHODS: [(&str, AskBy); 7] = [
    ("GET", AskBy::Get),
    ("HEAD", AskBy::Head),
    ("POST", AskBy::Post),
    ("PUT", AskBy::Put),
    ("PATCH", AskBy::Patch),
    ("DELETE", AskBy::Delete),
    ("OPTIONS", AskBy::Options),
];

fn template(reader: &mut Reader<'_, '_>, name: &str) -> Option<Template> {
    let text = reader.text(name, Stake::Protection)?;
    match Template::parse(text) {
        Ok(template) => Some(template),
        Err(why) => reader.bad(name, Stake::Protection, &why.to_string()),
    }
}

fn fields(reader: &mut Reader<'_, '_>) -> Box<[Box<str>]> {
    const NAME: &str = "auth-response-headers";
    let Some(list) = reader.list(NAME, Stake::Protection) else { return Box::default() };
    let is_name =
        |name: &str| name.len() <= 128 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if let Some(wrong) = list.iter().find(|name| !is_name(name) || is_own(name, FREE)) {
        reader.bad::<()>(
            NAME,
            Stake::Protection,
            &format!("{} is no field that another service may set", quote(wrong)),
        );
    }
    if list.len() > MOST_FIELDS {
        reader.bad::<()>(NAME, Stake::Protection, &format!("it names more than {MOST_FIELDS} fields"));
    }
    list.into_iter().map(Into::into).collect()
}

fn sign_in(reader: &mut Reader<'_, '_>) -> Option<SignIn> {
    const PARAMETER: &str = "auth-signin-redirect-param";
    let parameter = reader.text(PARAMETER, Stake::Protection).unwrap_or("rd");
    if !parameter.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return reader.bad(PARAMETER, Stake::Protection, "it is no name of a parameter");
    }
    let text = reader.text("auth-signin", Stake::Protection)?;
    let page = match Page::parse(text) {
        Ok(page) => page,
        Err(why) => return reader.bad("auth-signin", Stake::Protection, &format!("{} {why}", quote(text))),
    };
    let query = text.split_once('?').map(|(_, query)| query);
    let says = |query: &str| query.split('&').any(|pair| pair.split('=').next() == Some(parameter));
    let origin = match query {
        Some(query) if says(query) => None,
        other => {
            let sign = if other.is_some() { '&' } else { '?' };
            Template::parse(&format!("{sign}{parameter}=$scheme://$http_host$escaped_request_uri")).ok()
        }
    };
    Some(SignIn { page, origin })
}

fn memory(reader: &mut Reader<'_, '_>) -> Option<Memory> {
    const NAME: &str = "auth-cache-duration";
    let list = reader.list(NAME, Stake::Comfort).unwrap_or_else(|| vec![LIFETIMES]);
    let mut lifetimes = Vec::new();
    for one in list {
        let (statuses, lifetime) = one.rsplit_once(' ').unwrap_or(("", one));
        let Some(lifetime) = duration(lifetime) else {
            return reader.bad(NAME, Stake::Comfort, &format!("{} is not like {LIFETIMES}", quote(one)));
        };
        let statuses = if statuses.trim().is_empty() { "200 301 302" } else { statuses };
        for status in statuses.split_ascii_whitespace() {
            match status.parse::<u16>().ok().filter(|status| (100..=599).contains(status)) {
                Some(status) if lifetimes.len() < MOST_LIFETIMES => lifetimes.push((status, lifetime.min(LONGEST))),
                _ => return reader.bad(NAME, Stake::Comfort, &format!("{} is not like {LIFETIMES}", quote(one))),
            }
        }
    }
    let key = template(reader, "auth-cache-key")?;
    Some(Memory { key, lifetimes: lifetimes.into() })
}

/// A time as nginx writes it: a number, and perhaps `s`, `m`, `h` or `d`.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds = match text.get(digits.len()..)? {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse::<u64>().ok().filter(|_| is_plain)?.checked_mul(seconds).map(Duration::from_secs)
}
