//! One fault of the way to the API server at a time. Of each: nothing is lost, nothing is deleted that was merely unseen, calls are bounded, everything
//! is as wanted soon after its end, and the gateways do not notice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bulkhead_crds::names::LaneName;
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::cluster::audit::Write;
use bulkhead_tests::echo::EchoBackend;
use bulkhead_tests::exchange;
use bulkhead_tests::suite::{Test, test};
use bulkhead_tests::wait::wait_for;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
use kube::api::{Api, DeleteParams};
use serde_json::json;
use tokio::time::Instant;

use crate::world::operator::{Lone, Operator};
use crate::world::proxy::{Asked, End, Fate, Proxy};
use crate::world::routes::{backend, route};
use crate::world::{Fleet, SMALL, SOON, objects};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![
        test(a_list_that_never_comes_is_asked_for_again),
        test(an_instance_whose_calls_are_slow_or_hang_holds_up_no_other),
        test(watches_that_break_in_any_way_lose_nothing_and_delete_nothing),
        test(an_api_server_that_refuses_everything_is_asked_seldom),
        test(what_is_not_seen_yet_is_neither_deleted_nor_made_anew),
    ]
}

const LANE: LaneName = LaneName::NorthSouth;
/// From the end of a fault to a state that is as wanted: a few failures make the operator wait for 4 to 8 s, and a watch for as long.
const SETTLED: Duration = Duration::from_secs(20);

async fn watches_that_break_in_any_way_lose_nothing_and_delete_nothing(cluster: &'static Cluster) -> Result<()> {
    let place = Place::begin(cluster, "torn", 19_111).await?;
    let fleet = &place.fleet;
    let services = Api::<Service>::namespaced(fleet.cluster.admin.clone(), &fleet.namespace);
    let admin = bulkhead_plan::names::admin_service(&fleet.name, LANE);
    let moment = Duration::from_millis(300);
    for (fields, end) in [(41, End::Over(moment)), (42, End::Torn(moment)), (43, End::Gone(moment))] {
        let before = objects::of(fleet).await?;
        let deletes = deletes(fleet.cluster)?.len();
        place.rule(move |asked| if asked.is_watch() { Fate::Stream(end) } else { Fate::Pass });
        place.proxy.cut();
        services.delete(&admin, &DeleteParams::default()).await?;
        fleet.patch(json!({"northSouth": {"limits": {"requestFields": fields}}})).await?;
        place.broken(2).await?;
        place.serves().await?;
        place.rule(|_| Fate::Pass);

        place.settles(fields).await.with_context(|| format!("{end:?}"))?;
        wait_for("the object that was deleted", SETTLED, async || Ok(services.get(&admin).await.map(|_| ())?)).await?;
        let after = objects::of(fleet).await?;
        let kept =
            before.iter().filter(|((kind, _, name), _)| *name != admin && !objects::DERIVED.contains(&kind.as_str()));
        for (id, (uid, _)) in kept {
            ensure!(after.get(id).is_some_and(|(now, _)| now == uid), "{id:?} is gone, or another one");
        }
        let deleted = self::deletes(fleet.cluster)?.split_off(deletes);
        ensure!(deleted.is_empty(), "{end:?} made the operator delete {deleted:#?}");
    }
    place.untouched().await
}

