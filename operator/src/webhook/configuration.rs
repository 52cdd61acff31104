//! What the API server is told about the webhook. Pure.

use std::collections::BTreeSet;

use bulkhead_crds::names::GROUP;
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MatchCondition, RuleWithOperations, ServiceReference, ValidatingWebhook, ValidatingWebhookConfiguration,
    WebhookClientConfig,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    LabelSelector, LabelSelectorRequirement, ObjectMeta, OwnerReference,
};

use super::review::Subject;

/// Name of the ValidatingWebhookConfiguration.
pub const NAME: &str = "bulkhead-operator";
/// Port of the Service.
pub const SERVICE_PORT: u16 = 443;
/// How long an API server waits for an answer, in seconds. Nobody waits longer for an `apply` because of us.
const TIMEOUT: i32 = 2;
/// Bytes of names in one expression. CEL takes 100,000 characters, and looks at a few hundred names in microseconds.
const NAMES_BYTES: usize = 16 << 10;
/// Entries for Ingresses, each with names of its own. An Ingress has one class and is sent by one entry at most.
const MOST_ENTRIES: usize = 32;
/// Names the class of an Ingress where `spec.ingressClassName` does not (Kubernetes reference, well-known annotations).
const LEGACY_CLASS: &str = "kubernetes.io/ingress.class";

/// Where the webhook is, and how much depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Namespace of the operator and of its Service.
    pub namespace: String,
    /// Name of its Service.
    pub service: String,
    /// Whether what cannot be reviewed is refused.
    pub fails_closed: bool,
}

impl Webhook {
    /// The name that an API server asks for.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}.svc", self.service, self.namespace)
    }

    /// Every name that the Service has inside the cluster.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        vec![self.name(), format!("{}.cluster.local", self.name()), format!("{}.{}", self.service, self.namespace)]
    }

    /// The configuration, for Ingresses of these classes. `namespace_uid`, of the operator's namespace, lets it go with that.
    #[must_use]
    pub fn configuration(
        &self,
        namespace_uid: &str,
        authorities: &str,
        classes: &BTreeSet<String>,
    ) -> ValidatingWebhookConfiguration {
        let instances = self.entry(Subject::Instances, "gatewayinstances", authorities, Vec::new());
        let ingresses = entries(classes).into_iter().enumerate().map(|(nth, names)| {
            let name = if nth == 0 { "ingresses".to_owned() } else { format!("ingresses-{nth}") };
            let class = MatchCondition { name: "class".to_owned(), expression: of_class(&names) };
            let entry = self.entry(Subject::Ingresses, &name, authorities, vec![class]);
            // What the operator's own namespace needs must not wait for the operator.
            ValidatingWebhook { namespace_selector: Some(elsewhere(&self.namespace)), ..entry }
        });
        let owner = OwnerReference {
            api_version: "v1".to_owned(),
            kind: "Namespace".to_owned(),
            name: self.namespace.clone(),
            uid: namespace_uid.to_owned(),
            ..OwnerReference::default()
        };
        let labels = [("app.kubernetes.io/part-of", "bulkhead"), ("app.kubernetes.io/component", "webhook")];
        ValidatingWebhookConfiguration {
            metadata: ObjectMeta {
                name: Some(NAME.to_owned()),
                labels: Some(labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
                owner_references: Some(vec![owner]),
                ..ObjectMeta::default()
            },
            webhooks: Some(std::iter::once(instances).chain(ingresses).collect()),
        }
    }

    fn entry(
        &self,
        subject: Subject,
        name: &str,
        authorities: &str,
        conditions: Vec<MatchCondition>,
    ) -> ValidatingWebhook {
        let (group, version) = match subject {
            Subject::Instances => (GROUP, "v1alpha1"),
            Subject::Ingresses => ("networking.k8s.io", "v1"),
        };
        let changed = MatchCondition { name: "changed".to_owned(), expression: CHANGED.to_owned() };
        let service = ServiceReference {
            name: self.service.clone(),
            namespace: self.namespace.clone(),
            path: Some(subject.path()),
            port: Some(SERVICE_PORT.into()),
        };
        ValidatingWebhook {
            name: format!("{name}.webhook.{GROUP}"),
            admission_review_versions: vec!["v1".to_owned()],
            client_config: WebhookClientConfig {
                ca_bundle: Some(ByteString(authorities.as_bytes().to_vec())),
                service: Some(service),
                url: None,
            },
            failure_policy: Some(if self.fails_closed { "Fail" } else { "Ignore" }.to_owned()),
            match_conditions: Some(std::iter::once(changed).chain(conditions).collect()),
            match_policy: Some("Equivalent".to_owned()),
            namespace_selector: None,
            object_selector: None,
            rules: Some(vec![RuleWithOperations {
                api_groups: Some(vec![group.to_owned()]),
                api_versions: Some(vec![version.to_owned()]),
                operations: Some(vec!["CREATE".to_owned(), "UPDATE".to_owned()]),
                resources: Some(vec![subject.plural().to_owned()]),
                scope: Some("Namespaced".to_owned()),
            }]),
            side_effects: "None".to_owned(),
            timeout_seconds: Some(TIMEOUT),
        }
    }
}

