//! What a lane would make of Ingresses: the compiler says what it finds, the table of annotations what becomes of each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bulkhead_compile::annotation::{self, Row, State};
use bulkhead_compile::directives;
use bulkhead_compile::{Compiler, FindingCode, Object, Options, PlatformRoots, class_of};
use bulkhead_crds::finding::{Finding, Severity};
use bulkhead_crds::lane::{LaneDocument, LaneIdentity, Profile};
use bulkhead_crds::lane_spec::LaneSpec;
use bulkhead_crds::names::{CONTROLLER, LaneName};
use k8s_openapi::api::networking::v1::{Ingress, IngressSpec};
use rustls::RootCertStore;

use super::material::{Material, Place};
use super::settings;
use super::unread::Unread;
use super::verdict::{Audit, Beside, Counts, IngressReport, Item, Verdict};
use crate::table::printable;

/// The class under which the compiler is shown the Ingresses of each class in turn.
const STAND_IN: &str = "audited";

/// Judges every Ingress whose class is none of ours, or only those of the class `wanted`. Ingresses of different classes are served by
/// different controllers and know nothing of each other, so each class is judged by itself.
pub(crate) fn judge(material: &Material, wanted: Option<&str>) -> Audit {
    let texts = |set: &BTreeSet<String>| set.iter().cloned().collect();
    let mut audit = Audit {
        wanted: wanted.map(printable),
        problems: texts(&material.problems),
        remarks: texts(&material.remarks),
        ..Audit::default()
    };
    let mut classes: BTreeMap<&str, Vec<(&Place, &Ingress)>> = BTreeMap::new();
    for (place, ingress) in &material.ingresses {
        let class = class_of(ingress).unwrap_or_default();
        audit.classes.insert(printable(class));
        if wanted.map_or_else(|| !is_ours(material, class), |wanted| wanted == class) {
            classes.entry(class).or_default().push((place, ingress));
        }
    }
    let mut others = BTreeSet::new();
    for (class, ingresses) in classes {
        let findings = compile(material, &ingresses);
        for (place, ingress) in ingresses {
            let of = |finding: &&Finding| finding.object.kind == "Ingress" && is_about(finding, place);
            let findings: Vec<&Finding> = findings.iter().filter(of).collect();
            audit.ingresses.push(report(material, place, class, ingress, &findings));
        }
        others.extend(findings.into_iter().filter(|finding| finding.object.kind != "Ingress"));
    }
    audit.ingresses.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    for ingress in &audit.ingresses {
        audit.total.add(ingress.verdict);
        ingress.items.iter().for_each(|item| audit.items.add(item.verdict));
    }
    audit.others =
        others.iter().map(|finding| Beside { object: finding.object.to_string(), item: found(finding) }).collect();
    audit.controllers = settings::controllers(material, wanted);
    audit
}

fn is_ours(material: &Material, class: &str) -> bool {
    let spec = material.classes.get(class).and_then(|class| class.spec.as_ref());
    spec.and_then(|spec| spec.controller.as_deref()) == Some(CONTROLLER) || material.own_classes.contains(class)
}

fn is_about(finding: &Finding, (namespace, name): &Place) -> bool {
    finding.object.namespace == *namespace && finding.object.name == *name
}

/// What a lane finds that serves exactly these Ingresses.
fn compile(material: &Material, ingresses: &[(&Place, &Ingress)]) -> Vec<Finding> {
    let identity = LaneIdentity {
        namespace: "bulkhead-audit".to_owned(),
        instance: "audit".to_owned(),
        uid: "audit".to_owned(),
        lane: LaneName::NorthSouth,
    };
    let mut lane = LaneDocument::of(identity, "bulkhead-audit", &LaneSpec::default());
    lane.profile = Profile::IngressNginx;
    lane.classes.also_serve = [STAND_IN.to_owned()].into();
    // Which authorities there are is for handshakes, and none is made here: the image of a gateway has those of its platform, whatever
    // this machine has.
    let platform = Some(PlatformRoots(Arc::new(RootCertStore::empty())));
    let mut compiler = Compiler::new(Options { loopback_endpoints: true, platform, ..Options::default() });
    compiler.set_lane(lane);
    material.objects.iter().for_each(|object| compiler.apply(object.clone()));
    for (_, ingress) in ingresses {
        let mut ingress = (*ingress).clone();
        ingress.spec.get_or_insert_with(IngressSpec::default).ingress_class_name = Some(STAND_IN.to_owned());
        compiler.apply(Object::Ingress(Box::new(ingress)));
    }
    let findings = compiler.compile().findings.unwrap_or_default();
    findings.iter().filter(|finding| is_wanted(material, finding)).cloned().collect()
}

/// Endpoints come and go whoever serves, and Services that were not read are not missing.
fn is_wanted(material: &Material, finding: &Finding) -> bool {
    let is = |code: FindingCode| finding.code == code.as_str();
    !is(FindingCode::NoEndpoints) && (material.has_services || !is(FindingCode::ServiceNotFound))
}

