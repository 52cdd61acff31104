//! Certificates that are renewed while they are needed.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bulkhead_operator::webhook::certificates::{Chest, KEEP, Pair, SETTLE};
use bulkhead_operator::webhook::configuration::Webhook;
use bulkhead_operator::webhook::keeper::SECRET;
use bulkhead_operator::webhook::secret;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::wait::wait_for;
use jiff::Timestamp;
use kube::api::{Patch, PatchParams, PostParams};
use rustix::process::Signal;
use serde_json::json;

use super::hook::{Hook, PORT, REVIEWS, annotated, configuration, refusal, secrets};
use super::hostile::Visitor;
use super::{BAD, LANE};
use crate::world::operator::{Lone, NAMESPACE};
use crate::world::routes::ingress;
use crate::world::{Fleet, SMALL, SOON};

/// Age of the first certificate: for a month it is due for another.
const AGE: Duration = Duration::from_secs(70 * 86_400);

pub(super) async fn renewed_certificates_lose_no_review_though_every_loss_would_refuse_an_object(
    cluster: &'static Cluster,
) -> Result<()> {
    let lone = Lone::take(cluster).await?;
    let cluster = lone.cluster;
    let team = cluster.namespace("team").await?;
    let webhook = Webhook { namespace: NAMESPACE.to_owned(), service: SECRET.to_owned(), fails_closed: true };
    let old = Pair::make(&webhook.names(), Timestamp::now() - AGE)?;
    let first = secret::write(SECRET, &Chest::new(old.clone(), Timestamp::now() - AGE));
    secrets(cluster).create(&PostParams::default(), &first).await.context("write an old certificate")?;

    let leader = Hook::replica(cluster, "operator", 19_099, "Fail").await?;
    let other = Hook::replica(cluster, "standby", 19_100, "Fail").await?;
    cluster.set_endpoints(NAMESPACE, SECRET, "webhook", PORT, &[leader.ip, other.ip]).await?;
    let fleet = Fleet::create(cluster, "renewed", SMALL).await?;
    fleet.wait_phase("Listening").await?;
    let (good, bad) =
        (ingress("good", &fleet.class(LANE), "renewed.example", "web"), annotated("bad", &fleet.class(LANE), BAD));
    wait_for("a refusal", SOON, async || refusal(cluster, &team, &bad).await).await?;

    // From here on every object that cannot be reviewed is refused.
    let mut applied = 0;
    let mut apply = async || -> Result<()> {
        cluster.dry_run(&team, &good).await.with_context(|| format!("apply a good one, {applied} were taken"))?;
        let told = refusal(cluster, &team, &bad).await?;
        ensure!(told.contains("is refused:"), "not by a verdict: {told}");
        applied += 1;
        Ok(())
    };
    let staged = until(&mut apply, cluster, "a next certificate", |chest| chest.next.is_some()).await?;
    ensure!(staged.serving == old, "another one was shown before anybody was told");
    let next = staged.next.clone().context("no next one")?;
    until_told(&mut apply, cluster, &[&old.authority, &next.authority]).await?;

    let early = Timestamp::now() - SETTLE;
    pretend(cluster, early).await?;
    let shown = until(&mut apply, cluster, "the next certificate", |chest| chest.serving == next).await?;
    ensure!(shown.retired.as_deref() == Some(old.authority.as_str()), "the old one is forgotten at once");
    for _ in 0..20 {
        apply().await?;
    }
    pretend(cluster, Timestamp::now() - KEEP).await?;
    until(&mut apply, cluster, "no old certificate", |chest| chest.retired.is_none()).await?;
    until_told(&mut apply, cluster, &[&next.authority]).await?;
    for _ in 0..20 {
        apply().await?;
    }
    for hook in [&leader, &other] {
        ensure!(!hook.operator.process.log().contains("PRIVATE KEY"), "a key was logged");
    }

    // A replica is asked to leave, and is sent reviews until everybody has heard of it.
    leader.operator.process.signal(Signal::TERM)?;
    for _ in 0..20 {
        apply().await?;
    }
    cluster.set_endpoints(NAMESPACE, SECRET, "webhook", PORT, &[other.ip]).await?;
    wait_for("the end of the replica", SOON, async || {
        // What cannot be reviewed ends the wait as well.
        let taken = apply().await;
        ensure!(taken.is_err() || leader.operator.process.ensure_running().is_err(), "it runs");
        Ok(taken)
    })
    .await??;
    for _ in 0..20 {
        apply().await?;
    }
    ensure!(other.operator.sum(REVIEWS).await? > 0.0, "somebody else reviewed");
    other.off(cluster).await
}

pub(super) async fn replicas_that_begin_at_once_show_the_same_certificate(cluster: &'static Cluster) -> Result<()> {
    let lone = Lone::take(cluster).await?;
    let cluster = lone.cluster;
    let (one, other) = tokio::join!(
        Hook::replica(cluster, "operator", 19_102, "Ignore"),
        Hook::replica(cluster, "standby", 19_103, "Ignore")
    );
    let (one, other) = (one?, other?);
    let chest = secret::read(&secrets(cluster).get(SECRET).await?).context("it holds no certificate")?;
    let mut shown = Vec::new();
    for hook in [&one, &other] {
        let visitor = Visitor { to: (hook.ip, PORT).into(), authority: chest.serving.authority.clone() };
        let connection = visitor.connect()?;
        shown.push(connection.conn.peer_certificates().map(<[_]>::to_vec));
    }
    ensure!(shown.first() == shown.last(), "they show two certificates");
    drop(other);
    one.off(cluster).await
}

/// Applies objects until the Secret is as it is wanted.
async fn until(
    apply: &mut impl AsyncFnMut() -> Result<()>,
    cluster: &Cluster,
    what: &str,
    wanted: impl Fn(&Chest) -> bool,
) -> Result<Chest> {
    let mut lost = None;
    let chest = wait_for(what, SOON, async || {
        if let Err(error) = apply().await {
            lost.get_or_insert(error);
        }
        let secret = secrets(cluster).get(SECRET).await?;
        let chest = secret::read(&secret).context("it holds no certificate")?;
        ensure!(wanted(&chest), "not yet");
        Ok(chest)
    })
    .await?;
    lost.map_or(Ok(chest), Err)
}

/// Applies objects until API servers are told of exactly these authorities.
async fn until_told(
    apply: &mut impl AsyncFnMut() -> Result<()>,
    cluster: &Cluster,
    authorities: &[&String],
) -> Result<()> {
    let mut lost = None;
    wait_for("what API servers are told", SOON, async || {
        if let Err(error) = apply().await {
            lost.get_or_insert(error);
        }
        let webhooks = configuration(cluster).await?.and_then(|all| all.webhooks).unwrap_or_default();
        ensure!(webhooks.len() == 2, "there are {} webhooks", webhooks.len());
        for webhook in webhooks {
            let bundle = String::from_utf8(webhook.client_config.ca_bundle.context("no bundle")?.0)?;
            let all = authorities.iter().all(|authority| bundle.contains(authority.trim()));
            ensure!(all && bundle.matches("BEGIN").count() == authorities.len(), "it is another bundle");
        }
        Ok(())
    })
    .await?;
    lost.map_or(Ok(()), Err)
}

/// Makes the last step one of an earlier time.
async fn pretend(cluster: &Cluster, when: Timestamp) -> Result<()> {
    let patch = Patch::Merge(json!({"metadata": {"annotations": {secret::CHANGED_AT: when.to_string()}}}));
    secrets(cluster).patch(SECRET, &PatchParams::default(), &patch).await.context("change the time of a step")?;
    Ok(())
}
