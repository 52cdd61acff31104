//! Laws that hold of every field in the schema.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::crd_json;
use crate::instance::GatewayInstanceSpec;
use crate::not_obeyed;

/// Calls `visit` with path and schema of the root and of everything below it.
fn walk(path: &str, schema: &Value, visit: &mut impl FnMut(&str, &Map<String, Value>)) {
    let Some(object) = schema.as_object() else { return };
    visit(path, object);
    for (name, child) in object.get("properties").and_then(Value::as_object).into_iter().flatten() {
        walk(format!("{path}.{name}").trim_start_matches('.'), child, visit);
    }
    for (keyword, sign) in [("items", "[]"), ("additionalProperties", "{}")] {
        if let Some(child) = object.get(keyword) {
            walk(&format!("{path}{sign}"), child, visit);
        }
    }
}

fn schema() -> Value {
    crd_json().unwrap().pointer("/spec/versions/0/schema/openAPIV3Schema").unwrap().clone()
}

fn violations(mut broken: impl FnMut(&str, &Map<String, Value>) -> bool) -> Vec<String> {
    let mut paths = Vec::new();
    walk("", &schema(), &mut |path, schema| {
        if broken(path, schema) {
            paths.push(path.to_owned());
        }
    });
    paths
}

/// Fields of Kubernetes' own types, which carry no descriptions of ours.
fn is_embedded(path: &str) -> bool {
    [".affinity.", ".tolerations[]", ".selector.", ".resources.", ".behavior.", ".from[]", "networkPolicy.from[]"]
        .iter()
        .any(|part| path.contains(part))
}

