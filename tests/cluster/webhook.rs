//! The admission webhook, asked by a real API server at the endpoints of the Service that ships.

mod certificates;
mod hook;
mod hostile;

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use bulkhead_crds::names::LaneName;
use bulkhead_operator::webhook::configuration::Webhook;
use bulkhead_operator::webhook::keeper::SECRET;
use bulkhead_operator::webhook::secret;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::json;

use self::certificates::{
    renewed_certificates_lose_no_review_though_every_loss_would_refuse_an_object,
    replicas_that_begin_at_once_show_the_same_certificate,
};
use self::hook::{CLASS, Hook, REVIEWS, annotated, configuration, refusal};
use self::hostile::whatever_reaches_the_port_reviews_go_on;
use crate::world::operator::{Lone, NAMESPACE};
use crate::world::routes::ingress;
use crate::world::{Fleet, SMALL, SOON};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![
        test(what_is_wrong_is_told_at_apply_and_what_is_foreign_is_never_sent),
        test(without_a_webhook_objects_are_stored_and_its_traces_are_removed),
        test(renewed_certificates_lose_no_review_though_every_loss_would_refuse_an_object),
        test(replicas_that_begin_at_once_show_the_same_certificate),
        test(a_thousand_classes_are_believed_and_an_ingress_of_each_is_sent_once),
        test(whatever_reaches_the_port_reviews_go_on),
    ]
}

const LANE: LaneName = LaneName::NorthSouth;
const BAD: (&str, &str) = ("whitelist-source-range", "elsewhere");
const ODD: (&str, &str) = ("proxy-body-size", "much");

async fn what_is_wrong_is_told_at_apply_and_what_is_foreign_is_never_sent(cluster: &'static Cluster) -> Result<()> {
    let lone = Lone::take(cluster).await?;
    let cluster = lone.cluster;
    let team = cluster.namespace("team").await?;
    let hook = Hook::start(cluster, 19_097).await?;
    let fleet = Fleet::create(cluster, "hooked", SMALL).await?;
    fleet.wait_phase("Listening").await?;
    let class = fleet.class(LANE);
    let ingresses = Api::<Ingress>::namespaced(cluster.admin.clone(), &team);

    // An API server hears of it a moment after it was written.
    let bad = annotated("bad", &class, BAD);
    let told = wait_for("a refusal", SOON, async || refusal(cluster, &team, &bad).await).await?;
    let begins = format!(
        "admission webhook \"ingresses.webhook.bulkhead.io\" denied the request: Ingress {team}/bad is refused:"
    );
    for part in
        [&begins, "nginx.ingress.kubernetes.io/whitelist-source-range: ", "Correct the value as the finding says"]
    {
        ensure!(told.contains(part), "{part:?} is not in {told}");
    }
    ensure!(ingresses.get_opt("bad").await?.is_none(), "it was stored");
    let legacy = bad.replace(&format!("  ingressClassName: {class}\n"), "").replacen(
        "annotations: {",
        &format!("annotations: {{{CLASS}: {class}, "),
        1,
    );
    refusal(cluster, &team, &legacy).await.context("one of the legacy annotation")?;

    let another = format!(
        "{{apiVersion: bulkhead.io/v1alpha1, kind: GatewayInstance, metadata: {{name: another}}, spec: {{northSouth: {{ingressClass: {{name: {class}}}}}}}}}"
    );
    let told = refusal(cluster, &team, &another).await?;
    let begins = format!(
        "\"gatewayinstances.webhook.bulkhead.io\" denied the request: GatewayInstance {team}/another is refused:"
    );
    for part in [&begins, "was not made for this instance", "is claimed by the older GatewayInstance"] {
        ensure!(told.contains(part), "{part:?} is not in {told}");
    }

    let warnings = hook::warnings(cluster, &team, &annotated("odd", &class, ODD)).await?;
    ensure!(warnings.iter().any(|one| one.contains("proxy-body-size: ")), "the warnings are {warnings:?}");

    let configured = configuration(cluster).await?.context("API servers are told of nothing")?;
    let owner = configured.metadata.owner_references.unwrap_or_default();
    let namespace = Api::<Namespace>::all(cluster.admin.clone()).get(NAMESPACE).await?;
    ensure!(owner.iter().any(|one| Some(&one.uid) == namespace.metadata.uid.as_ref()), "it would outlive {NAMESPACE}");

    // Of ours exactly one is sent, of others none.
    let before = hook.operator.sum(REVIEWS).await?;
    let foreign = annotated("foreign", "somebody-elses", BAD);
    cluster.apply(&team, &foreign).await?;
    cluster.apply(&team, &foreign.replace("elsewhere", "nowhere")).await?;
    cluster.apply(&team, &ingress("good", &class, "good.example", "web")).await?;
    let label = Patch::Merge(json!({"metadata": {"labels": {"a": "b"}, "finalizers": ["example.com/held"]}}));
    ingresses.patch("good", &PatchParams::default(), &label).await?;
    let sent = hook.operator.sum(REVIEWS).await? - before;
    ensure!(sent == 1.0, "{sent} reviews were asked for");
    let free = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    ingresses.patch("good", &PatchParams::default(), &free).await?;

    // A class of others that a lane serves as well is sent as soon as it does, and never refused.
    fleet.patch(json!({"northSouth": {"ingressClass": {"alsoServe": ["somebody-elses"]}}})).await?;
    wait_for("a warning", SOON, async || {
        let warnings = hook::warnings(cluster, &team, &annotated("served", "somebody-elses", BAD)).await?;
        ensure!(warnings.iter().any(|one| one.contains("whitelist-source-range: ")), "they are {warnings:?}");
        Ok(())
    })
    .await?;
    for name in ["good", "foreign"] {
        ingresses.delete(name, &DeleteParams::default()).await.with_context(|| format!("delete {name}"))?;
    }
    hook.off(cluster).await
}

