//! A GatewayInstance in a manifest → the GatewayInstance that an API server would hold.

use std::collections::BTreeSet;

use bulkhead_crds::crd::crd_json;
use bulkhead_crds::instance::GatewayInstance;
use bulkhead_crds::violations::violations;
use serde_json::Value;

use crate::name::InstanceName;
use crate::strict::no_field;

/// Longest label of a DNS name (RFC 1123), and so of a namespace or an instance.
const LABEL_BYTES: usize = 63;

/// Why an instance is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// Path of the field that is wrong, the first of several; empty when it is the object.
    pub(crate) field: String,
    /// What is wrong and what to do. It names the field.
    pub(crate) reason: String,
}

/// The instance in `value`, with what an API server adds: namespace `default` and a generation. The plan gives a UID to an instance
/// that has none.
///
/// # Errors
/// What an API server would refuse it for: names, types, unknown fields, and the rules of the schema.
pub(crate) fn admit(value: &Value) -> Result<GatewayInstance, Mistake> {
    names_are_texts(value)?;
    let mut instance: GatewayInstance =
        serde_json::from_value(value.clone()).map_err(|error| mistyped(value, &error.to_string()))?;
    let unreadable = |error: serde_json::Error| Mistake { field: String::new(), reason: error.to_string() };
    let unknown = unknown_fields(value, &serde_json::to_value(&instance).map_err(unreadable)?);
    if let Some(first) = unknown.first() {
        let schema = crd_json().unwrap_or_default();
        let mut known = BTreeSet::new();
        properties(&schema, &mut known);
        let sentences: Vec<String> = unknown.iter().map(|field| no_field(field, known.iter().copied())).collect();
        return Err(Mistake { field: first.clone(), reason: sentences.join("; ") });
    }
    let metadata = &mut instance.metadata;
    let namespace = metadata.namespace.get_or_insert_with(|| "default".to_owned()).clone();
    let name = metadata.name.clone().unwrap_or_default();
    for (field, label) in [("metadata.namespace", &namespace), ("metadata.name", &name)] {
        if !is_label(label) {
            let reason = format!(
                "{field} is {label:?}: write at most {LABEL_BYTES} lower case letters, digits and hyphens, beginning and ending with a letter or digit"
            );
            return Err(Mistake { field: field.to_owned(), reason });
        }
    }
    let broken = violations(&name, &instance.spec);
    if let Some(first) = broken.first() {
        let sentences: Vec<String> = broken.iter().map(|rule| format!("{}: {}", rule.field, rule.message)).collect();
        return Err(Mistake { field: first.field.clone(), reason: sentences.join("; ") });
    }
    instance.metadata.generation.get_or_insert(1);
    Ok(instance)
}

/// YAML reads some words as something else: `y`, `no` and `on` as booleans, `1e3` as a number.
fn names_are_texts(value: &Value) -> Result<(), Mistake> {
    for (field, pointer) in [("metadata.namespace", "/metadata/namespace"), ("metadata.name", "/metadata/name")] {
        if let Some(reason) = value.pointer(pointer).and_then(|value| read_as(field, value)) {
            return Err(Mistake { field: field.to_owned(), reason });
        }
    }
    Ok(())
}

/// Which field has a value of another type than the schema says, for an error of the library that does not know.
fn mistyped(value: &Value, error: &str) -> Mistake {
    let schema = crd_json().unwrap_or_default();
    let root = schema.pointer("/spec/versions/0/schema/openAPIV3Schema");
    match root.and_then(|root| wrong_type(value, root, "")) {
        Some((field, value, schema)) => {
            let reason = text_without_quotes(&field, value, schema).unwrap_or_else(|| format!("{field}: {error}"));
            Mistake { field, reason }
        }
        None => Mistake { field: String::new(), reason: error.to_owned() },
    }
}

