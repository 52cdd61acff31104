use serde_json::{Value, json};

use super::*;
use crate::webhook::verdict::Objection;

/// Refuses whatever is said to be `bad` and warns of the rest.
struct Strict;

fn say(bad: bool) -> Opinion {
    let objection = Objection {
        code: String::new(),
        field: String::new(),
        message: "It is bad.".to_owned(),
        remedy: String::new(),
    };
    match bad {
        true => Opinion { errors: vec![objection], warnings: vec![] },
        false => {
            Opinion { errors: vec![], warnings: vec![Objection { message: "It is odd.".to_owned(), ..objection }] }
        }
    }
}

impl Known for Strict {
    fn instance(&self, instance: &GatewayInstance) -> Opinion {
        say(instance.spec.image == "bad")
    }

    fn ingress(&self, ingress: &Ingress) -> Opinion {
        say(ingress.spec.as_ref().is_some_and(|spec| spec.ingress_class_name.as_deref() == Some("bad")))
    }
}

fn ingress(class: &str) -> Value {
    json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": { "name": "web", "namespace": "team", "annotations": { "a": "1" } }, "spec": { "ingressClassName": class } })
}

fn instance(image: &str) -> Value {
    json!({ "apiVersion": "bulkhead.io/v1alpha1", "kind": "GatewayInstance",
        "metadata": { "name": "edge", "namespace": "infra" }, "spec": { "image": image } })
}

fn review(operation: &str, object: Value, old: Value) -> Value {
    json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "705ab4f5", "kind": { "group": "", "version": "v1", "kind": "X" }, "resource": { "group": "", "version": "v1", "resource": "x" },
        "operation": operation, "namespace": "team", "userInfo": {}, "object": object, "oldObject": old, "dryRun": true } })
}

/// The whole answer, and the word.
fn answered(subject: Subject, review: &Value) -> (Value, &'static str) {
    let (bytes, word) = answer(subject, review.to_string().as_bytes(), &Strict).expect("an answer");
    (serde_json::from_slice(&bytes).expect("JSON"), word)
}

fn word(subject: Subject, review: Value) -> &'static str {
    answered(subject, &review).1
}

#[test]
fn a_refusal_carries_the_uid_the_text_and_the_status() {
    let (answer, word) = answered(Subject::Ingresses, &review("CREATE", ingress("bad"), Value::Null));
    assert_eq!(word, "refused");
    assert_eq!(
        answer,
        json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {
            "uid": "705ab4f5", "allowed": false,
            "status": { "code": 422, "reason": "Invalid", "message": "Ingress team/web is refused:\n- It is bad." } } })
    );
    let (answer, word) = answered(Subject::Ingresses, &review("CREATE", ingress("odd"), Value::Null));
    assert_eq!((word, &answer["response"]["allowed"]), ("warned", &json!(true)));
    assert_eq!(answer["response"]["warnings"], json!(["It is odd."]));
}

#[test]
fn what_goes_and_what_does_not_change_passes_however_bad_it_is() {
    let bad = || ingress("bad");
    assert_eq!(word(Subject::Ingresses, review("DELETE", Value::Null, bad())), "allowed");
    let mut labelled = bad();
    labelled["metadata"]["labels"] = json!({ "a": "b" });
    labelled["metadata"]["finalizers"] = json!(["example.com/f"]);
    labelled["status"] = json!({ "loadBalancer": {} });
    assert_eq!(word(Subject::Ingresses, review("UPDATE", labelled, bad())), "allowed");
    let mut leaving = bad();
    leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(word(Subject::Ingresses, review("UPDATE", leaving, ingress("odd"))), "allowed");
    let mut status = review("UPDATE", bad(), ingress("odd"));
    status["request"]["subResource"] = json!("status");
    assert_eq!(word(Subject::Ingresses, status), "allowed");
}

#[test]
fn a_change_to_the_worse_is_refused_and_one_of_what_was_bad_is_not() {
    assert_eq!(word(Subject::Ingresses, review("UPDATE", ingress("bad"), ingress("odd"))), "refused");
    let mut annotated = ingress("bad");
    annotated["metadata"]["annotations"]["a"] = json!("2");
    assert_eq!(word(Subject::Ingresses, review("UPDATE", annotated, ingress("bad"))), "warned");
    assert_eq!(word(Subject::Instances, review("UPDATE", instance("bad"), instance("good"))), "refused");
    assert_eq!(word(Subject::Instances, review("UPDATE", instance("good"), instance("bad"))), "warned");
}

#[test]
fn an_instance_that_cannot_be_read_is_refused_and_not_malformed() {
    let mut odd = instance("good");
    odd["spec"]["northSouth"] = json!({ "drain": { "lameduckSeconds": "soon" } });
    let (answer, word) = answered(Subject::Instances, &review("CREATE", odd, Value::Null));
    assert_eq!(word, "refused");
    let message = answer["response"]["status"]["message"].as_str().expect("a message");
    assert!(message.contains("cannot read it: "), "{message}");
}

#[test]
fn what_is_no_review_is_malformed() {
    let mut old = review("CREATE", ingress("odd"), Value::Null);
    old["apiVersion"] = json!("admission.k8s.io/v1beta1");
    let mut none = review("CREATE", ingress("odd"), Value::Null);
    none["request"] = Value::Null;
    let mut list = review("CREATE", ingress("odd"), Value::Null);
    list["request"]["object"]["spec"] = json!([]);
    let deep = "[".repeat(100_000);
    for (content, expected) in [
        ("", "reading the content as an AdmissionReview: "),
        ("nonsense", "reading the content as an AdmissionReview: "),
        ("{}", "reading the content as an AdmissionReview: "),
        (&deep, "reading the content as an AdmissionReview: "),
        (&old.to_string(), "reading the review: its apiVersion is \"admission.k8s.io/v1beta1\""),
        (&none.to_string(), "reading the review: it has no request"),
        (&list.to_string(), "reading the object of the review: "),
        (&review("CREATE", Value::Null, Value::Null).to_string(), "reading the review: its request has no object"),
    ] {
        let error = answer(Subject::Ingresses, content.as_bytes(), &Strict).expect_err("no answer").to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn only_the_two_paths_are_known() {
    for subject in Subject::ALL {
        assert_eq!(Subject::at(&subject.path()), Some(subject));
    }
    for other in ["/validate", "/validate/", "/validate/pods", "/", "/validate/ingresses/x"] {
        assert_eq!(Subject::at(other), None, "{other}");
    }
}
