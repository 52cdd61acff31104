//! What is refused, and with which words.

use super::*;

fn of(name: &str, yaml: &str) -> Vec<Violation> {
    violations(name, &serde_saphyr::from_str(yaml).unwrap())
}

#[test]
fn what_breaks_no_rule_is_let_through() {
    for yaml in [
        "{}",
        "northSouth: {autoscaling: {maxReplicas: 2}}",
        "scope: {namespaces: {from: Names, names: [a]}}",
        "scope: {namespaces: {from: Selector, selector: {}}}",
        "eastWest: {enabled: false}",
        "northSouth: {ingressClass: {name: shop, alsoServe: [nginx]}}",
        "northSouth: {service: {type: NodePort, httpNodePort: 30080, externalTrafficPolicy: Local}}",
        "northSouth: {ingressClass: {name: other, alsoServe: [shop-north-south]}}",
        "northSouth: {clientAddress: {proxyProtocol: Accept, trustedCIDRs: [10.0.0.0/8]}}",
    ] {
        assert_eq!(of("shop", yaml), [], "{yaml}");
    }
}

#[test]
fn what_breaks_one_rule_is_refused_once_with_its_words() {
    for (yaml, field, words) in [
        ("northSouth: {replicas: 3, autoscaling: {maxReplicas: 3}}", "spec.northSouth", "exclude each other"),
        ("eastWest: {autoscaling: {maxReplicas: 1}}", "spec.eastWest.autoscaling", "minReplicas"),
        ("northSouth: {clientAddress: {proxyProtocol: Accept}}", "spec.northSouth.clientAddress", "load balancer"),
        ("scope: {namespaces: {from: Names}}", "spec.scope.namespaces", "list at least one"),
        ("scope: {namespaces: {names: [a]}}", "spec.scope.namespaces", "remove names"),
        ("scope: {namespaces: {from: Selector}}", "spec.scope.namespaces", "add a selector"),
        ("scope: {namespaces: {selector: {}}}", "spec.scope.namespaces", "or remove it"),
        ("{northSouth: {enabled: false}, eastWest: {enabled: false}}", "spec", "at least one lane"),
        ("{northSouth: {ingressClass: {name: a}}, eastWest: {ingressClass: {name: a}}}", "spec", "share a class"),
        ("northSouth: {ingressClass: {name: shop-east-west}}", "spec", "share a class"),
        (
            "{northSouth: {ingressClass: {alsoServe: [n]}}, eastWest: {ingressClass: {alsoServe: [n]}}}",
            "spec",
            "same class",
        ),
        ("northSouth: {ingressClass: {alsoServe: [shop-north-south]}}", "spec.northSouth.ingressClass", "own class"),
        (
            "eastWest: {ingressClass: {alsoServe: [shop-north-south]}}",
            "spec.eastWest.ingressClass",
            "class of northSouth",
        ),
        (
            "{northSouth: {ingressClass: {default: true}}, eastWest: {ingressClass: {default: true}}}",
            "spec",
            "at most one",
        ),
        ("eastWest: {service: {httpNodePort: 30080}}", "spec.eastWest.service", "node ports"),
        ("eastWest: {service: {externalTrafficPolicy: Local}}", "spec.eastWest.service", "externalTrafficPolicy"),
        ("northSouth: {service: {type: None, loadBalancerClass: a}}", "spec.northSouth.service", "loadBalancerClass"),
        ("northSouth: {service: {httpPort: 443}}", "spec.northSouth.service", "httpPort"),
        (
            "northSouth: {service: {httpNodePort: 30080, httpsNodePort: 30080}}",
            "spec.northSouth.service",
            "must differ",
        ),
        ("{rollout: {progressDeadlineSeconds: 30}, northSouth: {minReadySeconds: 30}}", "spec", "raise it"),
        ("northSouth: {replicas: 1001}", "spec.northSouth.replicas", "at most 1000"),
        ("northSouth: {drain: {lameduckSeconds: -1}}", "spec.northSouth.drain.lameduckSeconds", "at least 0"),
        (
            "northSouth: {sysctls: {localPortRange: \"1024 65535 1\"}}",
            "spec.northSouth.sysctls.localPortRange",
            "at most 11",
        ),
    ] {
        let found = of("shop", yaml);
        let [one] = found.as_slice() else { panic!("{yaml}: {found:?}") };
        assert_eq!(one.field, field, "{yaml}");
        assert!(one.message.contains(words), "{yaml}: {}", one.message);
    }
}

#[test]
fn names_that_objects_cannot_be_made_from_are_refused() {
    let long = "a".repeat(41);
    for name in [long.as_str(), "a.b", "1a", "", "-a", "A"] {
        assert_eq!(of(name, "{}").len(), 1, "{name}");
    }
}

#[test]
fn words_are_those_of_the_schema() {
    let schema = crd_json().unwrap().to_string();
    for yaml in [
        "{northSouth: {enabled: false, replicas: 1, autoscaling: {minReplicas: 2, maxReplicas: 1}}, eastWest: {enabled: false}}",
        "scope: {namespaces: {names: [a], selector: {}}}",
        "{northSouth: {ingressClass: {default: true, alsoServe: [n, a.b-north-south, a.b-east-west]}}, eastWest: {ingressClass: {default: true, alsoServe: [n, a.b-north-south]}}}",
        "{northSouth: {ingressClass: {name: a}}, eastWest: {ingressClass: {name: a}}, rollout: {progressDeadlineSeconds: 30}}",
        "northSouth: {minReadySeconds: 600, service: {type: None, httpPort: 443, loadBalancerClass: a, externalTrafficPolicy: Local, httpNodePort: 3, httpsNodePort: 3}}",
    ] {
        let found = of("a.b", yaml);
        assert!(found.len() > 1, "{yaml}");
        for violation in found {
            assert!(schema.contains(&violation.message), "not in the schema: {}", violation.message);
        }
    }
}