/// Holds for an object that is new, or whose wishes or annotations change: the generation counts changes of a specification, and is
/// counted before a webhook is asked. Finalizers and labels pass without us.
const CHANGED: &str = "request.operation != 'UPDATE' || object.metadata.?generation != oldObject.metadata.?generation \
                       || object.metadata.?annotations != oldObject.metadata.?annotations";

/// Names in groups that fit one expression. Nobody gets any if there are more than entries have room for: every Ingress with a class is
/// sent then, and those of others are let pass here.
fn entries(classes: &BTreeSet<String>) -> Vec<Option<Vec<&str>>> {
    let mut groups: Vec<Vec<&str>> = Vec::new();
    let mut left = 0;
    for class in classes.iter().filter(|class| is_plain(class)) {
        let needs = class.len() + "'',".len();
        match groups.last_mut() {
            Some(group) if needs <= left => group.push(class),
            _ => {
                groups.push(vec![class]);
                left = NAMES_BYTES;
            }
        }
        left = left.saturating_sub(needs);
    }
    if groups.len() > MOST_ENTRIES {
        return vec![None];
    }
    groups.into_iter().map(Some).collect()
}

/// Whether a name can be that of a class, and so means itself in an expression (Kubernetes, DNS subdomain names).
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))
}

/// Holds for an Ingress that names one of these classes, or any.
fn of_class(names: &Option<Vec<&str>>) -> String {
    let class =
        format!("object.spec.?ingressClassName.or(object.metadata.?annotations[?'{LEGACY_CLASS}']).orValue('')");
    match names {
        Some(names) => format!("{class} in ['{}']", names.join("','")),
        None => format!("{class} != ''"),
    }
}