fn report(material: &Material, place: &Place, class: &str, ingress: &Ingress, findings: &[&Finding]) -> IngressReport {
    let unread = Unread::of(material, place, ingress);
    let mut items = Vec::new();
    let mut told = BTreeSet::new();
    for (key, value) in ingress.metadata.annotations.iter().flatten() {
        let of_key: Vec<&Finding> =
            findings.iter().copied().filter(|finding| finding.field == printable(key)).collect();
        let row = key.strip_prefix(annotation::PREFIX).and_then(annotation::row);
        if row.is_none() && of_key.is_empty() && !annotation::is_off(key, value) {
            continue;
        }
        told.insert(printable(key));
        items.push(unread.about(key, value).unwrap_or_else(|| annotated(key, value, ingress, row, &of_key)));
    }
    let fields = findings.iter().filter(|finding| !told.contains(&finding.field));
    items.extend(fields.map(|finding| unread.about_field(finding).unwrap_or_else(|| found(finding))));
    items.sort_by(|a, b| b.verdict.cmp(&a.verdict).then_with(|| a.field.cmp(&b.field)));
    let mut counts = Counts::default();
    items.iter().for_each(|item| counts.add(item.verdict));
    IngressReport {
        namespace: printable(&place.0),
        name: printable(&place.1),
        class: printable(class),
        verdict: items.iter().map(|item| item.verdict).max().unwrap_or(Verdict::Honoured),
        counts,
        items,
    }
}

/// What becomes of one annotation.
fn annotated(key: &str, value: &str, ingress: &Ingress, row: Option<&Row>, findings: &[&Finding]) -> Item {
    let mut item = judged(key, value, ingress, row, findings);
    if directives::holds_directives(key) && item.verdict == Verdict::Refused {
        item.directives = directives::in_snippet(value).into_iter().map(Into::into).collect();
    }
    item
}

fn judged(key: &str, value: &str, ingress: &Ingress, row: Option<&Row>, findings: &[&Finding]) -> Item {
    let item = |verdict, message: &str, remedy: &str| Item {
        field: printable(key),
        verdict,
        code: findings.first().map(|finding| finding.code.clone()),
        message: message.to_owned(),
        remedy: remedy.to_owned(),
        directives: Vec::new(),
    };
    if let Some(first) = row.filter(|row| findings.is_empty() && is_second(row, key, ingress)) {
        return item(Verdict::Ignored, &format!("The annotation {} is written as well, and counts.", first.name), "");
    }
    let worst = findings.iter().max_by_key(|finding| verdict(finding));
    match (row.map(|row| row.state), worst) {
        (_, None) if annotation::is_off(key, value) => {
            item(Verdict::Honoured, "It is off, so it asks for nothing.", "")
        }
        // What to do instead is for the Ingress whose traffic the canary shares.
        (Some(State::Ignored(instead) | State::Refused(instead)), Some(finding))
            if !is(finding, FindingCode::AnnotationOnCanary) =>
        {
            item(verdict(finding), &finding.message, instead)
        }
        (_, Some(finding)) => Item { directives: Vec::new(), field: printable(key), ..found(finding) },
        (Some(State::Obeyed) | None, None) => item(Verdict::Honoured, "", ""),
        (Some(State::Implied(why)), None) => item(Verdict::Honoured, why, ""),
        (Some(State::Approximated(_)), None) => match row.and_then(|row| annotation::difference(row, value)) {
            Some(difference) => item(Verdict::Approximated, difference, ""),
            None => item(Verdict::Honoured, "", ""),
        },
        (Some(State::Ignored(instead)), None) => item(Verdict::Ignored, "", instead),
        (Some(State::Refused(instead)), None) => item(Verdict::Refused, "", instead),
    }
}

/// Whether a second name is written beside the first, which counts unless it is empty.
fn is_second(row: &Row, key: &str, ingress: &Ingress) -> bool {
    let first = format!("{}{}", annotation::PREFIX, row.name);
    let counts = |value: &str| !value.trim().is_empty();
    key != first && ingress.metadata.annotations.iter().flatten().any(|(other, value)| *other == first && counts(value))
}

fn is(finding: &Finding, code: FindingCode) -> bool {
    finding.code == code.as_str()
}

/// What a finding means to whoever moves.
fn verdict(finding: &Finding) -> Verdict {
    let without =
        [FindingCode::AnnotationNotServed, FindingCode::AnnotationOnCanary, FindingCode::AnnotationUnreadable];
    let without = without.into_iter().any(|code| is(finding, code));
    match finding.severity {
        _ if is(finding, FindingCode::CanaryNotServed) => Verdict::Refused,
        Severity::Error => Verdict::Refused,
        Severity::Warning if without => Verdict::Ignored,
        Severity::Warning => Verdict::Approximated,
    }
}

fn found(finding: &Finding) -> Item {
    Item {
        field: finding.field.clone(),
        verdict: verdict(finding),
        code: Some(finding.code.clone()),
        message: finding.message.clone(),
        remedy: finding.remedy.clone(),
        directives: Vec::new(),
    }
}