async fn without_a_webhook_objects_are_stored_and_its_traces_are_removed(cluster: &'static Cluster) -> Result<()> {
    let lone = Lone::take(cluster).await?;
    let cluster = lone.cluster;
    let team = cluster.namespace("team").await?;
    let hook = Hook::start(cluster, 19_098).await?;
    let fleet = Fleet::create(cluster, "opened", SMALL).await?;
    fleet.wait_phase("Listening").await?;
    let (class, ingresses) = (fleet.class(LANE), Api::<Ingress>::namespaced(cluster.admin.clone(), &team));
    let bad = annotated("bad", &class, BAD);
    wait_for("a refusal", SOON, async || refusal(cluster, &team, &bad).await).await?;

    let hook = hook.stop();
    cluster.apply(&team, &bad).await.context("apply while nobody answers")?;

    // What is stored may be labelled and mended bit by bit, and not be made worse.
    let hook = hook.again(cluster).await?;
    wait_for("a refusal", SOON, async || refusal(cluster, &team, &annotated("other", &class, BAD)).await).await?;
    let label = Patch::Merge(json!({"metadata": {"labels": {"a": "b"}}}));
    ingresses.patch("bad", &PatchParams::default(), &label).await.context("label a bad one")?;
    let path = Patch::Json::<()>(serde_json::from_value(json!([
        {"op": "replace", "path": "/spec/rules/0/http/paths/0/path", "value": "/shop"}
    ]))?);
    ingresses.patch("bad", &PatchParams::default(), &path).await.context("change a bad one")?;
    let worse =
        Patch::Merge(json!({"metadata": {"annotations": {"nginx.ingress.kubernetes.io/auth-type": "none-such"}}}));
    ensure!(ingresses.patch("bad", &PatchParams::default(), &worse).await.is_err(), "it was made worse");
    ingresses.delete("bad", &DeleteParams::default()).await.context("delete a bad one")?;

    hook.off(cluster).await?;
    ensure!(configuration(cluster).await?.is_none(), "API servers are told of a webhook that is gone");
    cluster.apply(&team, &bad).await.map(|_| ())
}

async fn a_thousand_classes_are_believed_and_an_ingress_of_each_is_sent_once(cluster: &'static Cluster) -> Result<()> {
    let lone = Lone::take(cluster).await?;
    let cluster = lone.cluster;
    let team = cluster.namespace("team").await?;
    let hook = Hook::start(cluster, 19_104).await?;
    let chest = secret::read(&hook::secrets(cluster).get(SECRET).await?).context("no certificate")?;
    let webhook = Webhook { namespace: NAMESPACE.to_owned(), service: SECRET.to_owned(), fails_closed: true };
    // As long as names of classes can be, and as many as entries have room for; and then more than that.
    for (count, entries) in [(1_000, 17), (2_500, 2)] {
        let classes: BTreeSet<String> = (0..count).map(|nth| format!("c{nth:0>252}")).collect();
        let mut many = webhook.configuration("", &chest.bundle(), &classes);
        many.metadata = ObjectMeta { name: Some("many-classes".to_owned()), ..ObjectMeta::default() };
        let told = many.webhooks.as_ref().map_or(0, Vec::len);
        ensure!(told == entries, "there are {told} entries");
        let api = Api::<ValidatingWebhookConfiguration>::all(cluster.admin.clone());
        api.patch("many-classes", &PatchParams::apply("bulkhead-tests").force(), &Patch::Apply(&many)).await?;
        let sent = async |class: &str| {
            let before = hook.operator.sum(REVIEWS).await?;
            cluster.dry_run(&team, &ingress("one", class, "one.example", "web")).await?;
            anyhow::Ok(hook.operator.sum(REVIEWS).await? - before)
        };
        for nth in [0, count / 2, count - 1] {
            let class = format!("c{nth:0>252}");
            wait_for("a review", SOON, async || {
                let reviews = sent(&class).await?;
                ensure!(reviews == 1.0, "{reviews} reviews of class {nth} of {count}");
                Ok(())
            })
            .await?;
        }
        if entries > 2 {
            let reviews = sent("of-nobody").await?;
            ensure!(reviews == 0.0, "{reviews} reviews of a class of nobody");
        }
        api.delete("many-classes", &DeleteParams::default()).await?;
    }
    hook.off(cluster).await
}
