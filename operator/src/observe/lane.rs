//! One lane: its live objects and what its pods say, as conditions.

use bulkhead_crds::names::LaneName;
use bulkhead_crds::reason;
use bulkhead_crds::report::{FindingsReport, GatewayReport};
use bulkhead_crds::service::ServiceType;
use bulkhead_crds::status::{ADDRESSES, LaneStatus};
use bulkhead_crds::text::is_unseen;
use bulkhead_plan::keyring::RefusedEntry;
use bulkhead_plan::labels::ANNOTATION_ROLLED_BACK;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition};
use k8s_openapi::api::core::v1::{Service, ServiceStatus};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::findings;
use crate::conditions::Verdict;

/// What was seen of one lane.
#[derive(Clone, Debug)]
pub struct LaneSeen {
    /// Which lane.
    pub lane: LaneName,
    /// UID of the instance: a report of another one is not believed.
    pub instance_uid: String,
    /// Name of its IngressClass.
    pub class: String,
    /// Kind of its traffic Service.
    pub service_type: ServiceType,
    /// The lane document that its pods should have loaded; nothing when it was never written.
    pub wanted: Option<Wanted>,
    /// How many pods may be missing, as its disruption budget says.
    pub max_unavailable: Option<IntOrString>,
    /// Live Deployment.
    pub deployment: Option<Deployment>,
    /// Live traffic Service.
    pub service: Option<Service>,
    /// What the cluster says of why that has no address yet, as a sentence; nothing when it has one, or nobody says anything.
    pub address_trouble: Option<String>,
    /// Addresses of the nodes that its pods run on.
    pub nodes: Vec<String>,
    /// Pods that are not being deleted, in order of their names.
    pub pods: Vec<PodSeen>,
    /// Why objects of the lane could not be applied, as sentences; empty when all were.
    pub apply_failures: Vec<String>,
    /// What of the Secrets that the lane's Ingresses refer to its gateways do not get.
    pub refused: Vec<RefusedEntry>,
    /// Namespaces of others that the lane cannot read and why, as sentences. The rest of the lane is as planned.
    pub closed_namespaces: Vec<String>,
    /// The image that it will take when it is its turn; nothing when it has what it should have.
    pub next_image: Option<String>,
}

/// A lane document, by what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The one that was planned, by its revision.
    Revision(String),
    /// The one that was left in place, by its generation, as it was last seen loaded.
    Generation(i64),
}

impl Wanted {
    fn is_loaded(&self, report: &GatewayReport) -> bool {
        match self {
            Self::Revision(revision) => report.revision == *revision,
            Self::Generation(generation) => report.config_generation >= *generation,
        }
    }
}

/// One pod and what it says.
#[derive(Clone, Debug)]
pub struct PodSeen {
    /// Name.
    pub name: String,
    /// Whether its condition Ready is True.
    pub ready: bool,
    /// Its report; why there is none, as a sentence, otherwise.
    pub report: Result<GatewayReport, String>,
}

/// The verdicts on one lane.
#[derive(Clone, Debug)]
pub struct LaneVerdicts {
    /// Enough pods.
    pub available: Verdict,
    /// Latest pod template everywhere.
    pub rolled_out: Verdict,
    /// Reachable.
    pub exposed: Verdict,
    /// Latest configuration everywhere.
    pub config_loaded: Verdict,
    /// Whether pods are being brought up or replaced and their deadline has not passed: what is missing meanwhile is no fault.
    pub settling: bool,
}

impl LaneSeen {
    /// Whether pods are missing of those that there should be.
    pub(super) fn is_short_of_pods(&self) -> bool {
        let Some(deployment) = &self.deployment else { return false };
        let ready = deployment.status.as_ref().and_then(|status| status.ready_replicas).unwrap_or_default();
        ready < wanted(deployment)
    }
}

/// Judges one lane.
#[must_use]
pub(super) fn judge(seen: &LaneSeen) -> LaneVerdicts {
    LaneVerdicts {
        available: available(seen),
        rolled_out: rolled_out(seen),
        exposed: exposed(seen),
        config_loaded: config_loaded(seen),
        settling: refused_pods(seen.deployment.as_ref()).is_none()
            && progress(seen.deployment.as_ref()).is_none_or(|progress| {
                progress.status == "True" && progress.reason.as_deref() != Some("NewReplicaSetAvailable")
            }),
    }
}