/// What to do about a text that YAML reads as something else, as it does with `Off`.
fn text_without_quotes(field: &str, value: &Value, schema: &Value) -> Option<String> {
    if schema.get("type").and_then(Value::as_str) != Some("string") {
        return None;
    }
    let reason = read_as(field, value)?;
    let words = schema.get("enum").and_then(Value::as_array).into_iter().flatten().map(Value::to_string);
    let words = words.collect::<Vec<_>>().join(", ");
    Some(if words.is_empty() { reason } else { format!("{reason}, one of {words}") })
}

fn read_as(field: &str, value: &Value) -> Option<String> {
    let what = match value {
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        _ => return None,
    };
    Some(format!("{field} is read as the {what} {value}: put it in quotes"))
}

/// The first value that its schema does not allow: its path, itself, and the schema.
fn wrong_type<'v>(value: &'v Value, schema: &'v Value, path: &str) -> Option<(String, &'v Value, &'v Value)> {
    let word = schema.get("type").and_then(Value::as_str);
    let listed = schema.get("enum").and_then(Value::as_array);
    let fits = match word {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        _ => true,
    };
    if !(value.is_null() || fits && listed.is_none_or(|listed| listed.contains(value))) {
        return Some((path.to_owned(), value, schema));
    }
    match value {
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let schema = schema
                .get("properties")
                .and_then(|all| all.get(name))
                .or_else(|| schema.get("additionalProperties"))?;
            wrong_type(value, schema, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") })
        }),
        Value::Array(items) => {
            let schema = schema.get("items")?;
            items.iter().enumerate().find_map(|(index, item)| wrong_type(item, schema, &format!("{path}[{index}]")))
        }
        _ => None,
    }
}

/// Names of all fields in a schema.
fn properties<'a>(schema: &'a Value, names: &mut BTreeSet<&'a str>) {
    match schema {
        Value::Object(fields) => {
            for (name, inner) in fields {
                if let (true, Value::Object(fields)) = (name == "properties", inner) {
                    names.extend(fields.keys().map(String::as_str));
                }
                properties(inner, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| properties(item, names)),
        _ => {}
    }
}

/// Its name.
pub(crate) fn name(instance: &GatewayInstance) -> InstanceName {
    let metadata = &instance.metadata;
    InstanceName {
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: metadata.name.clone().unwrap_or_default(),
    }
}

/// The name under which `value` would be known, for one that is refused; nothing when even that cannot be told.
pub(crate) fn claimed_name(value: &Value) -> Option<InstanceName> {
    let text = |path: &str| value.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let namespace = text("/metadata/namespace").unwrap_or_else(|| "default".to_owned());
    Some(InstanceName { namespace, name: text("/metadata/name")? })
}

fn is_label(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = text.bytes().next().is_some_and(word) && text.bytes().next_back().is_some_and(word);
    ends && text.len() <= LABEL_BYTES && text.bytes().all(|byte| word(byte) || byte == b'-')
}

/// Paths of fields that are written but were not understood: a field that is misspelt must not look like one that is obeyed.
pub(crate) fn unknown_fields(written: &Value, understood: &Value) -> Vec<String> {
    let mut unknown = Vec::new();
    compare(written, understood, "", &mut unknown);
    unknown
}

fn compare(written: &Value, understood: &Value, path: &str, unknown: &mut Vec<String>) {
    match (written, understood) {
        (Value::Object(written), Value::Object(understood)) => {
            for (name, value) in written {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match understood.get(name) {
                    Some(understood) => compare(value, understood, &path, unknown),
                    // What says nothing may be left out when it is written back. Server-side fields are not ours to judge.
                    None if is_empty(value) || path == "metadata.managedFields" => {}
                    None => unknown.push(path),
                }
            }
        }
        (Value::Array(written), Value::Array(understood)) => {
            for (index, (written, understood)) in written.iter().zip(understood).enumerate() {
                compare(written, understood, &format!("{path}[{index}]"), unknown);
            }
        }
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests;
