//! What the API server itself says about a GatewayInstance, and what the operator says where it cannot.

use anyhow::{Context, Result, ensure};
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};

use crate::world::operator::Operator;
use crate::world::{Fleet, SMALL};

mod specs;

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![
        test(good_specifications_are_taken),
        test(bad_specifications_are_refused_with_a_sentence_that_helps),
        test(names_that_services_cannot_have_are_refused),
        test(fields_that_this_version_does_not_obey_are_named),
    ]
}

async fn good_specifications_are_taken(cluster: &'static Cluster) -> Result<()> {
    Operator::shared(cluster).await?;
    for spec in specs::GOOD {
        offer(cluster, "good", spec).await.with_context(|| format!("{spec} is refused"))?;
    }
    Ok(())
}

async fn bad_specifications_are_refused_with_a_sentence_that_helps(cluster: &'static Cluster) -> Result<()> {
    Operator::shared(cluster).await?;
    let mut wrong = Vec::new();
    for (spec, sentence) in specs::BAD {
        match offer(cluster, "shop", spec).await {
            Ok(()) => wrong.push(format!("{spec} is taken")),
            Err(error) if !format!("{error:#}").contains(sentence) => wrong.push(format!("{spec}: {error:#}")),
            Err(_) => {}
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

async fn names_that_services_cannot_have_are_refused(cluster: &'static Cluster) -> Result<()> {
    Operator::shared(cluster).await?;
    let long = "a".repeat(41);
    for (name, sentence) in [
        (long.as_str(), "must not be longer than 40 characters"),
        ("a.b", "must begin with a letter and must not contain a dot"),
        ("1a", "must begin with a letter and must not contain a dot"),
    ] {
        let error = offer(cluster, name, "{}").await.err().with_context(|| format!("{name} is taken"))?;
        ensure!(format!("{error:#}").contains(sentence), "{name}: {error:#}");
    }
    offer(cluster, &long[1..], "{}").await
}

async fn fields_that_this_version_does_not_obey_are_named(cluster: &'static Cluster) -> Result<()> {
    let fleet = Fleet::listening(cluster, "obeyed", SMALL).await?;
    fleet.wait_condition("FullyObeyed", "True", "FullyObeyed").await?;
    fleet.apply("{northSouth: {replicas: 1, metrics: {perHost: true}}, eastWest: {replicas: 1}}").await?;
    let obeyed = fleet.wait_condition("FullyObeyed", "False", "FieldsNotObeyed").await?;
    ensure!(obeyed.message.contains("spec.northSouth.metrics"), "the field is not in {:?}", obeyed.message);
    ensure!(!obeyed.message.contains("eastWest"), "the message is {:?}", obeyed.message);
    fleet.wait_phase("Listening").await
}

/// Tries an instance, and keeps nothing.
async fn offer(cluster: &Cluster, name: &str, spec: &str) -> Result<()> {
    let yaml = format!(
        "{{apiVersion: bulkhead.io/v1alpha1, kind: GatewayInstance, metadata: {{name: {name}}}, spec: {spec}}}"
    );
    cluster.dry_run("default", &yaml).await.map(|_| ())
}