impl LaneVerdicts {
    /// In the order in which they are written.
    #[must_use]
    pub fn list(&self) -> [Verdict; 4] {
        [self.available.clone(), self.rolled_out.clone(), self.exposed.clone(), self.config_loaded.clone()]
    }

    /// Whether at least one pod serves.
    #[must_use]
    pub fn has_pods(&self) -> bool {
        self.available.holds() || self.available.is(&reason::TOO_FEW_AVAILABLE)
    }
}

/// The part of a lane's status that counts and names, without conditions.
#[must_use]
pub(super) fn facts(seen: &LaneSeen) -> LaneStatus {
    let status = seen.deployment.as_ref().and_then(|deployment| deployment.status.as_ref());
    let count = |field: Option<i32>| field.unwrap_or_default().max(0);
    let ready_replicas = status.map_or(0, |status| count(status.ready_replicas));
    let replicas = seen.deployment.as_ref().map_or(0, wanted);
    let reports: Vec<_> = reports(seen).collect();
    let most = |field: fn(&GatewayReport) -> u32| {
        i32::try_from(reports.iter().map(|report| field(report)).max().unwrap_or_default()).unwrap_or(i32::MAX)
    };
    let loaded_generation = reports.iter().map(|report| report.config_generation).min();
    LaneStatus {
        ingress_class: seen.class.clone(),
        image: image(seen.deployment.as_ref()),
        ready: format!("{ready_replicas}/{replicas}"),
        replicas,
        ready_replicas,
        updated_replicas: status.map_or(0, |status| count(status.updated_replicas)),
        addresses: addresses(seen),
        ingresses: most(|report| report.ingresses),
        routes: most(|report| report.routes),
        findings: findings::all(&seen.refused, reported_findings(seen)),
        config_generation: loaded_generation.filter(|_| config_loaded(seen).holds()),
        ..LaneStatus::new(seen.lane)
    }
}

/// What the lane's gateways report of findings. Any pod's would do, for equal input gives equal findings; the newest configuration is the one
/// to speak of.
#[must_use]
pub fn reported_findings(seen: &LaneSeen) -> Option<&FindingsReport> {
    reports(seen).max_by_key(|report| report.config_generation).map(|report| &report.findings)
}

fn available(seen: &LaneSeen) -> Verdict {
    let Some(deployment) = &seen.deployment else { return Verdict::plain(reason::AVAILABLE_UNKNOWN) };
    let Some(status) = deployment.status.as_ref().filter(|status| status.observed_generation.is_some()) else {
        return Verdict::plain(reason::AVAILABLE_UNKNOWN);
    };
    let wanted = wanted(deployment);
    let ready = status.ready_replicas.unwrap_or_default();
    let refused = refused_pods(Some(deployment)).map(|why| format!(" Pods are refused: {}", sentence(&why)));
    let detail = format!("{ready} of {wanted} pods are ready.{}", refused.unwrap_or_default());
    if wanted == 0 {
        Verdict::plain(reason::SCALED_TO_ZERO)
    } else if ready <= 0 {
        Verdict::with(reason::NO_PODS_AVAILABLE, detail)
    } else if ready < wanted - missing_allowed(seen.max_unavailable.as_ref(), wanted) {
        Verdict::with(reason::TOO_FEW_AVAILABLE, detail)
    } else {
        Verdict::plain(reason::MINIMUM_AVAILABLE)
    }
}

fn rolled_out(seen: &LaneSeen) -> Verdict {
    let mut verdict = rollout(seen);
    if !seen.closed_namespaces.is_empty() {
        let closed = format!("Ingresses of some namespaces are not served: {}", seen.closed_namespaces.join(" "));
        verdict.detail =
            [verdict.detail, closed].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    }
    verdict
}

fn rollout(seen: &LaneSeen) -> Verdict {
    if !seen.apply_failures.is_empty() {
        return Verdict::with(reason::LANE_APPLY_FAILED, seen.apply_failures.join(" "));
    }
    let Some(deployment) = &seen.deployment else { return Verdict::plain(reason::ROLLED_OUT_UNKNOWN) };
    let status = deployment.status.clone().unwrap_or_default();
    if status.observed_generation < deployment.metadata.generation || status.observed_generation.is_none() {
        return Verdict::plain(reason::ROLLED_OUT_UNKNOWN);
    }
    if let Some(image) = rolled_back(deployment) {
        return Verdict::with(reason::ROLLED_BACK, format!("It asked for the image {}.", bounded(image)));
    }
    let progress = progress(Some(deployment));
    let updated = status.updated_replicas.unwrap_or_default();
    let all = status.replicas.unwrap_or_default();
    match progress.and_then(|progress| progress.reason.as_deref()) {
        Some("ProgressDeadlineExceeded") => {
            let detail = progress.and_then(|progress| progress.message.clone()).unwrap_or_default();
            Verdict::with(reason::PROGRESS_DEADLINE_EXCEEDED, sentence(&detail))
        }
        Some("NewReplicaSetAvailable") if updated == all => Verdict::plain(reason::ROLLED_OUT),
        _ if wanted(deployment) == 0 && updated == all => Verdict::plain(reason::ROLLED_OUT),
        _ => Verdict::with(reason::ROLLOUT_UNDER_WAY, format!("{updated} of {} pods are new.", wanted(deployment))),
    }
}

