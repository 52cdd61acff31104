//! What the tokens of lanes and of the operator may do: exactly the lists below, over every verb, resource and namespace that there is.

use std::collections::BTreeSet;
use std::net::IpAddr;

use anyhow::{Context, Result, ensure};
use bulkhead_crds::names::{ADMIN_PORT, LaneName};
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::api::{Api, PostParams};
use kube::discovery::{Discovery, Scope};

use crate::world::operator::{self, Operator};
use crate::world::routes::{backend, route};
use crate::world::{Fleet, SMALL, SOON};

/// Groups, resources and verbs.
type Table = &'static [(&'static str, &'static [&'static str], &'static [&'static str])];

const VERBS: [&str; 8] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["get", "list", "watch", "create", "patch", "delete"];

/// What Kubernetes lets everybody who is known ask about himself (ClusterRole `system:basic-user`).
const EVERYBODY: Table = &[
    ("authorization.k8s.io", &["selfsubjectaccessreviews", "selfsubjectrulesreviews"], &["create"]),
    ("authentication.k8s.io", &["selfsubjectreviews"], &["create"]),
];

/// A lane, in every namespace of its scope.
const ROUTES: Table = &[
    ("networking.k8s.io", &["ingresses"], READ),
    ("", &["services"], READ),
    ("discovery.k8s.io", &["endpointslices"], READ),
];

/// A lane, in the whole cluster whatever its scope.
const CLASSES: Table = &[("networking.k8s.io", &["ingressclasses"], READ)];

/// The operator, everywhere.
const OPERATOR: Table = &[
    ("bulkhead.io", &["gatewayinstances"], &["get", "list", "watch", "patch"]),
    ("bulkhead.io", &["gatewayinstances/status"], &["get", "patch"]),
    ("apps", &["deployments"], WRITE),
    ("apps", &["replicasets"], &["list"]),
    ("", &["services", "serviceaccounts", "configmaps", "secrets"], WRITE),
    ("", &["pods", "namespaces"], READ),
    ("rbac.authorization.k8s.io", &["roles", "rolebindings", "clusterroles", "clusterrolebindings"], WRITE),
    ("policy", &["poddisruptionbudgets"], WRITE),
    ("autoscaling", &["horizontalpodautoscalers"], WRITE),
    ("networking.k8s.io", &["networkpolicies", "ingressclasses"], WRITE),
    ("networking.k8s.io", &["ingresses"], READ),
    ("networking.k8s.io", &["ingresses/status"], &["patch"]),
    ("events.k8s.io", &["events"], &["create"]),
    ("", &["events"], &["list"]),
    ("discovery.k8s.io", &["endpointslices"], READ),
];

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![
        test(a_lane_of_every_namespace_may_read_routes_and_classes_and_nothing_else),
        test(a_lane_of_one_namespace_may_read_routes_there_only),
        test(a_lane_may_read_its_document_and_keyring_by_name_and_no_other),
        test(the_operator_may_do_what_it_needs_and_no_more),
        test(a_lane_is_not_led_to_its_own_admin_pages),
    ]
}

async fn a_lane_of_every_namespace_may_read_routes_and_classes_and_nothing_else(
    cluster: &'static Cluster,
) -> Result<()> {
    let fleet = Fleet::listening(cluster, "rights", SMALL).await?;
    let asked = Asked::all(cluster).await?;
    for lane in LaneName::ALL {
        for namespace in [&fleet.namespace, "kube-system", ""] {
            let allowed = asked.allowed(cluster, &account(&fleet, lane), namespace).await?;
            same(&allowed, &asked.matching(&[EVERYBODY, ROUTES, CLASSES]), lane.slug(), namespace)?;
        }
    }
    Ok(())
}

async fn a_lane_of_one_namespace_may_read_routes_there_only(cluster: &'static Cluster) -> Result<()> {
    let spec = "{scope: {namespaces: {from: Same}}, northSouth: {replicas: 1}, eastWest: {enabled: false}}";
    let fleet = Fleet::listening(cluster, "narrow", spec).await?;
    let asked = Asked::all(cluster).await?;
    let account = account(&fleet, LaneName::NorthSouth);
    let allowed = asked.allowed(cluster, &account, &fleet.namespace).await?;
    same(&allowed, &asked.matching(&[EVERYBODY, ROUTES, CLASSES]), "the lane", &fleet.namespace)?;
    for namespace in ["kube-system", ""] {
        let allowed = asked.allowed(cluster, &account, namespace).await?;
        same(&allowed, &asked.matching(&[EVERYBODY, CLASSES]), "the lane", namespace)?;
    }
    Ok(())
}