async fn what_is_not_seen_yet_is_neither_deleted_nor_made_anew(cluster: &'static Cluster) -> Result<()> {
    /// How late everything is seen but the instance itself.
    const LATE: Duration = Duration::from_secs(12);
    let place = Place::begin(cluster, "stale", 19_102).await?;
    let fleet = &place.fleet;
    place.rule(|asked| match asked.is_watch() && !asked.target.contains("/gatewayinstances") {
        true => Fate::Stream(End::Stalled(Duration::ZERO, LATE)),
        false => Fate::Pass,
    });
    place.proxy.cut();
    place.broken(1).await?;
    let stale = Instant::now();
    // What it wrote itself it has not seen, and goes on from there.
    for fields in 51..54 {
        fleet.patch(json!({"northSouth": {"limits": {"requestFields": fields}}})).await?;
        place.documented(fields).await?;
    }
    // A lane goes and comes again, all of it unseen.
    let class = fleet.class(LaneName::EastWest);
    let documents = Api::<ConfigMap>::namespaced(fleet.cluster.admin.clone(), &fleet.namespace);
    fleet.patch(json!({"eastWest": {"enabled": false}})).await?;
    wait_for("the end of a lane", SOON, async || {
        ensure!(documents.get_opt(&class).await?.is_none(), "its document is there");
        Ok(())
    })
    .await?;
    fleet.patch(json!({"eastWest": {"enabled": true}})).await?;
    let again = wait_for("the lane again", SOON, async || Ok(documents.get(&class).await?)).await?;
    ensure!(stale.elapsed() < LATE, "it took {:?}: what was to be shown late was shown by then", stale.elapsed());
    let before = deletes(fleet.cluster)?.len();
    place.rule(|_| Fate::Pass);
    fleet.wait_phase("Listening").await?;
    place.settles(53).await?;
    ensure!(documents.get(&class).await?.metadata.uid == again.metadata.uid, "the document was made anew");
    let deleted = deletes(fleet.cluster)?.split_off(before);
    ensure!(deleted.is_empty(), "deleted after the lane had come again: {deleted:#?}");
    place.untouched().await
}

async fn an_api_server_that_refuses_everything_is_asked_seldom(cluster: &'static Cluster) -> Result<()> {
    /// How long it refuses.
    const LONG: Duration = Duration::from_secs(10);
    /// Most requests meanwhile. One call that is told to come again in a second does so ten times, and both lanes call at once; without being
    /// told, the client's own pauses double from 5 ms.
    const MOST: usize = 80;
    let place = Place::begin(cluster, "refused", 19_103).await?;
    for (fields, status, again) in [(61, 429, Some(1)), (62, 500, None), (63, 503, None)] {
        let asked = Arc::new(Mutex::new(0));
        let count = Arc::clone(&asked);
        place.rule(move |asked| {
            if asked.is_watch() || asked.is_of_a_lease() {
                return Fate::Pass;
            }
            *count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            Fate::Refused(status, again)
        });
        place.fleet.patch(json!({"northSouth": {"limits": {"requestFields": fields}}})).await?;
        let begun = Instant::now();
        while begun.elapsed() < LONG {
            place.serves().await?;
            tokio::time::sleep(LONG / 20).await;
        }
        place.rule(|_| Fate::Pass);
        let asked = *asked.lock().unwrap_or_else(PoisonError::into_inner);
        eprintln!("an API server that answered {status} for {} s was asked {asked} times", LONG.as_secs());
        ensure!((1..MOST).contains(&asked), "asked {asked} times while it answered {status}");
        place.settles(fields).await.with_context(|| format!("{status}"))?;
    }
    place.untouched().await
}

async fn an_instance_whose_calls_are_slow_or_hang_holds_up_no_other(cluster: &'static Cluster) -> Result<()> {
    /// For a change of an instance whose own calls are quick.
    const QUICK: Duration = Duration::from_secs(8);
    let place = Place::begin(cluster, "slow", 19_104).await?;
    let other = Fleet::create(place.fleet.cluster, "brisk", SMALL).await?;
    other.wait_phase("Listening").await?;
    let name = place.fleet.name.clone();
    let faults: [(i32, Fate); 2] = [(71, Fate::Slow(Duration::from_secs(2))), (72, Fate::Hung)];
    for (fields, fault) in faults {
        let (name, hung) = (name.clone(), matches!(fault, Fate::Hung));
        place.rule(move |asked| {
            let concerns = asked.target.contains(&name) && !asked.is_watch() && !asked.target.contains("/events");
            if concerns { fault.clone() } else { Fate::Pass }
        });
        let limits = json!({"northSouth": {"limits": {"requestFields": fields}}});
        place.fleet.patch(limits.clone()).await?;
        other.patch(limits).await?;
        let begun = Instant::now();
        other.wait_phase("Listening").await?;
        ensure!(begun.elapsed() < QUICK, "the other instance took {:?}", begun.elapsed());
        place.serves().await?;
        if hung {
            // Its status hangs too, so it is the log that tells.
            place.operator.process.wait_log("no answer within 10 s", SOON).await?;
        }
        place.rule(|_| Fate::Pass);
        place.settles(fields).await?;
    }
    place.untouched().await
}