/// The image of the template that a Deployment went back from.
fn rolled_back(deployment: &Deployment) -> Option<&String> {
    deployment.metadata.annotations.as_ref()?.get(ANNOTATION_ROLLED_BACK)
}

fn exposed(seen: &LaneSeen) -> Verdict {
    match (seen.service_type, &seen.service) {
        (ServiceType::None, _) => Verdict::plain(reason::EXPOSED_BY_USER),
        (_, None) => Verdict::plain(reason::EXPOSED_UNKNOWN),
        (_, Some(_)) if !addresses(seen).is_empty() => Verdict::plain(reason::ADDRESS_ASSIGNED),
        (_, Some(_)) => match &seen.address_trouble {
            Some(trouble) => Verdict::with(reason::ADDRESS_PENDING, sentence(trouble)),
            None => Verdict::plain(reason::ADDRESS_PENDING),
        },
    }
}

fn config_loaded(seen: &LaneSeen) -> Verdict {
    let ready: Vec<_> = seen.pods.iter().filter(|pod| pod.ready).collect();
    if ready.is_empty() {
        return Verdict::plain(reason::NO_READY_PODS);
    }
    let mut behind = Vec::new();
    let mut silent = Vec::new();
    for pod in &ready {
        let report = match believed(seen, pod) {
            Ok(report) => report,
            Err(why) => {
                silent.push(format!("{}: {}", pod.name, sentence(&why)));
                continue;
            }
        };
        let class = report.classes.iter().find(|class| class.name == seen.class);
        if let Some(class) = class.filter(|class| !class.served) {
            return Verdict::with(reason::CLASS_NOT_OWNED, format!("{}: {}", pod.name, sentence(&class.reason)));
        }
        let current = seen.wanted.as_ref().is_some_and(|wanted| wanted.is_loaded(report));
        if !report.ready || !current || class.is_none() {
            behind.push(format!("{} {}", pod.name, waits_for(report)));
        }
    }
    match (behind.first(), silent.first()) {
        (Some(first), _) => Verdict::with(
            reason::LOAD_UNDER_WAY,
            format!("{} of {} pods are behind; {first}", behind.len(), ready.len()),
        ),
        (None, Some(first)) => Verdict::with(
            reason::PODS_UNREACHABLE,
            format!("{} of {} pods did not answer; {first}", silent.len(), ready.len()),
        ),
        (None, None) => unread(seen).map_or(Verdict::plain(reason::LOADED), |text| Verdict::with(reason::LOADED, text)),
    }
}

/// What pods that have loaded everything else cannot read, such as a namespace or an object: what they last knew of it they serve.
fn unread(seen: &LaneSeen) -> Option<String> {
    let short_of = |pod: &&PodSeen| believed(seen, pod).is_ok_and(|report| !report.source_problems.is_empty());
    let pods: Vec<_> = seen.pods.iter().filter(|pod| pod.ready).filter(short_of).collect();
    let (first, ready) = (pods.first()?, seen.pods.iter().filter(|pod| pod.ready).count());
    let report = first.report.as_ref().ok()?;
    let problem = sentence(report.source_problems.first()?);
    let more = match report.source_problems.len() {
        0 | 1 => String::new(),
        many => format!(" And {} more.", many - 1),
    };
    Some(format!("{} of {ready} pods cannot read everything; {}: {problem}{more}", pods.len(), first.name))
}

fn waits_for(report: &GatewayReport) -> String {
    if report.waiting_for.is_empty() {
        format!("serves by generation {}, but not by all of the latest lane document.", report.config_generation)
    } else {
        format!("waits: {}", sentence(&report.waiting_for))
    }
}