fn elsewhere(namespace: &str) -> LabelSelector {
    let not_ours = LabelSelectorRequirement {
        key: "kubernetes.io/metadata.name".to_owned(),
        operator: "NotIn".to_owned(),
        values: Some(vec![namespace.to_owned()]),
    };
    LabelSelector { match_expressions: Some(vec![not_ours]), match_labels: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(fails_closed: bool) -> Webhook {
        Webhook { namespace: "bulkhead-system".to_owned(), service: "bulkhead-webhook".to_owned(), fails_closed }
    }

    fn webhooks(webhook: &Webhook, classes: &BTreeSet<String>) -> Vec<ValidatingWebhook> {
        webhook.configuration("u1", "PEM", classes).webhooks.expect("webhooks")
    }

    fn names(count: usize, bytes: usize) -> BTreeSet<String> {
        (0..count).map(|nth| format!("{nth:0>bytes$}")).collect()
    }

    #[test]
    fn it_fails_open_and_asks_for_little_unless_told_otherwise() {
        for fails_closed in [false, true] {
            for entry in webhooks(&webhook(fails_closed), &names(1, 5)) {
                assert_eq!(entry.failure_policy.as_deref(), Some(if fails_closed { "Fail" } else { "Ignore" }));
                assert_eq!((entry.timeout_seconds, entry.side_effects.as_str()), (Some(2), "None"));
                assert_eq!(entry.match_policy.as_deref(), Some("Equivalent"));
                let rule = entry.rules.expect("rules").into_iter().next().expect("a rule");
                assert_eq!(rule.operations.expect("operations"), ["CREATE", "UPDATE"]);
                assert!(rule.resources.expect("resources").iter().all(|resource| !resource.contains(['/', '*'])));
            }
        }
    }

    #[test]
    fn only_ingresses_of_our_classes_are_sent_by_field_or_legacy_annotation() {
        let classes = ["edge-north-south", "nginx", "it's"].map(str::to_owned).into();
        let all = webhooks(&webhook(false), &classes);
        let [instances, ingresses] = all.as_slice() else { panic!("two: {all:?}") };
        let conditions = ingresses.match_conditions.as_ref().expect("conditions");
        assert_eq!(
            conditions.iter().map(|one| one.expression.as_str()).collect::<Vec<_>>(),
            [
                CHANGED,
                "object.spec.?ingressClassName.or(object.metadata.?annotations[?'kubernetes.io/ingress.class']).orValue('') in ['edge-north-south','nginx']"
            ]
        );
        assert_eq!(instances.match_conditions.as_ref().map(Vec::len), Some(1));
        let selector = ingresses.namespace_selector.as_ref().and_then(|one| one.match_expressions.as_ref());
        assert_eq!(selector.expect("a selector")[0].values.as_ref().expect("values"), &["bulkhead-system"]);
    }

    #[test]
    fn without_classes_no_ingress_is_sent() {
        assert_eq!(webhooks(&webhook(false), &BTreeSet::new()).len(), 1);
    }

    #[test]
    fn however_many_classes_there_are_every_one_is_in_one_expression_of_bounded_size() {
        for (classes, expected) in [(names(1_000, 20), 2), (names(1_000, 253), 16), (names(2_000, 253), 32)] {
            let entries = webhooks(&webhook(false), &classes);
            let expressions: Vec<_> = entries
                .iter()
                .skip(1)
                .map(|entry| entry.match_conditions.as_ref().expect("conditions")[1].expression.as_str())
                .collect();
            assert_eq!(expressions.len(), expected);
            assert!(expressions.iter().all(|text| text.len() < NAMES_BYTES + 256));
            for class in &classes {
                let quoted = format!("'{class}'");
                assert_eq!(expressions.iter().filter(|text| text.contains(&quoted)).count(), 1, "{class}");
            }
            let called: BTreeSet<_> = entries.iter().map(|entry| &entry.name).collect();
            assert_eq!(called.len(), entries.len(), "names are different");
        }
        let all = webhooks(&webhook(false), &names(3_000, 253));
        assert_eq!(all.len(), 2);
        assert!(all[1].match_conditions.as_ref().expect("conditions")[1].expression.ends_with(".orValue('') != ''"));
    }

    #[test]
    fn it_goes_with_the_namespace_of_the_operator() {
        let owners = webhook(false).configuration("u1", "PEM", &BTreeSet::new()).metadata.owner_references;
        let owner = owners.expect("owners").into_iter().next().expect("an owner");
        assert_eq!(
            (owner.kind.as_str(), owner.name.as_str(), owner.uid.as_str()),
            ("Namespace", "bulkhead-system", "u1")
        );
    }

    #[test]
    fn the_service_has_the_names_that_clients_of_the_cluster_use() {
        assert_eq!(
            webhook(false).names(),
            [
                "bulkhead-webhook.bulkhead-system.svc",
                "bulkhead-webhook.bulkhead-system.svc.cluster.local",
                "bulkhead-webhook.bulkhead-system"
            ]
        );
    }
}
