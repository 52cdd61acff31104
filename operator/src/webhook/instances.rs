//! What is to be said of a GatewayInstance before it is stored: what a reconcile would say of it then.

use bulkhead_crds::instance::GatewayInstance;
use bulkhead_crds::not_obeyed::fields_not_obeyed;
use bulkhead_plan::{Gathered, Rejection, validate};

use super::verdict::{Objection, Opinion};

/// Classes in one `alsoServe`, of which the schema takes fewer. Each is looked for among all classes of the cluster.
const ALSO_SERVED: usize = 64;

/// Judges `instance` beside what is known of the cluster, or says why that cannot be found out for it, as a sentence.
#[must_use]
pub fn opinion(instance: &GatewayInstance, known: Result<&Gathered, String>) -> Opinion {
    if instance.spec.enabled_lanes().any(|(_, lane)| lane.ingress_class.also_serve.len() > ALSO_SERVED) {
        return unreadable("alsoServe has more classes than its schema takes");
    }
    let errors = match known {
        Ok(gathered) => validate(instance, gathered).err().unwrap_or_default().iter().map(Objection::from).collect(),
        Err(reason) => vec![whole(&reason)],
    };
    let ignored = fields_not_obeyed(&instance.spec).into_iter().map(|field| Objection {
        code: String::new(),
        field: field.to_owned(),
        message: "This version does not act on it.".to_owned(),
        remedy: String::new(),
    });
    Opinion { errors, warnings: ignored.collect() }
}

/// What is to be said of one that the operator's types cannot hold: it would be left out.
#[must_use]
pub fn unreadable(reason: &str) -> Opinion {
    let message = format!("The operator of this cluster cannot read it: {reason}.");
    Opinion { errors: vec![whole(&message)], warnings: Vec::new() }
}

fn whole(message: &str) -> Objection {
    Objection { code: String::new(), field: String::new(), message: message.to_owned(), remedy: String::new() }
}

impl From<&Rejection> for Objection {
    fn from(rejection: &Rejection) -> Self {
        Self {
            code: rejection.reason.name.to_owned(),
            field: String::new(),
            message: rejection.message.clone(),
            remedy: rejection.remedy.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_plan::Claim;
    use k8s_openapi::api::networking::v1::{IngressClass, IngressClassSpec};
    use serde_json::{Value, json};

    use super::*;
    use crate::webhook::verdict::Verdict;

    fn instance(name: &str, spec: Value) -> GatewayInstance {
        serde_json::from_value(json!({
            "apiVersion": "bulkhead.io/v1alpha1", "kind": "GatewayInstance",
            "metadata": { "name": name, "namespace": "infra", "uid": "u1" }, "spec": spec,
        }))
        .expect("an instance")
    }

    fn judged(instance: &GatewayInstance, gathered: &Gathered) -> Verdict {
        opinion(instance, Ok(gathered)).verdict("GatewayInstance infra/edge", None)
    }

    fn refusal(verdict: Verdict) -> String {
        match verdict {
            Verdict::Refused { message, .. } => message,
            Verdict::Allowed { warnings } => panic!("it is allowed: {warnings:?}"),
        }
    }

    #[test]
    fn what_no_rule_of_the_schema_sees_is_refused_with_its_remedy() {
        let foreign = IngressClass {
            metadata: k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                name: Some("edge-north-south".to_owned()),
                ..Default::default()
            },
            spec: Some(IngressClassSpec { controller: Some("example.com/other".to_owned()), parameters: None }),
        };
        let taken = Gathered { classes: vec![foreign], ..Gathered::default() };
        let older: Claim = Claim::of(&GatewayInstance {
            metadata: k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                creation_timestamp: Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(
                    jiff::Timestamp::UNIX_EPOCH,
                )),
                ..instance("older", json!({})).metadata
            },
            ..instance("older", json!({ "northSouth": { "ingressClass": { "name": "public" } } }))
        });
        let claimed = Gathered { others: vec![older], ..Gathered::default() };
        let public = json!({ "northSouth": { "ingressClass": { "name": "public" } } });
        let same_zone = json!({ "eastWest": { "service": { "trafficDistribution": "PreferSameZone" } } });
        let cases = [
            (instance("9edge", json!({})), Gathered::default(), "must begin with a letter"),
            (instance("edge", json!({})), taken, "belongs to the controller \"example.com/other\""),
            (instance("edge", public), claimed, "is claimed by the older GatewayInstance infra/older"),
            (
                instance("edge", json!({})),
                Gathered { confined: true, ..Gathered::default() },
                "spec.scope.namespaces reaches beyond infra",
            ),
            (
                instance("edge", same_zone),
                Gathered { kubernetes_minor: Some(33), ..Gathered::default() },
                "needs Kubernetes 1.34, but the cluster runs 1.33",
            ),
        ];
        for (instance, gathered, expected) in cases {
            let rejections = validate(&instance, &gathered).expect_err("a rejection");
            let message = refusal(judged(&instance, &gathered));
            assert!(message.contains(expected), "{message}");
            for rejection in rejections {
                assert!(message.contains(&rejection.to_string()), "{rejection} is not in {message}");
            }
        }
    }

    #[test]
    fn a_good_one_passes_and_one_with_a_field_that_does_nothing_is_warned() {
        assert_eq!(judged(&instance("edge", json!({})), &Gathered::default()), Verdict::pass());
        let traced = json!({ "northSouth": { "metrics": { "perHost": true } } });
        let expected = "spec.northSouth.metrics.perHost: This version does not act on it.".to_owned();
        let verdict = judged(&instance("edge", traced), &Gathered::default());
        assert_eq!(verdict, Verdict::Allowed { warnings: vec![expected] });
    }

    #[test]
    fn one_whose_scope_means_nothing_or_that_cannot_be_read_is_refused() {
        let reason = "reading spec.scope.namespaces.selector: no operator".to_owned();
        let opinion = opinion(&instance("edge", json!({})), Err(reason.clone()));
        assert!(refusal(opinion.verdict("GatewayInstance infra/edge", None)).contains(&reason));
        let many: Vec<_> = (0..=ALSO_SERVED).map(|nth| format!("c{nth}")).collect();
        let many = instance("edge", json!({ "northSouth": { "ingressClass": { "alsoServe": many } } }));
        assert!(refusal(judged(&many, &Gathered::default())).contains("more classes than its schema takes"));
        let opinion = unreadable("invalid type");
        assert!(refusal(opinion.verdict("GatewayInstance infra/edge", None)).contains("cannot read it: invalid type."));
    }
}