/// Reports of ready pods, as far as there are any and they speak of this lane.
fn reports(seen: &LaneSeen) -> impl Iterator<Item = &GatewayReport> {
    seen.pods.iter().filter(|pod| pod.ready).filter_map(|pod| believed(seen, pod).ok())
}

/// The report of a pod, if it is one of this lane: addresses are reused, and another's report must not speak for this one.
fn believed<'a>(seen: &LaneSeen, pod: &'a PodSeen) -> Result<&'a GatewayReport, String> {
    let report = pod.report.as_ref().map_err(Clone::clone)?;
    match &report.identity {
        Some(identity) if identity.uid == seen.instance_uid && identity.lane == seen.lane => Ok(report),
        Some(identity) => Err(format!(
            "it answers for the {} lane of {}/{} instead",
            identity.lane,
            bounded(&identity.namespace),
            bounded(&identity.instance)
        )),
        None if report.ready => Err("it says that it is ready, but not of which lane".to_owned()),
        None => Ok(report),
    }
}

/// Addresses at which clients reach the lane: those of the load balancer, of the nodes, or those inside the cluster.
fn addresses(seen: &LaneSeen) -> Vec<String> {
    let Some(service) = &seen.service else { return Vec::new() };
    if seen.service_type == ServiceType::LoadBalancer {
        return service.status.as_ref().map(balancer_addresses).unwrap_or_default();
    }
    if seen.service_type == ServiceType::NodePort && !seen.nodes.is_empty() {
        return seen.nodes.clone();
    }
    let spec = service.spec.clone().unwrap_or_default();
    let ips = spec.cluster_ips.or_else(|| spec.cluster_ip.map(|ip| vec![ip])).unwrap_or_default();
    ips.into_iter().filter(|ip| !ip.is_empty() && ip != "None").take(ADDRESSES).collect()
}

fn balancer_addresses(status: &ServiceStatus) -> Vec<String> {
    let ingress = status.load_balancer.iter().flat_map(|balancer| balancer.ingress.iter().flatten());
    let addresses = ingress.flat_map(|ingress| [ingress.ip.clone(), ingress.hostname.clone()]);
    addresses.flatten().filter(|address| !address.is_empty() && address.len() <= 253).take(ADDRESSES).collect()
}

/// Replicas that are wanted now: an autoscaler may have changed them.
fn wanted(deployment: &Deployment) -> i32 {
    deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1).max(0)
}

fn missing_allowed(budget: Option<&IntOrString>, wanted: i32) -> i32 {
    match budget {
        Some(IntOrString::Int(count)) => (*count).max(0),
        // Rounded up, as the controller of disruption budgets does.
        Some(IntOrString::String(percent)) => percent
            .strip_suffix('%')
            .and_then(|percent| percent.parse::<i32>().ok())
            .map_or(0, |percent| (wanted * percent.clamp(0, 100) + 99) / 100),
        None => 0,
    }
}

fn progress(deployment: Option<&Deployment>) -> Option<&DeploymentCondition> {
    condition(deployment, "Progressing")
}

/// Why the API server takes no pods: a quota, Pod Security, a webhook of somebody else.
fn refused_pods(deployment: Option<&Deployment>) -> Option<String> {
    let message =
        condition(deployment, "ReplicaFailure").filter(|failure| failure.status == "True")?.message.as_ref()?;
    // It begins with the name of a pod that never came to be, and of which every try has another.
    let why = message.strip_prefix("pods \"").and_then(|rest| rest.split_once("\" is "));
    Some(why.map_or(message.as_str(), |(_, why)| why).to_owned())
}

fn condition<'a>(deployment: Option<&'a Deployment>, of: &str) -> Option<&'a DeploymentCondition> {
    let conditions = deployment?.status.as_ref()?.conditions.as_ref()?;
    conditions.iter().find(|condition| condition.type_ == of)
}

fn image(deployment: Option<&Deployment>) -> String {
    let spec = deployment.and_then(|deployment| deployment.spec.as_ref()?.template.spec.as_ref());
    let container = spec.and_then(|spec| spec.containers.first());
    container.and_then(|container| container.image.clone()).filter(|image| image.len() <= 512).unwrap_or_default()
}

/// `text` as a sentence of bounded length.
fn sentence(text: &str) -> String {
    let text = bounded(text);
    if text.is_empty() || text.ends_with('.') { text } else { format!("{text}.") }
}

/// What pods say ends up in a status that people read on terminals: nothing that nobody sees, no novels.
fn bounded(text: &str) -> String {
    text.chars().filter(|character| !is_unseen(*character)).take(300).collect()
}