#[test]
fn every_field_has_a_description() {
    let missing = violations(|path, schema| {
        let named = !path.is_empty() && !path.ends_with("[]") && !path.ends_with("{}");
        // apiVersion, kind and metadata are not in a derived schema.
        named && !is_embedded(path) && !schema.contains_key("description")
    });
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn a_field_is_described_as_a_field_and_not_as_its_type() {
    let schema = schema();
    let service = "/properties/spec/properties/northSouth/properties/service/properties";
    for (field, words) in
        [("type", "bring your own"), ("externalTrafficPolicy", "client's address"), ("ipFamilyPolicy", "When unset")]
    {
        let description = schema.pointer(&format!("{service}/{field}/description")).and_then(Value::as_str).unwrap();
        assert!(description.contains(words), "{field}: {description}");
    }
}

#[test]
fn descriptions_flow_in_paragraphs() {
    let broken = violations(|_, schema| {
        schema.get("description").and_then(Value::as_str).is_some_and(|text| text.replace("\n\n", "").contains('\n'))
    });
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn every_string_list_map_and_number_is_bounded() {
    let unbounded = violations(|path, schema| match schema.get("type").and_then(Value::as_str) {
        Some("string") => !["maxLength", "enum"].iter().any(|bound| schema.contains_key(*bound)),
        Some("array") => !schema.contains_key("maxItems"),
        Some("object") if schema.contains_key("additionalProperties") => !schema.contains_key("maxProperties"),
        Some("integer") => !is_embedded(path) && !schema.contains_key("minimum"),
        Some("number") => true,
        _ => false,
    });
    assert_eq!(unbounded, Vec::<String>::new());
}

#[test]
fn every_number_that_a_user_sets_has_a_most() {
    let unbounded = violations(|path, schema| {
        path.starts_with("spec")
            && !is_embedded(path)
            && schema.get("type") == Some(&json!("integer"))
            && !schema.contains_key("maximum")
    });
    assert_eq!(unbounded, Vec::<String>::new());
}

#[test]
fn every_list_says_how_it_is_merged() {
    let silent = violations(|_, schema| {
        schema.get("type") == Some(&json!("array")) && !schema.contains_key("x-kubernetes-list-type")
    });
    assert_eq!(silent, Vec::<String>::new());
}

#[test]
fn every_rule_has_a_message() {
    let mut rules = 0;
    let silent = violations(|_, schema| {
        let list = schema.get("x-kubernetes-validations").and_then(Value::as_array);
        list.into_iter().flatten().any(|rule| {
            rules += 1;
            rule.get("message").and_then(Value::as_str).is_none_or(str::is_empty)
        })
    });
    assert_eq!(silent, Vec::<String>::new());
    assert!(rules > 50, "only {rules} rules: the schema lost some");
}

#[test]
fn formats_are_known_to_api_servers() {
    let unknown = violations(|_, schema| {
        schema
            .get("format")
            .and_then(Value::as_str)
            .is_some_and(|format| !["int32", "int64", "date-time"].contains(&format))
    });
    assert_eq!(unknown, Vec::<String>::new());
}

#[test]
fn the_schema_is_structural() {
    let forbidden =
        ["oneOf", "anyOf", "allOf", "not", "$ref", "nullable", "const", "uniqueItems", "definitions", "title"];
    let unstructured = violations(|_, schema| forbidden.iter().any(|keyword| schema.contains_key(*keyword)));
    assert_eq!(unstructured, Vec::<String>::new());
    let untyped =
        violations(|_, schema| !schema.contains_key("type") && !schema.contains_key("x-kubernetes-int-or-string"));
    assert_eq!(untyped, Vec::<String>::new());
}

#[test]
fn no_number_is_written_with_a_point() {
    let text = serde_json::to_string(&crd_json().unwrap()).unwrap();
    let numbers = ["minimum\":", "maximum\":", "default\":"];
    for keyword in numbers {
        for (at, _) in text.match_indices(keyword) {
            let rest = &text[at + keyword.len()..];
            let number: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
            assert!(!number.contains('.'), "{keyword}{number}");
        }
    }
}

#[test]
fn each_lane_documents_its_own_service_type() {
    let schema = schema();
    let default = |lane| {
        schema
            .pointer(&format!("/properties/spec/properties/{lane}/properties/service/properties/type/default"))
            .cloned()
    };
    assert_eq!(default("northSouth"), Some(json!("LoadBalancer")));
    assert_eq!(default("eastWest"), Some(json!("ClusterIP")));
}

#[test]
fn fields_that_are_not_obeyed_exist_in_the_schema() {
    let mut known = BTreeSet::new();
    walk("", &schema(), &mut |path, _| {
        known.insert(path.to_owned());
    });
    for path in not_obeyed::all() {
        assert!(known.contains(path), "{path} is not in the schema");
    }
}

#[test]
fn the_definition_fits_an_annotation_of_client_side_apply() {
    // kubectl apply keeps the whole object in an annotation of at most 256 KiB.
    let bytes = serde_json::to_string(&crd_json().unwrap()).unwrap().len();
    assert!(bytes < 200 << 10, "{bytes} bytes");
}

/// What an API server does before it validates: absent fields get their defaults, outside in.
fn fill(schema: &Value, value: &mut Value) {
    let (Some(properties), Some(object)) = (schema.get("properties").and_then(Value::as_object), value.as_object_mut())
    else {
        return;
    };
    for (name, property) in properties {
        if let Some(default) = property.get("default") {
            object.entry(name.clone()).or_insert_with(|| default.clone());
        }
        if let Some(child) = object.get_mut(name) {
            fill(property, child);
        }
    }
}

#[test]
fn an_api_server_fills_in_the_same_defaults_as_we_do() {
    let mut filled = json!({});
    fill(schema().pointer("/properties/spec").unwrap(), &mut filled);

    let mut ours = serde_json::to_value(GatewayInstanceSpec::default()).unwrap();
    for (lane, service) in [("northSouth", "LoadBalancer"), ("eastWest", "ClusterIP")] {
        ours[lane]["service"]["type"] = json!(service);
    }
    assert_eq!(filled, ours);
}
