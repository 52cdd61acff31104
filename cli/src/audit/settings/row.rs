//! What there is to know about one setting of ingress-nginx.

use bulkhead_compile::annotation::parse_bool;
use bulkhead_crds::observability::SampleRatio;
use serde_json::{Value, json};

/// A key of the controller's ConfigMap, or a flag of its command line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// Key, or flag without hyphens before it.
    pub(crate) key: &'static str,
    /// What ingress-nginx takes where it is not written; empty where that is nothing.
    pub(crate) default: &'static str,
    pub(crate) meaning: Meaning,
}

/// What becomes of a setting.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Meaning {
    /// A field of the GatewayInstance, by its path from `spec`, with what else there is to know.
    Field(&'static str, Read, &'static str),
    /// It is so anyway, or concerns nothing that is left, for this reason.
    Moot(&'static str),
    /// Nothing does the same. What to do instead, unless it says what holds anyway.
    Instead(&'static str),
    /// Nothing does what ingress-nginx does even where it is not written, unless it is switched off. What to do instead.
    Lacking(&'static str),
    /// Nothing does the same, and what it protects is open without it. What to do instead.
    Protects(&'static str),
}

/// Reads a value into that of the field. Nothing when it is none that ingress-nginx takes.
pub(crate) type Read = fn(&str) -> Option<Value>;

pub(super) const fn field(key: &'static str, default: &'static str, path: &'static str, read: Read) -> Setting {
    Setting { key, default, meaning: Meaning::Field(path, read, "") }
}

/// A field that is not quite the same, or needs a hand.
pub(super) const fn near(
    key: &'static str,
    default: &'static str,
    path: &'static str,
    read: Read,
    note: &'static str,
) -> Setting {
    Setting { key, default, meaning: Meaning::Field(path, read, note) }
}

pub(super) const fn moot(key: &'static str, default: &'static str, why: &'static str) -> Setting {
    Setting { key, default, meaning: Meaning::Moot(why) }
}

pub(super) const fn instead(key: &'static str, default: &'static str, what: &'static str) -> Setting {
    Setting { key, default, meaning: Meaning::Instead(what) }
}

pub(super) const fn lacking(key: &'static str, default: &'static str, what: &'static str) -> Setting {
    Setting { key, default, meaning: Meaning::Lacking(what) }
}

pub(super) const fn protects(key: &'static str, default: &'static str, what: &'static str) -> Setting {
    Setting { key, default, meaning: Meaning::Protects(what) }
}

pub(super) fn switch(text: &str) -> Option<Value> {
    parse_bool(text).map(Value::Bool)
}

pub(super) fn number(text: &str) -> Option<Value> {
    text.parse::<i32>().ok().filter(|number| *number >= 0).map(Value::from)
}

/// Seconds, or a number with one of nginx's units.
pub(super) fn duration(text: &str) -> Option<Value> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().ok()?;
    let seconds = match text.get(digits.len()..)? {
        "" | "s" => number,
        "m" => number.checked_mul(60)?,
        "h" => number.checked_mul(3600)?,
        "d" => number.checked_mul(86_400)?,
        "ms" => return (number <= 99_999).then(|| json!(format!("{number}ms"))),
        _ => return None,
    };
    match seconds {
        0..=99_999 => Some(json!(format!("{seconds}s"))),
        // Five digits are what a field takes.
        _ if seconds.is_multiple_of(3600) && seconds / 3600 <= 99_999 => Some(json!(format!("{}h", seconds / 3600))),
        _ => None,
    }
}

/// The same, as a number.
pub(super) fn seconds(text: &str) -> Option<Value> {
    let text = duration(text)?;
    let text = text.as_str()?;
    let (number, factor) = match text.strip_suffix('h') {
        Some(hours) => (hours, 3600),
        None => (text.strip_suffix('s')?, 1),
    };
    Some(json!(number.parse::<u64>().ok()? * factor))
}

/// Bytes: a number, and perhaps `k`, `m` or `g`.
pub(super) fn size(text: &str) -> Option<Value> {
    bytes(text).map(shown)
}

/// A number and a size, such as `4 8k`: so many buffers of that size.
pub(super) fn buffers(text: &str) -> Option<Value> {
    let (count, size) = text.split_once(' ')?;
    count.parse::<u64>().ok()?.checked_mul(bytes(size.trim())?).map(shown)
}

fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: u64 = match text.get(digits.len()..)?.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

fn shown(bytes: u64) -> Value {
    let unit = [(30, "Gi"), (20, "Mi"), (10, "Ki")]
        .into_iter()
        .find(|(shift, _)| bytes > 0 && bytes.is_multiple_of(1 << shift));
    unit.map_or_else(|| json!(bytes.to_string()), |(shift, unit)| json!(format!("{}{unit}", bytes >> shift)))
}

/// A list that commas divide.
pub(super) fn list(text: &str) -> Option<Value> {
    let items: Vec<&str> = text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect();
    (!items.is_empty()).then(|| json!(items))
}

/// The name in `namespace/name`.
pub(super) fn secret(text: &str) -> Option<Value> {
    let (_, name) = text.split_once('/')?;
    Some(json!({ "name": name }))
}

/// One namespace as a scope; none is all of them.
pub(super) fn namespace(text: &str) -> Option<Value> {
    if text.is_empty() { Some(json!({})) } else { Some(json!({ "from": "Names", "names": [text] })) }
}

/// Labels as a scope, where each has one value.
pub(super) fn selector(text: &str) -> Option<Value> {
    let pair = |pair: &str| {
        let (label, value) = pair.split_once('=')?;
        let value = value.strip_prefix('=').unwrap_or(value);
        let plain = !label.contains(['!', ' ', '(']) && !value.contains(['!', ' ', '(', '=']);
        plain.then(|| (label.to_owned(), json!(value)))
    };
    let labels: Option<serde_json::Map<String, Value>> = text.split(',').map(pair).collect();
    Some(json!({ "from": "Selector", "selector": { "matchLabels": labels? } }))
}

/// The lowest of the listed versions of TLS.
pub(super) fn lowest_tls(text: &str) -> Option<Value> {
    let mut versions = text.split_whitespace();
    let first = versions.clone().all(|version| version == "TLSv1.3");
    let known = versions.all(|version| ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"].contains(&version));
    (known && !text.trim().is_empty()).then(|| json!(if first { "1.3" } else { "1.2" }))
}

pub(super) fn proxy_protocol(text: &str) -> Option<Value> {
    parse_bool(text).map(|on| json!(if on { "Accept" } else { "Off" }))
}

pub(super) fn forwarded_for(text: &str) -> Option<Value> {
    parse_bool(text).map(|on| json!(if on { "Append" } else { "Replace" }))
}

pub(super) fn balance(text: &str) -> Option<Value> {
    let method = match text {
        "round_robin" | "" => "RoundRobin",
        "ewma" => "PeakEwma",
        _ => return None,
    };
    Some(json!(method))
}

/// The host of a collector that is spoken to by gRPC, as the URL of its door for HTTP.
pub(super) fn collector(text: &str) -> Option<Value> {
    let is_of_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (!text.is_empty() && text.chars().all(is_of_host)).then(|| json!(format!("http://{text}:4318")))
}

/// A share from 0 to 1.
pub(super) fn ratio(text: &str) -> Option<Value> {
    let share: f64 = text.parse().ok()?;
    let written = (0.0..=1.0).contains(&share).then(|| format!("{share:.6}"))?;
    let short = written.trim_end_matches('0').trim_end_matches('.');
    short.parse::<SampleRatio>().ok().map(|ratio| json!(String::from(ratio)))
}

pub(super) fn no_log(text: &str) -> Option<Value> {
    parse_bool(text).map(|off| json!(if off { "Off" } else { "IngressNginx" }))
}