async fn a_list_that_never_comes_is_asked_for_again(cluster: &'static Cluster) -> Result<()> {
    /// The client waits for half a minute.
    const PATIENCE: Duration = Duration::from_secs(60);
    let place = Place::begin(cluster, "unlisted", 19_105).await?;
    let fleet = &place.fleet;
    let documents = Api::<ConfigMap>::namespaced(fleet.cluster.admin.clone(), &fleet.namespace);
    let lists = Arc::new(Mutex::new(0));
    let begun = Arc::clone(&lists);
    place.rule(move |asked| {
        let ours = asked.target.starts_with("/api/v1/configmaps?") && asked.target.contains("managed-by");
        if !ours {
            return Fate::Pass;
        }
        let mut lists = begun.lock().unwrap_or_else(PoisonError::into_inner);
        match (asked.is_watch(), *lists) {
            (true, 0) => Fate::Stream(End::Gone(Duration::ZERO)),
            (false, 0) => {
                *lists += 1;
                Fate::Hung
            }
            _ => Fate::Pass,
        }
    });
    place.proxy.cut();
    wait_for("a list that hangs", SOON, async || {
        ensure!(*lists.lock().unwrap_or_else(PoisonError::into_inner) == 1, "there is none");
        Ok(())
    })
    .await?;
    documents.delete(&fleet.class(LANE), &DeleteParams::default()).await?;
    // Everything else goes on.
    let other = fleet.class(LaneName::EastWest);
    Api::<Service>::namespaced(fleet.cluster.admin.clone(), &fleet.namespace)
        .delete(&other, &DeleteParams::default())
        .await?;
    let services = Api::<Service>::namespaced(fleet.cluster.admin.clone(), &fleet.namespace);
    wait_for("a Service that was deleted", SOON / 2, async || Ok(services.get(&other).await.map(|_| ())?)).await?;
    ensure!(documents.get_opt(&fleet.class(LANE)).await?.is_none(), "it was seen without a list");
    wait_for("the lane document that was deleted", PATIENCE, async || {
        Ok(documents.get(&fleet.class(LANE)).await.map(|_| ())?)
    })
    .await?;
    place.serves().await?;
    place.settles(100).await?;
    place.untouched().await
}

type Rule = Box<dyn Fn(&Asked) -> Fate + Send>;

/// An instance that serves, and its operator, whose way to the API server is spoilt by a rule.
struct Place {
    fleet: Fleet,
    gateways: BTreeMap<&'static str, Vec<std::net::SocketAddr>>,
    operator: Operator,
    proxy: Proxy,
    sky: Arc<Mutex<Sky>>,
    _shop: EchoBackend,
    _lone: Lone,
}

struct Sky {
    rule: Rule,
    /// How often each watch was begun under this rule.
    watches: BTreeMap<String, usize>,
}

