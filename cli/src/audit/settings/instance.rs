//! Puts a GatewayInstance together, field by field. Only what an API server would take gets into it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use bulkhead_compile::annotation::parse_bool;
use bulkhead_crds::crd::crd_json;
use bulkhead_crds::duration::Duration;
use bulkhead_crds::not_obeyed;
use bulkhead_crds::size::Size;
use serde_json::{Map, Value, json};

use super::{Meaning, Setting, SettingReport};
use crate::audit::verdict::Verdict;
use crate::instance::admit;
use crate::table::printable;

/// Characters of a setting that are shown.
const SHOWN: usize = 80;
/// Longest name that is taken from a class; an instance's may have 40 characters.
const NAME: usize = 40;
/// Everybody, in both families of addresses.
const EVERYBODY: [&str; 2] = ["0.0.0.0/0", "::/0"];
/// Said of a setting that is written and changes nothing.
const BY_DEFAULT: &str = "It is what ingress-nginx does by default.";
const TRUSTED: &str = "northSouth.clientAddress.trustedCIDRs";
const PROXY_PROTOCOL: &str = "northSouth.clientAddress.proxyProtocol";

/// An instance that is being written.
pub(super) struct Draft {
    value: Value,
}

impl Draft {
    /// One that serves `classes` side by side with the controller they belong to.
    pub(super) fn new(namespace: &str, classes: &BTreeSet<String>) -> Self {
        let name = classes.first().map(|class| name_of(class)).unwrap_or_default();
        let classes: Vec<&String> = classes.iter().filter(|class| is_name(class)).collect();
        let draft = Self { value: manifest(&name, namespace, &json!({ "alsoServe": classes })) };
        // Names that no cluster has: what is left is still an instance that says the rest.
        if admit(&draft.value).is_ok() { draft } else { Self { value: manifest("ingress", "default", &json!({})) } }
    }

    /// Sets a field. Nothing changes when no instance can have this value there.
    pub(super) fn set(&mut self, path: &str, value: Value) -> bool {
        let fits = is_within(path, &value) && names_fit(&value);
        let mut next = self.value.clone();
        insert(&mut next, path, value);
        let fits = fits && admit(&next).is_ok();
        if fits {
            self.value = next;
        }
        fits
    }

    /// Takes one setting, and says what becomes of it. `shown` is how it is written.
    pub(super) fn take(&mut self, shown: String, known: Option<&Setting>, value: &str) -> SettingReport {
        let value = value.trim();
        let report = |verdict, field: &str, message: String| SettingReport {
            setting: shortened(&shown),
            verdict,
            field: field.to_owned(),
            message,
        };
        let Some(known) = known else {
            return report(Verdict::Ignored, "", "It is not known.".to_owned());
        };
        let is_default = value.is_empty() || value.eq_ignore_ascii_case(known.default);
        match known.meaning {
            Meaning::Moot(why) => report(Verdict::Honoured, "", why.to_owned()),
            Meaning::Instead(_) | Meaning::Protects(_) if is_default => {
                report(Verdict::Honoured, "", BY_DEFAULT.to_owned())
            }
            Meaning::Lacking(_) if parse_bool(value) == Some(false) && known.default == "true" => {
                report(Verdict::Honoured, "", "It is off, so it asks for nothing.".to_owned())
            }
            Meaning::Instead(what) | Meaning::Lacking(what) => report(Verdict::Ignored, "", what.to_owned()),
            Meaning::Protects(what) => report(Verdict::Refused, "", what.to_owned()),
            Meaning::Field(TRUSTED | PROXY_PROTOCOL, ..) if parse_bool(value) == Some(false) => {
                report(Verdict::Honoured, "", BY_DEFAULT.to_owned())
            }
            // Set with the others: see `trust`.
            Meaning::Field(path @ (TRUSTED | PROXY_PROTOCOL), _, note) => {
                report(Verdict::Approximated, &format!("spec.{path}"), trusting(note))
            }
            Meaning::Field(path, read, note) => {
                let Some(wanted) = read(value) else {
                    return report(Verdict::Ignored, "", "The value cannot be read.".to_owned());
                };
                let field = format!("spec.{path}");
                if !self.set(path, wanted) {
                    return report(Verdict::Ignored, "", format!("The value is beyond what {field} takes."));
                }
                match instead(&field) {
                    Some(instead) => report(
                        Verdict::Approximated,
                        &field,
                        join(note, &format!("This version does not act on it: {instead}.")),
                    ),
                    None if note.is_empty() => report(Verdict::Honoured, &field, String::new()),
                    None => report(Verdict::Approximated, &field, note.to_owned()),
                }
            }
        }
    }

