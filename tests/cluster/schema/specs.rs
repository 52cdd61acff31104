//! Specifications, good and bad.

/// Taken as they are.
pub(super) const GOOD: &[&str] = &[
    "{}",
    "{northSouth: {replicas: 3}}",
    "{northSouth: {autoscaling: {maxReplicas: 3}}}",
    "{scope: {namespaces: {from: Names, names: [a]}}}",
    "{scope: {namespaces: {from: Selector, selector: {}}}}",
    "{eastWest: {enabled: false}}",
    "{northSouth: {ingressClass: {name: a, alsoServe: [nginx]}}, eastWest: {ingressClass: {name: b}}}",
    "{northSouth: {disruption: {maxUnavailable: 25%}}}",
    "{northSouth: {disruption: {maxUnavailable: 1}}}",
    "{northSouth: {clientAddress: {trustedCIDRs: [10.0.0.0/8, '2001:db8::/32']}}}",
    "{northSouth: {clientAddress: {proxyProtocol: Accept, trustedCIDRs: [10.0.0.0/8]}}}",
    "{northSouth: {clientAddress: {proxyProtocol: 'Off'}}}",
    "{northSouth: {service: {type: NodePort, httpNodePort: 30080}}}",
    "{northSouth: {service: {type: None}}}",
    "{northSouth: {limits: {requestContentBytes: '0'}}}",
    "{northSouth: {tls: {minVersion: '1.3'}}}",
    "{northSouth: {resources: {requests: {cpu: 500m, memory: 1Gi}}}}",
    "{northSouth: {replicas: 0, service: {loadBalancerClass: example.com/lb, loadBalancerSourceRanges: [10.0.0.0/8]}}}",
    "{northSouth: {tracing: {endpoint: 'http://c:4318', sampleRatio: '1'}}}",
    "{imagePullSecrets: [{name: a}], image: 'x/y:1'}",
    "{northSouth: {sysctls: {localPortRange: 1024 65535}}}",
];

