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

/// Every word of the schema that YAML 1.1, and so `kubectl`, takes for a boolean. Without quotes none gets through.
#[test]
fn a_word_that_yaml_takes_for_a_boolean_is_to_be_put_in_quotes() {
    let schema = crd_json().unwrap();
    let mut words = Vec::new();
    boolean_words(schema.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec").unwrap(), "", &mut words);
    assert_eq!(words.len(), 6, "{words:?}");
    for (path, word) in words {
        let spec = |word: &str| {
            let yaml = path
                .rsplit('.')
                .filter(|name| !name.is_empty())
                .fold(word.to_owned(), |inner, name| format!("{{{name}: {inner}}}"));
            manifest(serde_saphyr::from_str(&yaml).unwrap())
        };
        let expected = format!("spec{path} is read as the boolean false: put it in quotes, one of ");
        for bare in [word.clone(), word.to_lowercase(), word.to_uppercase()] {
            let refused = admit(&spec(&bare)).unwrap_err();
            assert!(refused.reason.starts_with(&expected), "{bare}: {}", refused.reason);
            assert!(refused.reason.contains(&format!("{word:?}")), "{}", refused.reason);
            assert_eq!(refused.field, format!("spec{path}"));
        }
        admit(&spec(&format!("{word:?}"))).unwrap();
    }
}

fn boolean_words(schema: &Value, path: &str, words: &mut Vec<(String, String)>) {
    let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let is_boolean = |word: &&str| {
        ["y", "n", "yes", "no", "on", "off", "true", "false"].iter().any(|other| word.eq_ignore_ascii_case(other))
    };
    words.extend(listed.filter(is_boolean).map(|word| (path.to_owned(), word.to_owned())));
    for (name, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        boolean_words(schema, &format!("{path}.{name}"), words);
    }
    assert!(schema.pointer("/items/enum").is_none(), "a list of words is not looked at here");
}

#[test]
fn a_number_where_a_text_belongs_is_to_be_put_in_quotes() {
    let refused = admit(&manifest(json!({"northSouth": {"tracing": {"sampleRatio": 0.5}}}))).unwrap_err();
    assert_eq!(refused.reason, "spec.northSouth.tracing.sampleRatio is read as the number 0.5: put it in quotes");
}

#[test]
fn a_misspelt_field_is_named() {
    let cases = [
        (json!({"northsouth": {"enabled": false}}), "spec.northsouth"),
        (json!({"northSouth": {"limits": {"requestHeadByte": "8Ki"}}}), "spec.northSouth.limits.requestHeadByte"),
        (json!({"imagePullSecrets": [{"name": "a", "nmae": "b"}]}), "spec.imagePullSecrets[0].nmae"),
    ];
    for (spec, field) in cases {
        assert!(admit(&manifest(spec)).unwrap_err().reason.contains(field), "{field}");
    }
}

#[test]
fn a_value_of_another_type_is_named_with_its_field() {
    let cases = [
        (json!({"northSouth": {"replicas": "two"}}), "spec.northSouth.replicas"),
        (json!({"northSouth": {"ingressClass": {"alsoServe": [1]}}}), "spec.northSouth.ingressClass.alsoServe[0]"),
        (json!({"managementState": "Stopped"}), "spec.managementState"),
    ];
    for (spec, field) in cases {
        let mistake = admit(&manifest(spec)).unwrap_err();
        assert_eq!(mistake.field, field, "{mistake:?}");
        assert!(mistake.reason.starts_with(field), "{mistake:?}");
    }
}

#[test]
fn a_name_that_yaml_reads_as_a_boolean_must_be_quoted() {
    let mut value = manifest(json!({}));
    value["metadata"]["namespace"] = json!(true);
    let mistake = admit(&value).unwrap_err();
    assert_eq!(mistake.reason, "metadata.namespace is read as the boolean true: put it in quotes");
}

#[test]
fn a_rule_of_the_schema_holds_here_as_well() {
    let error =
        admit(&manifest(json!({"northSouth": {"enabled": false}, "eastWest": {"enabled": false}}))).unwrap_err().reason;
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