    /// Sets whom to believe about the client's address, which three keys say together.
    pub(super) fn trust(&mut self, data: Option<&BTreeMap<String, String>>) {
        let text = |key: &str| data.and_then(|data| data.get(key)).map(|value| value.trim());
        let on = |key| text(key).and_then(parse_bool).unwrap_or(false);
        let speaks_proxy = on("use-proxy-protocol");
        if !(speaks_proxy || on("use-forwarded-headers") || on("enable-real-ip")) {
            return;
        }
        let blocks: Vec<&str> = text("proxy-real-ip-cidr")
            .map(|list| list.split(',').map(str::trim).filter(|block| !block.is_empty()).collect())
            .unwrap_or_default();
        if blocks.is_empty() || !self.set(TRUSTED, json!(blocks)) {
            self.set(TRUSTED, json!(EVERYBODY));
        }
        if speaks_proxy {
            self.set(PROXY_PROTOCOL, json!("Accept"));
        }
    }

    /// As a manifest.
    pub(super) fn yaml(&self) -> String {
        serde_saphyr::to_string(&self.value).unwrap_or_default()
    }
}

/// An instance whose north-south lane takes the place of a controller.
fn manifest(name: &str, namespace: &str, class: &Value) -> Value {
    json!({
        "apiVersion": "bulkhead.io/v1alpha1",
        "kind": "GatewayInstance",
        "metadata": { "name": name, "namespace": namespace },
        "spec": {
            "profile": "IngressNginx",
            "northSouth": { "ingressClass": class },
            "eastWest": { "enabled": false },
        },
    })
}

fn trusting(note: &str) -> String {
    let whom = "Name the addresses of your load balancer there: whoever is in it chooses which address is seen.";
    if note.contains("whoever") { note.to_owned() } else { join(note, whom) }
}

fn join(first: &str, second: &str) -> String {
    if first.is_empty() { second.to_owned() } else { format!("{first} {second}") }
}

/// Why a field, or what it is in, is not obeyed yet.
fn instead(field: &str) -> Option<&'static str> {
    let within = |path: &str| field.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    not_obeyed::rows().find(|row| row.paths.iter().any(|path| within(path))).map(|row| row.instead)
}

fn insert(value: &mut Value, path: &str, leaf: Value) {
    if let Some(spec) = value.pointer_mut("/spec") {
        place(spec, &mut path.split('.'), leaf);
    }
}

fn place<'p>(value: &mut Value, path: &mut impl Iterator<Item = &'p str>, leaf: Value) {
    let Some(name) = path.next() else {
        *value = leaf;
        return;
    };
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    if let Value::Object(fields) = value {
        place(fields.entry(name).or_insert(Value::Null), path, leaf);
    }
}

/// A name of an instance made of that of a class: a letter, then letters, digits and hyphens.
fn name_of(class: &str) -> String {
    let letters = class.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    let name: String = letters.skip_while(|c| !c.is_ascii_lowercase()).take(NAME).collect();
    let name = name.trim_end_matches('-');
    if name.is_empty() { "ingress".to_owned() } else { name.to_owned() }
}

/// A text of a stranger, short and on one line.
pub(super) fn shortened(text: &str) -> String {
    let shown: String = text.chars().take(SHOWN).collect();
    let more = if text.chars().nth(SHOWN).is_some() { "…" } else { "" };
    printable(&format!("{shown}{more}"))
}

/// The schema of a field, by its path from `spec`.
fn schema(path: &str) -> Option<Value> {
    static CRD: OnceLock<Option<Value>> = OnceLock::new();
    let root = CRD
        .get_or_init(|| crd_json().ok())
        .as_ref()?
        .pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec")?;
    path.split('.').try_fold(root, |schema, name| schema.get("properties")?.get(name)).cloned()
}

/// Whether a duration or size lies between the bounds of its field, which the rule of the schema names in its message. Other values have none.
fn is_within(path: &str, value: &Value) -> bool {
    let schema = schema(path).unwrap_or_default();
    let rules = schema.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten();
    let messages = rules.filter_map(|rule| rule.get("message")?.as_str()?.strip_prefix("must be between "));
    let bounds = messages.filter_map(|bounds| bounds.split_once(" and "));
    let Some(text) = value.as_str() else { return true };
    bounds.into_iter().all(|(least, most)| match (quantity(text), quantity(least), quantity(most)) {
        (Some(value), Some(least), Some(most)) => (least..=most).contains(&value),
        _ => false,
    })
}

/// Milliseconds of a duration, or bytes of a size.
fn quantity(text: &str) -> Option<u64> {
    let millis = text.parse::<Duration>().map(Duration::as_millis).ok();
    millis.or_else(|| text.parse::<Size>().map(Size::bytes).ok())
}

/// Whether an object can have this name (Kubernetes, "Object Names and IDs", DNS subdomain names).
fn is_name(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = text.bytes().next().is_some_and(word) && text.bytes().next_back().is_some_and(word);
    ends && text.len() <= 253 && text.bytes().all(|byte| word(byte) || matches!(byte, b'-' | b'.'))
}

/// Whether every name in a value, such as that of a Secret or a namespace, is one.
fn names_fit(value: &Value) -> bool {
    let listed = value.get("names").and_then(Value::as_array).into_iter().flatten();
    listed.chain(value.get("name")).all(|name| name.as_str().is_some_and(is_name))
}

/// Whether instances have a field, by its path from `spec`.
#[cfg(test)]
pub(crate) fn has_field(path: &str) -> bool {
    schema(path).is_some()
}
