//! The CustomResourceDefinition as it is installed.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Map, Value, json};

use crate::instance::GatewayInstance;
use crate::lane_spec::default_service_type;
use crate::names::LaneName;

/// The CustomResourceDefinition of `GatewayInstance`, as JSON, in the form in which it is written to disk.
///
/// It is the derived one, put in order: no `nullable` (a null is then refused or defaulted as everywhere in Kubernetes), no titles, descriptions in whole paragraphs, no formats
/// that API servers do not know, whole numbers written as such, and defaults of nested objects left to their fields.
///
/// # Errors
///
/// None in practice: the derived definition is plain data. An error of `serde_json` is handed on rather than hidden.
pub fn crd_json() -> Result<Value, serde_json::Error> {
    let mut crd = serde_json::to_value(GatewayInstance::crd())?;
    let schema = crd.pointer_mut("/spec/versions/0/schema/openAPIV3Schema").and_then(Value::as_object_mut);
    if let Some(schema) = schema {
        tidy(schema);
        for lane in LaneName::ALL {
            default_service(schema, lane);
        }
    }
    whole_numbers(&mut crd);
    Ok(crd)
}

/// [`crd_json`] as the type that clients send.
///
/// # Errors
///
/// As [`crd_json`].
pub fn crd() -> Result<CustomResourceDefinition, serde_json::Error> {
    serde_json::from_value(crd_json()?)
}

/// Puts one schema and all below it in order.
fn tidy(schema: &mut Map<String, Value>) {
    schema.remove("nullable");
    schema.remove("title");
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = paragraphs(description);
    }
    if let Some(format) = schema.get("format").and_then(Value::as_str)
        && !["int32", "int64", "date-time"].contains(&format)
    {
        schema.remove("format");
    }
    if schema.contains_key("properties") && schema.contains_key("default") {
        schema.insert("default".to_owned(), json!({}));
    }
    for child in ["items", "additionalProperties"] {
        if let Some(child) = schema.get_mut(child).and_then(Value::as_object_mut) {
            tidy(child);
        }
    }
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().filter_map(Value::as_object_mut).for_each(tidy);
    }
}

/// Joins the lines of each paragraph: where a line of source ends says nothing to a reader of `kubectl explain`.
fn paragraphs(text: &str) -> String {
    text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect::<Vec<_>>().join("\n\n")
}

/// The lanes differ in one default, which a type that both share cannot say.
fn default_service(schema: &mut Map<String, Value>, lane: LaneName) {
    let field = schema
        .get_mut("properties")
        .and_then(|properties| properties.pointer_mut(&format!("/spec/properties/{}", lane.field())))
        .and_then(|lane| lane.pointer_mut("/properties/service/properties/type"))
        .and_then(Value::as_object_mut);
    if let Some(field) = field {
        field.insert("default".to_owned(), json!(default_service_type(lane)));
    }
}

/// `1.0` to `1`: the types of `k8s-openapi` hold bounds as floating point numbers, which tools that compare files take for a change.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(whole_numbers),
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Number(number) => {
            // 2^53: up to there every whole number has a float of its own.
            if let Some(float) = number.as_f64()
                && number.is_f64()
                && float.fract() == 0.0
                && float.abs() < 9_007_199_254_740_992.0
            {
                *value = json!(float as i64);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
