//! A GatewayInstance in a manifest → the GatewayInstance that an API server would hold.

use bulkhead_crds::instance::GatewayInstance;
use bulkhead_crds::violations::violations;
use serde_json::Value;

use crate::name::InstanceName;

/// Longest label of a DNS name (RFC 1123), and so of a namespace or an instance.
const LABEL_BYTES: usize = 63;

/// The instance in `value`, with what an API server adds: namespace `default` and a generation. The plan gives a UID to an instance
/// that has none.
///
/// # Errors
/// What an API server would refuse it for: names, types, unknown fields, and the rules of the schema.
pub(crate) fn admit(value: &Value) -> Result<GatewayInstance, String> {
    let mut instance: GatewayInstance = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
    let unknown = unknown_fields(value, &serde_json::to_value(&instance).map_err(|error| error.to_string())?);
    if !unknown.is_empty() {
        return Err(format!("there is no field {}, check its spelling", unknown.join(", ")));
    }
    let metadata = &mut instance.metadata;
    let namespace = metadata.namespace.get_or_insert_with(|| "default".to_owned()).clone();
    let name = metadata.name.clone().unwrap_or_default();
    for (field, label) in [("metadata.namespace", &namespace), ("metadata.name", &name)] {
        if !is_label(label) {
            return Err(format!(
                "{field} is {label:?}: write at most {LABEL_BYTES} lower case letters, digits and hyphens, beginning and ending with a letter or digit"
            ));
        }
    }
    let broken = violations(&name, &instance.spec);
    if !broken.is_empty() {
        let sentences: Vec<String> = broken.iter().map(|rule| format!("{}: {}", rule.field, rule.message)).collect();
        return Err(sentences.join("; "));
    }
    instance.metadata.generation.get_or_insert(1);
    Ok(instance)
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
fn unknown_fields(written: &Value, understood: &Value) -> Vec<String> {
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
mod tests {
    use serde_json::json;

    use super::*;

    fn manifest(spec: Value) -> Value {
        json!({"apiVersion": "bulkhead.io/v1alpha1", "kind": "GatewayInstance", "metadata": {"name": "harbour"}, "spec": spec})
    }

    #[test]
    fn an_instance_gets_what_an_api_server_would_give_it() {
        let instance = admit(&manifest(json!({}))).unwrap();
        assert_eq!(name(&instance).to_string(), "default/harbour");
        assert_eq!(instance.metadata.generation, Some(1));
    }

    #[test]
    fn a_misspelt_field_is_named() {
        let cases = [
            (json!({"northsouth": {"enabled": false}}), "spec.northsouth"),
            (json!({"northSouth": {"limits": {"requestHeadByte": "8Ki"}}}), "spec.northSouth.limits.requestHeadByte"),
            (json!({"imagePullSecrets": [{"name": "a", "nmae": "b"}]}), "spec.imagePullSecrets[0].nmae"),
        ];
        for (spec, field) in cases {
            assert!(admit(&manifest(spec)).unwrap_err().contains(field), "{field}");
        }
    }

    #[test]
    fn a_rule_of_the_schema_holds_here_as_well() {
        let error =
            admit(&manifest(json!({"northSouth": {"enabled": false}, "eastWest": {"enabled": false}}))).unwrap_err();
        assert!(error.contains("at least one lane must be enabled"), "{error}");
    }

    #[test]
    fn a_field_that_says_nothing_is_no_mistake() {
        let spec = json!({"image": "", "imagePullSecrets": [], "northSouth": {"replicas": null, "drain": {"timeoutSeconds": 5}, "limits": {"requestHeadTimeout": "90s"}}});
        assert!(admit(&manifest(spec)).is_ok());
    }

    #[test]
    fn a_name_that_is_no_label_cannot_become_a_path() {
        for bad in ["../up", "a/b", "Harbour", "", "-a", "a.b", &"a".repeat(64)] {
            let mut value = manifest(json!({}));
            value["metadata"]["name"] = json!(bad);
            assert!(admit(&value).is_err(), "{bad:?}");
        }
    }
}
