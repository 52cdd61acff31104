//! Whatever classes Ingresses name, and however: each lane answers for its own, shows the certificates of its own, and has the keys of its own.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use bulkhead_crds::names::LaneName;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use serde_json::json;

use crate::storm::sky::Random;
use crate::world::routes::{backend, ingress};
use crate::world::tls::{Authority, Signed, connect};
use crate::world::{Fleet, SMALL, SOON};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![test(whatever_classes_ingresses_name_no_route_certificate_or_key_comes_to_another_lane)]
}

/// Ingresses, and how often all of them are given other classes.
const INGRESSES: usize = 16;
const ROUNDS: u64 = 8;
/// Another one gives other assignments.
const SEED: u64 = 7;

/// Lanes by their place, Ingresses by their number.
struct Fleets {
    cluster: &'static Cluster,
    fleets: [Fleet; 2],
    team: String,
    /// A class of another controller, that lanes may be asked to serve.
    also: String,
    authority: Authority,
    certificates: Vec<Signed>,
}

async fn whatever_classes_ingresses_name_no_route_certificate_or_key_comes_to_another_lane(
    cluster: &'static Cluster,
) -> Result<()> {
    let fleets = [Fleet::listening(cluster, "mix", SMALL).await?, Fleet::listening(cluster, "mix", SMALL).await?];
    let team = cluster.namespace("team").await?;
    let _shop = backend(cluster, &team, "shop").await?;
    let also = cluster.namespace("also").await?;
    let class = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": also},
        "spec": {"controller": "k8s.io/ingress-nginx"},
    });
    cluster.apply("default", &class.to_string()).await?;
    let authority = Authority::new("mix")?;
    let certificates = (0..INGRESSES).map(|nth| authority.sign(&host(nth))).collect::<Result<Vec<_>>>()?;
    for (nth, certificate) in certificates.iter().enumerate() {
        cluster.apply(&team, &certificate.secret(&format!("mix-{nth}"))).await?;
    }
    let all = Fleets { cluster, fleets, team, also, authority, certificates };
    let mut random = Random::of(SEED);
    for round in 0..ROUNDS {
        let served = all.assign(round, &mut random).await?;
        for place in 0..all.lanes().len() {
            all.wait_own(place, &served).await?;
        }
    }
    Ok(())
}

impl Fleets {
    fn lanes(&self) -> [(&Fleet, LaneName); 4] {
        let [one, two] = &self.fleets;
        let [north_south, east_west] = LaneName::ALL;
        [(one, north_south), (one, east_west), (two, north_south), (two, east_west)]
    }

    /// Gives every Ingress a class, and tells one lane to serve that of others, or none; the lanes that every Ingress is for.
    async fn assign(&self, round: u64, random: &mut Random) -> Result<Vec<BTreeSet<usize>>> {
        // One lane at most: of two instances that list a class one would be refused. Whoever had it gives it up at the same time.
        let chosen = usize::try_from(random.below(5))?;
        let mut also_served = BTreeSet::new();
        for (place, (fleet, lane)) in self.lanes().into_iter().enumerate() {
            let asked = place == chosen;
            let classes: &[&String] = if asked { &[&self.also] } else { &[] };
            let field = if lane == LaneName::NorthSouth { "northSouth" } else { "eastWest" };
            fleet.patch(json!({field: {"ingressClass": {"alsoServe": classes}}})).await?;
            also_served.extend(asked.then_some(place));
        }
        let mut served = Vec::new();
        for nth in 0..INGRESSES {
            let (class, lanes) = self.draw(random, &also_served);
            let (other, _) = self.draw(random, &also_served);
            let field = |class: &str| format!("  ingressClassName: {class}\n");
            let annotated =
                |class: &str| format!("metadata: {{annotations: {{kubernetes.io/ingress.class: {class}}}, ");
            let plain = ingress(&format!("mix-{nth}"), &class, &host(nth), "shop");
            let bare = plain.replace(&field(&class), "");
            // The API server takes both together from none but an Ingress that it has already; then the field counts.
            let (yaml, lanes) = match random.below(6) {
                0 => (bare, BTreeSet::new()),
                1 | 2 => (bare.replace("metadata: {", &annotated(&class)), lanes),
                3 if round > 0 => (plain.replace("metadata: {", &annotated(&other)), lanes),
                _ => (plain, lanes),
            };
            let tls = format!("  tls: [{{hosts: [{}], secretName: mix-{nth}}}]\n", host(nth));
            self.cluster.apply(&self.team, &(yaml + &tls)).await?;
            served.push(lanes);
        }
        Ok(served)
    }

    /// A class, and the lanes that serve it: one lane's own, that of others, or one of nobody.
    fn draw(&self, random: &mut Random, also_served: &BTreeSet<usize>) -> (String, BTreeSet<usize>) {
        let lanes = self.lanes();
        match usize::try_from(random.below(6)).unwrap_or_default() {
            4 => (self.also.clone(), also_served.clone()),
            5 => ("nobodys".to_owned(), BTreeSet::new()),
            place => (lanes[place].0.class(lanes[place].1), [place].into()),
        }
    }

    /// Awaits that a lane answers for its own Ingresses, shows their certificates and has their keys, and those of no other.
    async fn wait_own(&self, place: usize, served: &[BTreeSet<usize>]) -> Result<()> {
        let (fleet, lane) = self.lanes()[place];
        let own = |nth: usize| served[nth].contains(&place);
        for nth in 0..INGRESSES {
            fleet.wait_status(lane, &host(nth), if own(nth) { 200 } else { 404 }).await?;
        }
        let keys: BTreeSet<String> = (0..INGRESSES)
            .filter(|nth| own(*nth))
            .flat_map(|nth| ["tls.crt", "tls.key"].map(|key| format!("{}_mix-{nth}_{key}", self.team)))
            .collect();
        wait_for(&format!("the keys of the Ingresses of {}", fleet.class(lane)), SOON, async || {
            let there = keyring(fleet, lane).await?;
            ensure!(there == keys, "there are {there:?} instead of {keys:?}");
            Ok(())
        })
        .await?;
        wait_for(&format!("the certificates of the Ingresses of {}", fleet.class(lane)), SOON, async || {
            for (nth, certificate) in self.certificates.iter().enumerate() {
                let connection = connect(fleet, lane, &self.authority, &host(nth), None);
                // A client that is shown another one does not shake hands.
                let shown =
                    connection.and_then(|connection| connection.shown()).is_ok_and(|shown| shown == certificate.der);
                ensure!(shown == own(nth), "for {}: {shown} and not {}", host(nth), own(nth));
            }
            Ok(())
        })
        .await
    }
}

fn host(nth: usize) -> String {
    format!("{nth}.mix.example")
}

/// Names of all entries of a lane's keyring.
async fn keyring(fleet: &Fleet, lane: LaneName) -> Result<BTreeSet<String>> {
    let secrets = Api::<Secret>::namespaced(fleet.cluster.admin.clone(), &fleet.namespace);
    let prefix = format!("{}-keyring-", fleet.class(lane));
    let shards =
        secrets.list(&ListParams::default()).await?.into_iter().filter(|one| one.name_any().starts_with(&prefix));
    Ok(shards.flat_map(|secret| secret.data.unwrap_or_default().into_keys()).collect())
}