/// Refused, with the part of the answer that says what is wrong or what to do. The instance is named `shop`.
pub(super) const BAD: &[(&str, &str)] = &[
    ("{northSouth: {replicas: 3, autoscaling: {maxReplicas: 3}}}", "remove replicas to let the autoscaler decide"),
    ("{northSouth: {autoscaling: {minReplicas: 5, maxReplicas: 3}}}", "lower minReplicas or raise maxReplicas"),
    (
        "{northSouth: {autoscaling: {maxReplicas: 1}}}",
        "minReplicas (2 when unset) must not be greater than maxReplicas",
    ),
    ("{northSouth: {clientAddress: {proxyProtocol: Accept}}}", "list the addresses of your load balancer there"),
    ("{scope: {namespaces: {from: Names}}}", "list at least one namespace, or remove names"),
    ("{scope: {namespaces: {names: [a]}}}", "names must be given exactly when from is Names"),
    ("{scope: {namespaces: {selector: {}}}}", "selector must be given exactly when from is Selector"),
    ("{scope: {namespaces: {from: Selector}}}", "add a selector, or remove it"),
    ("{scope: {namespaces: {from: Names, names: [A_b]}}}", "spec.scope.namespaces.names[0]"),
    ("{northSouth: {enabled: false}, eastWest: {enabled: false}}", "at least one lane must be enabled"),
    (
        "{northSouth: {ingressClass: {name: a}}, eastWest: {ingressClass: {name: a}}}",
        "the lanes must not share a class",
    ),
    (
        "{northSouth: {ingressClass: {alsoServe: [old]}}, eastWest: {ingressClass: {alsoServe: [old]}}}",
        "the lanes must not serve the same class",
    ),
    ("{northSouth: {ingressClass: {name: a, alsoServe: [a]}}}", "alsoServe must not contain the lane's own class"),
    (
        "{northSouth: {ingressClass: {name: a}}, eastWest: {ingressClass: {alsoServe: [a]}}}",
        "eastWest must not serve the class of northSouth",
    ),
    (
        "{northSouth: {ingressClass: {alsoServe: [b]}}, eastWest: {ingressClass: {name: b}}}",
        "northSouth must not serve the class of eastWest",
    ),
    (
        "{northSouth: {ingressClass: {name: shop-east-west}}}",
        "northSouth.ingressClass.name is the class that eastWest has by default",
    ),
    (
        "{eastWest: {ingressClass: {name: shop-north-south}}}",
        "eastWest.ingressClass.name is the class that northSouth has by default",
    ),
    (
        "{eastWest: {ingressClass: {alsoServe: [shop-north-south]}}}",
        "eastWest.ingressClass.alsoServe names the class of northSouth",
    ),
    (
        "{northSouth: {ingressClass: {alsoServe: [shop-north-south]}}}",
        "northSouth.ingressClass.alsoServe names its own class",
    ),
    ("{northSouth: {ingressClass: {alsoServe: [a, a]}}}", "duplicate entries"),
    (
        "{northSouth: {ingressClass: {default: true}}, eastWest: {ingressClass: {default: true}}}",
        "at most one lane's class may be the cluster's default",
    ),
    ("{eastWest: {service: {httpNodePort: 30080}}}", "node ports need type LoadBalancer or NodePort"),
    (
        "{northSouth: {service: {type: None, loadBalancerClass: a}}}",
        "need type LoadBalancer: change the type, or remove them",
    ),
    ("{northSouth: {service: {httpPort: 443}}}", "httpPort and httpsPort must differ"),
    (
        "{northSouth: {service: {httpNodePort: 30080, httpsNodePort: 30080}}}",
        "httpNodePort and httpsNodePort must differ",
    ),
    (
        "{eastWest: {service: {externalTrafficPolicy: Local}}}",
        "externalTrafficPolicy needs type LoadBalancer or NodePort",
    ),
    ("{northSouth: {service: {httpPort: 0}}}", "should be greater than or equal to 1"),
    (
        "{northSouth: {service: {loadBalancerSourceRanges: [10.0.0.0]}}}",
        "every item must be an address block in CIDR notation, such as 10.0.0.0/8",
    ),
    ("{northSouth: {service: {annotations: {bulkhead.io/a: b}}}}", "keys under bulkhead.io/ belong to the operator"),
    ("{northSouth: {podMetadata: {labels: {bulkhead.io/x: a}}}}", "belong to the operator: choose another prefix"),
    ("{northSouth: {podMetadata: {labels: {a b: c}}}}", "spec.northSouth.podMetadata.labels"),
    ("{northSouth: {podMetadata: {labels: {a: b c}}}}", "spec.northSouth.podMetadata.labels"),
    (
        "{northSouth: {clientAddress: {trustedCIDRs: [abc]}}}",
        "every item must be an address block in CIDR notation, such as 10.0.0.0/8",
    ),
    ("{northSouth: {drain: {lameduckSeconds: 601}}}", "should be less than or equal to 600"),
    ("{northSouth: {drain: {timeoutSeconds: -1}}}", "spec.northSouth.drain.timeoutSeconds"),
    ("{northSouth: {disruption: {maxUnavailable: 101%}}}", "a percentage from 0% to 100%"),
    ("{northSouth: {disruption: {maxUnavailable: -1}}}", "must be a number from 0 to 1000"),
    ("{northSouth: {limits: {requestHeadTimeout: 20m}}}", "must be between"),
    ("{northSouth: {limits: {requestHeadTimeout: '10'}}}", "spec.northSouth.limits.requestHeadTimeout"),
    ("{northSouth: {limits: {requestHeadBytes: 1Ki}}}", "must be between 4Ki and 256Ki"),
    ("{northSouth: {limits: {requestHeadBytes: 32k}}}", "spec.northSouth.limits.requestHeadBytes"),
    ("{northSouth: {limits: {requestFields: 101}}}", "should be less than or equal to 100"),
    ("{northSouth: {tracing: {sampleRatio: '1.5'}}}", "spec.northSouth.tracing.sampleRatio"),
    ("{northSouth: {tls: {minVersion: '1.1'}}}", "supported values: \"1.2\", \"1.3\""),
    ("{northSouth: {upstream: {tries: 0}}}", "should be greater than or equal to 1"),
    ("{northSouth: {sysctls: {localPortRange: 9 9}}}", "spec.northSouth.sysctls.localPortRange"),
    ("{northSouth: {acessLog: {}}}", "acessLog"),
    ("{managementState: X}", "supported values: \"Managed\", \"Paused\""),
    (
        "{rollout: {progressDeadlineSeconds: 30}, northSouth: {minReadySeconds: 60}}",
        "must be greater than minReadySeconds of both lanes",
    ),
];
