//! What a lane finds about one Ingress that nothing else of the cluster can change: before it is stored, nobody knows what comes with it.

use std::collections::BTreeSet;
use std::sync::Arc;

use bulkhead_crds::finding::Finding;
use bulkhead_crds::lane::{LaneDocument, LaneScope, NamespaceSet};
use k8s_openapi::api::networking::v1::{Ingress, IngressSpec};
use rustls::RootCertStore;

use crate::code::FindingCode;
use crate::compiler::{Compiler, Options, PlatformRoots};
use crate::ingress::Declared;
use crate::object::Object;

/// The class under which the compiler is shown the Ingress.
const STAND_IN: &str = "alone";

/// What a host says of one Ingress without having looked at Services, Secrets, ConfigMaps or other Ingresses. All else that a host says
/// may be otherwise as soon as one of those comes or goes.
const OF_ITSELF: [FindingCode; 5] = [
    FindingCode::AnnotationUnreadable,
    FindingCode::BadExpression,
    FindingCode::DuplicatePath,
    FindingCode::NoRoomForExpression,
    FindingCode::ProtectionUnreadable,
];

/// Findings about `ingress` that a lane with these settings has whatever else there is, whether it serves the class or not, in order. A
/// Service that does not exist is none of them: it may be about to come.
#[must_use]
pub fn findings_alone(ingress: &Ingress, lane: LaneDocument) -> Vec<Finding> {
    let ownership = lane.scope.host_ownership;
    let mut lane =
        LaneDocument { scope: LaneScope { namespaces: NamespaceSet::All, host_ownership: ownership }, ..lane };
    lane.classes.own = String::new();
    lane.classes.also_serve = [STAND_IN.to_owned()].into();
    // Which authorities there are is for handshakes, and none is made here.
    let platform = Some(PlatformRoots(Arc::new(RootCertStore::empty())));
    let mut compiler = Compiler::new(Options { platform, ..Options::default() });
    compiler.set_lane(lane);
    let mut ingress = ingress.clone();
    ingress.spec.get_or_insert_with(IngressSpec::default).ingress_class_name = Some(STAND_IN.to_owned());
    let declared = Declared::read(&ingress);
    compiler.apply(Object::Ingress(Box::new(ingress)));
    let of_itself = |finding: &&Finding| {
        finding.object.kind == "Ingress" && OF_ITSELF.iter().any(|code| finding.code == code.as_str())
    };
    let compiled = compiler.compile().findings.unwrap_or_default();
    let all: BTreeSet<Finding> = compiled.iter().filter(of_itself).cloned().chain(declared.findings).collect();
    all.into_iter().collect()
}