async fn a_lane_may_read_its_document_and_keyring_by_name_and_no_other(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "named", SMALL).await?;
    let keyring = |lane| bulkhead_plan::names::keyring(&fleet.name, lane, 0);
    for lane in LaneName::ALL {
        for other in LaneName::ALL {
            for (resource, name) in [("configmaps", fleet.class(other)), ("secrets", keyring(other))] {
                for verb in VERBS {
                    let question = question("", resource, verb, &fleet.namespace, &name);
                    let allowed = is_allowed(cluster, &account(&fleet, lane), question).await?;
                    ensure!(
                        allowed == (lane == other && READ.contains(&verb)),
                        "{lane} may {verb} {resource} {name}: {allowed}"
                    );
                }
            }
        }
    }
    Ok(())
}

async fn the_operator_may_do_what_it_needs_and_no_more(cluster: &'static Cluster) -> Result<()> {
    Operator::shared(cluster).await?;
    let asked = Asked::all(cluster).await?;
    let account = format!("{}:{}", operator::NAMESPACE, operator::ACCOUNT);
    for namespace in ["default", ""] {
        let allowed = asked.allowed(cluster, &account, namespace).await?;
        same(&allowed, &asked.matching(&[EVERYBODY, OPERATOR]), "the operator", namespace)?;
    }
    let lease = |verb, name| question("coordination.k8s.io", "leases", verb, operator::NAMESPACE, name);
    for (verb, name, allowed) in [
        ("create", "", true),
        ("get", "bulkhead-operator", true),
        ("update", "bulkhead-operator", true),
        ("update", "another", false),
        ("delete", "bulkhead-operator", false),
        ("list", "", false),
    ] {
        ensure!(is_allowed(cluster, &account, lease(verb, name)).await? == allowed, "{verb} Lease {name:?}");
    }
    let webhooks =
        |verb, name| question("admissionregistration.k8s.io", "validatingwebhookconfigurations", verb, "", name);
    for (name, allowed) in [("bulkhead-operator", true), ("another", false), ("", false)] {
        for verb in ["get", "create", "patch", "delete"] {
            let may = is_allowed(cluster, &account, webhooks(verb, name)).await?;
            ensure!(may == allowed, "{verb} ValidatingWebhookConfiguration {name:?}: {may}");
        }
        for verb in ["list", "watch", "update", "deletecollection"] {
            ensure!(!is_allowed(cluster, &account, webhooks(verb, name)).await?, "{verb} them, {name:?}");
        }
    }
    for (group, resource, verb) in [
        ("*", "*", "*"),
        ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "create"),
        ("rbac.authorization.k8s.io", "clusterroles", "escalate"),
        ("rbac.authorization.k8s.io", "clusterroles", "bind"),
        ("", "serviceaccounts", "impersonate"),
        ("", "users", "impersonate"),
        ("", "nodes", "proxy"),
    ] {
        let allowed = is_allowed(cluster, &account, question(group, resource, verb, "", "")).await?;
        ensure!(!allowed, "the operator may {verb} {resource} of {group}");
    }
    Ok(())
}

async fn a_lane_is_not_led_to_its_own_admin_pages(cluster: &'static Cluster) -> Result<()> {
    let lane = LaneName::NorthSouth;
    let fleet = Fleet::listening(cluster, "mirror", "{northSouth: {replicas: 1}, eastWest: {enabled: false}}").await?;
    let IpAddr::V4(gateway) = fleet.gateway(lane)?.ip() else { anyhow::bail!("gateways have IPv4 addresses") };
    let _shop = backend(cluster, &fleet.namespace, "shop").await?;
    route(cluster, &fleet.namespace, "shop", &fleet.class(lane), "mirror.example", "shop").await?;
    fleet.wait_status(lane, "mirror.example", 200).await?;
    cluster.set_endpoints(&fleet.namespace, "shop", "http", ADMIN_PORT, &[gateway]).await?;
    fleet.wait_status(lane, "mirror.example", 503).await?;
    wait_for("a finding about the endpoint", SOON * 2, async || {
        let status = fleet.instance().await?.status.unwrap_or_default();
        let findings = status.lane(lane).map(|lane| lane.findings.sample.clone()).unwrap_or_default();
        ensure!(findings.iter().any(|finding| finding.code == "EndpointRefused"), "there are {findings:?}");
        Ok(())
    })
    .await
}