impl Place {
    async fn begin(cluster: &'static Cluster, name: &str, port: u16) -> Result<Self> {
        let lone = Lone::take(cluster).await?;
        let sky = Arc::new(Mutex::new(Sky { rule: Box::new(|_| Fate::Pass), watches: BTreeMap::new() }));
        let above = Arc::clone(&sky);
        let weather = Arc::new(move |asked: &Asked| {
            let mut sky = above.lock().unwrap_or_else(PoisonError::into_inner);
            if asked.is_watch() {
                let path = asked.target.split('?').next().unwrap_or_default().to_owned();
                *sky.watches.entry(path).or_default() += 1;
            }
            (sky.rule)(asked)
        });
        let (operator, proxy) = Operator::start_through(lone.cluster, port, weather).await?;
        let fleet = Fleet::create(lone.cluster, name, SMALL).await?;
        let shop = backend(lone.cluster, &fleet.namespace, "shop").await?;
        route(lone.cluster, &fleet.namespace, "shop", &fleet.class(LANE), &format!("{name}.example"), "shop").await?;
        fleet.wait_phase("Listening").await?;
        fleet.wait_status(LANE, &format!("{name}.example"), 200).await?;
        let gateways = LaneName::ALL.map(|lane| (lane.slug(), fleet.gateways.of(lane))).into();
        Ok(Self { fleet, gateways, operator, proxy, sky, _shop: shop, _lone: lone })
    }

    fn rule(&self, rule: impl Fn(&Asked) -> Fate + Send + 'static) {
        let mut sky = self.sky();
        sky.rule = Box::new(rule);
        sky.watches.clear();
    }

    /// Awaits that every watch of something namespaced was begun this often under the rule.
    async fn broken(&self, times: usize) -> Result<()> {
        wait_for("watches that break", SOON, async || {
            let watches = self.sky().watches.clone();
            ensure!(watches.len() > 10 && watches.values().all(|begun| *begun >= times), "they were begun {watches:?}");
            Ok(())
        })
        .await
    }

    fn sky(&self) -> MutexGuard<'_, Sky> {
        self.sky.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The gateway answers now, not soon.
    async fn serves(&self) -> Result<()> {
        let host = format!("{}.example", self.fleet.name.rsplit_once('-').map_or("", |(name, _)| name));
        let answer = exchange::get(self.fleet.gateway(LANE)?, &host, "/").await?;
        ensure!(answer.status == 200, "the gateway answers {}", answer.status);
        Ok(())
    }

    /// Awaits a lane document with this limit.
    async fn documented(&self, fields: i32) -> Result<()> {
        let documents = Api::<ConfigMap>::namespaced(self.fleet.cluster.admin.clone(), &self.fleet.namespace);
        let wanted = format!("\"requestFields\":{fields}");
        wait_for(&format!("a lane document with {wanted}"), SETTLED, async || {
            let document = documents.get(&self.fleet.class(LANE)).await?;
            let text = document.data.unwrap_or_default().into_values().collect::<String>();
            ensure!(text.replace([' ', '\n'], "").contains(&wanted), "it is {text}");
            Ok(())
        })
        .await
    }

    /// Awaits that this limit is loaded and reported, soon after a fault.
    async fn settles(&self, fields: i32) -> Result<()> {
        let calm = Instant::now();
        self.documented(fields).await?;
        self.fleet.wait_phase("Listening").await?;
        ensure!(calm.elapsed() < SETTLED * 2, "it took {:?}", calm.elapsed());
        eprintln!("{} was as wanted {:.1} s after the fault", self.fleet.name, calm.elapsed().as_secs_f32());
        Ok(())
    }

    /// The gateways are those of the beginning.
    async fn untouched(&self) -> Result<()> {
        self.operator.process.ensure_running()?;
        self.serves().await?;
        let keyrings = Api::<Secret>::namespaced(self.fleet.cluster.admin.clone(), &self.fleet.namespace);
        keyrings.get(&bulkhead_plan::names::keyring(&self.fleet.name, LANE, 0)).await?;
        let gateway = self.fleet.gateways.of(LANE);
        ensure!(self.gateways.get(LANE.slug()) == Some(&gateway), "the gateways were replaced");
        Ok(())
    }
}

/// What the operator deleted.
fn deletes(cluster: &Cluster) -> Result<Vec<Write>> {
    let all = cluster.writes()?.into_iter();
    Ok(all.filter(|write| write.user.ends_with(":bulkhead-operator") && write.verb.starts_with("delete")).collect())
}
