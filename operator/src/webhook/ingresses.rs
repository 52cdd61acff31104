//! What is to be said of an Ingress before it is stored: what the lanes that serve its class would find wrong with it, whatever else there
//! is in the cluster.

use bulkhead_compile::findings_alone;
use bulkhead_crds::finding::Finding;
use bulkhead_crds::lane::LaneDocument;
use k8s_openapi::api::networking::v1::Ingress;

use super::budget::exceeded;
use super::verdict::Opinion;

/// A lane that serves the class of an Ingress, in its namespace.
#[derive(Clone, Debug)]
pub struct Server {
    /// Whether the class is the lane's own. One that it serves as well belongs to another controller, for which the Ingress may be right.
    pub own: bool,
    /// Its settings.
    pub document: LaneDocument,
}

/// Judges `ingress` by every lane that serves it. Nobody's Ingress is nobody's business: it is neither refused nor warned of.
#[must_use]
pub fn opinion(ingress: &Ingress, servers: &[Server]) -> Opinion {
    let mut all = Opinion::default();
    if !servers.is_empty()
        && let Some(costly) = exceeded(ingress, servers.len())
    {
        all.warnings.push(costly);
        return all;
    }
    for server in servers {
        let findings: Vec<Finding> = findings_alone(ingress, server.document.clone());
        let mut found: Opinion = findings.iter().collect();
        if !server.own {
            found.warnings.splice(0..0, std::mem::take(&mut found.errors));
        }
        all.errors.extend(found.errors.into_iter().filter(|new| !all.errors.contains(new)).collect::<Vec<_>>());
        all.warnings.extend(found.warnings.into_iter().filter(|new| !all.warnings.contains(new)).collect::<Vec<_>>());
    }
    all
}

#[cfg(test)]
mod tests {
    use bulkhead_crds::lane::{LaneIdentity, Profile};
    use bulkhead_crds::lane_spec::LaneSpec;
    use bulkhead_crds::names::LaneName;
    use serde_json::json;

    use super::*;
    use crate::webhook::verdict::Verdict;

    fn server(own: bool) -> Server {
        let identity = LaneIdentity {
            namespace: "infra".to_owned(),
            instance: "edge".to_owned(),
            uid: "u1".to_owned(),
            lane: LaneName::NorthSouth,
        };
        Server { own, document: LaneDocument::of(identity, "edge-north-south", &LaneSpec::default()) }
    }

    fn ingress(host: &str, annotations: serde_json::Value) -> Ingress {
        serde_json::from_value(json!({
            "metadata": { "name": "web", "namespace": "team", "annotations": annotations },
            "spec": { "ingressClassName": "edge-north-south", "rules": [{ "host": host, "http": { "paths": [{
                "path": "/", "pathType": "Prefix", "backend": { "service": { "name": "web", "port": { "number": 80 } } },
            }] } }] },
        }))
        .expect("an Ingress")
    }

    fn judged(ingress: &Ingress, servers: &[Server]) -> Verdict {
        opinion(ingress, servers).verdict("Ingress team/web", None)
    }

    #[test]
    fn a_good_one_passes_though_nothing_it_names_exists() {
        assert_eq!(judged(&ingress("shop.example", json!({})), &[server(true)]), Verdict::pass());
    }

    #[test]
    fn an_error_refuses_with_field_sentence_and_remedy() {
        let annotations = json!({ "nginx.ingress.kubernetes.io/whitelist-source-range": "elsewhere" });
        let Verdict::Refused { message, .. } = judged(&ingress("shop.example", annotations), &[server(true)]) else {
            panic!("it is allowed");
        };
        assert!(message.contains("- nginx.ingress.kubernetes.io/whitelist-source-range: "), "{message}");
        assert!(message.contains("every route of this Ingress answers 503"), "{message}");
        assert!(message.contains("Correct the value as the finding says"), "{message}");
    }

    #[test]
    fn what_is_served_otherwise_warns() {
        let annotations = json!({ "nginx.ingress.kubernetes.io/proxy-body-size": "much" });
        let Verdict::Allowed { warnings } = judged(&ingress("shop.example", annotations), &[server(true)]) else {
            panic!("it is refused");
        };
        assert!(warnings[0].starts_with("nginx.ingress.kubernetes.io/proxy-body-size: "), "{warnings:?}");
    }

    #[test]
    fn one_of_nobody_passes_and_one_of_another_controller_is_never_refused() {
        let bad = ingress("shop..example", json!({}));
        assert_eq!(judged(&bad, &[]), Verdict::pass());
        assert_eq!(judged(&bad, &[server(false)]).word(), "warned");
        assert_eq!(judged(&bad, &[server(false), server(true)]).word(), "refused");
    }

    #[test]
    fn one_that_would_take_seconds_passes_with_a_warning_unless_it_is_nobodys() {
        let mut costly = ingress("shop..example", json!({ "nginx.ingress.kubernetes.io/use-regex": "true" }));
        let spec = costly.spec.as_mut().expect("a specification");
        let mut rule = spec.rules.as_ref().expect("rules")[0].clone();
        let mut path = rule.http.as_ref().expect("paths").paths[0].clone();
        path.path = Some("/(a|b)*a(a|b){16}".to_owned());
        rule.http.as_mut().expect("paths").paths = vec![path; 16];
        spec.rules = Some(vec![rule; 125]);
        let Verdict::Allowed { warnings } = judged(&costly, &[server(true)]) else { panic!("it is refused") };
        assert!(warnings[0].starts_with("It was not reviewed: "), "{warnings:?}");
        assert_eq!(judged(&costly, &[]), Verdict::pass());
    }

    #[test]
    fn lanes_that_find_the_same_are_told_once_and_each_judges_by_its_profile() {
        let snippet = ingress("shop..example", json!({}));
        let mut other = server(true);
        other.document.profile = Profile::IngressNginx;
        let Verdict::Refused { message, .. } = judged(&snippet, &[server(true), other]) else {
            panic!("it is allowed");
        };
        assert_eq!(message.lines().count(), 2, "{message}");
    }
}
