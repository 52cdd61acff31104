//! Pieces of schema that the derive cannot say: CEL rules, and Kubernetes types cut to size.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// Most bytes of a string inside an embedded Kubernetes type: what the longest of them (a label key with prefix) needs, rounded up.
const EMBEDDED_STRING_BYTES: u32 = 512;
/// Most items of a list inside an embedded Kubernetes type; no real placement rule comes near, and CEL cost estimates need a bound.
const EMBEDDED_ITEMS: u32 = 64;
/// Most entries of a map inside an embedded Kubernetes type.
const EMBEDDED_PROPERTIES: u32 = 64;

/// The value of `x-kubernetes-validations` for `(rule, message)` pairs. Messages say what to do.
pub(crate) fn rules(pairs: &[(&str, &str)]) -> Value {
    pairs.iter().map(|(rule, message)| json!({ "rule": rule, "message": message })).collect()
}

/// One rule that a string satisfies when it is empty or `rule` holds.
pub(crate) fn rule(rule: &str, message: &str) -> Value {
    rules(&[(rule, message)])
}

/// A Kubernetes type inside our schema: same shape, without its long descriptions (`kubectl explain` of the original has
/// them), and with a bound on every string, list and map that has none.
pub(crate) fn embedded<T: JsonSchema>(_: &mut SchemaGenerator) -> Schema {
    let mut generator = SchemaSettings::openapi3().with(|settings| settings.inline_subschemas = true).into_generator();
    let mut schema = T::json_schema(&mut generator);
    if let Some(object) = schema.as_object_mut() {
        cut(object);
    }
    schema
}

/// A list of a Kubernetes type, replaced as a whole.
pub(crate) fn embedded_list<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let items = embedded::<T>(generator).to_value();
    schemars::json_schema!({
        "type": "array", "items": items, "maxItems": EMBEDDED_ITEMS, "x-kubernetes-list-type": "atomic",
    })
}

/// Takes descriptions out of `schema` and puts bounds in, recursively.
fn cut(schema: &mut Map<String, Value>) {
    schema.remove("description");
    match schema.get("type").and_then(Value::as_str) {
        Some("string") if !schema.contains_key("enum") => bound(schema, "maxLength", EMBEDDED_STRING_BYTES),
        Some("array") => {
            bound(schema, "maxItems", EMBEDDED_ITEMS);
            schema.entry("x-kubernetes-list-type").or_insert_with(|| json!("atomic"));
        }
        Some("object") if schema.contains_key("additionalProperties") => {
            bound(schema, "maxProperties", EMBEDDED_PROPERTIES);
        }
        _ => {}
    }
    for child in ["items", "additionalProperties"] {
        if let Some(child) = schema.get_mut(child).and_then(Value::as_object_mut) {
            cut(child);
        }
    }
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for property in properties.values_mut().filter_map(Value::as_object_mut) {
            cut(property);
        }
    }
}

fn bound(schema: &mut Map<String, Value>, keyword: &str, most: u32) {
    schema.entry(keyword).or_insert_with(|| json!(most));
}