/// `namespace:name` of a lane's service account.
fn account(fleet: &Fleet, lane: LaneName) -> String {
    format!("{}:{}", fleet.namespace, fleet.class(lane))
}

/// Group, resource with subresource, verb.
type Right = (String, String, &'static str);

/// Everything that can be asked for.
struct Asked {
    /// With whether it lives in namespaces.
    resources: Vec<(String, String, bool)>,
}

impl Asked {
    async fn all(cluster: &Cluster) -> Result<Self> {
        let discovery = Discovery::new(cluster.admin.clone()).run().await.context("ask for every kind")?;
        let mut resources = BTreeSet::new();
        for (kind, can) in discovery.groups().flat_map(|group| group.recommended_resources()) {
            let namespaced = can.scope == Scope::Namespaced;
            for (sub, _) in &can.subresources {
                let name = if sub.plural.contains('/') {
                    sub.plural.clone()
                } else {
                    format!("{}/{}", kind.plural, sub.plural)
                };
                resources.insert((kind.group.clone(), name, namespaced));
            }
            resources.insert((kind.group, kind.plural, namespaced));
        }
        ensure!(resources.len() > 60, "only {} resources are known", resources.len());
        Ok(Self { resources: resources.into_iter().collect() })
    }

    /// Every right that an account has in a namespace, or in all of them when that is empty.
    async fn allowed(&self, cluster: &Cluster, account: &str, namespace: &str) -> Result<BTreeSet<Right>> {
        let rights = self.resources.iter().flat_map(|(group, resource, namespaced)| {
            let namespace = if *namespaced { namespace } else { "" };
            VERBS.map(move |verb| (group.clone(), resource.clone(), verb, namespace))
        });
        let answers = stream::iter(rights).map(async |(group, resource, verb, namespace)| {
            let allowed = is_allowed(cluster, account, question(&group, &resource, verb, namespace, "")).await?;
            anyhow::Ok(allowed.then_some((group, resource, verb)))
        });
        answers.buffer_unordered(16).try_filter_map(async |right| Ok(right)).try_collect().await
    }

    /// The rights that tables grant.
    fn matching(&self, tables: &[Table]) -> BTreeSet<Right> {
        let rows = tables.iter().flat_map(|table| table.iter());
        rows.flat_map(|(group, resources, verbs)| {
            resources
                .iter()
                .flat_map(move |resource| verbs.iter().map(|verb| ((*group).to_owned(), (*resource).to_owned(), *verb)))
        })
        .collect()
    }
}

fn same(allowed: &BTreeSet<Right>, wanted: &BTreeSet<Right>, who: &str, namespace: &str) -> Result<()> {
    let more: Vec<_> = allowed.difference(wanted).collect();
    let less: Vec<_> = wanted.difference(allowed).collect();
    ensure!(more.is_empty() && less.is_empty(), "{who} in {namespace:?}: may also {more:?}, may not {less:?}");
    Ok(())
}

fn question(group: &str, resource: &str, verb: &str, namespace: &str, name: &str) -> ResourceAttributes {
    let (resource, subresource) =
        resource.split_once('/').map_or((resource, None), |(of, sub)| (of, Some(sub.to_owned())));
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    ResourceAttributes {
        group: given(group),
        resource: given(resource),
        subresource,
        verb: given(verb),
        namespace: given(namespace),
        name: given(name),
        ..ResourceAttributes::default()
    }
}

/// Asks the API server on behalf of a service account.
async fn is_allowed(cluster: &Cluster, account: &str, question: ResourceAttributes) -> Result<bool> {
    let namespace = account.split_once(':').map_or(account, |(namespace, _)| namespace);
    let groups = [
        "system:serviceaccounts".to_owned(),
        format!("system:serviceaccounts:{namespace}"),
        "system:authenticated".to_owned(),
    ];
    let spec = SubjectAccessReviewSpec {
        user: Some(format!("system:serviceaccount:{account}")),
        groups: Some(groups.into()),
        resource_attributes: Some(question),
        ..SubjectAccessReviewSpec::default()
    };
    let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
    let answer = Api::<SubjectAccessReview>::all(cluster.admin.clone()).create(&PostParams::default(), &review).await?;
    Ok(answer.status.context("a review without an answer")?.allowed)
}
