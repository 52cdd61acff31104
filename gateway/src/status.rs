//! What a gateway says of itself.

use bulkhead_crds::finding::{Finding, Severity};
use bulkhead_crds::report::{FINDINGS_SAMPLE, FindingsReport, GatewayReport, SOURCE_PROBLEMS_SAMPLE};

use crate::findings::Findings;
use crate::readiness::Readiness;
use crate::state::ControlState;

/// The report of a gateway whose control thread knows `state` and whose slowest data thread serves snapshot `served`.
#[must_use]
pub fn report(state: &ControlState, served: u64, draining: bool) -> GatewayReport {
    let readiness = Readiness::of(state, served, draining);
    let waiting_for = match &readiness {
        Readiness::Waiting(missing) => missing.join(", "),
        Readiness::Draining => "requests in flight to end".to_owned(),
        Readiness::Ready => state.waiting_for.join(", "),
    };
    GatewayReport {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        identity: state.identity.clone(),
        ready: readiness.is_ready(),
        draining,
        waiting_for,
        config_generation: served_generation(state, served),
        revision: at(&state.revisions, served).cloned().unwrap_or_default(),
        snapshot: served,
        classes: state.classes.clone(),
        ingresses: state.counts.ingresses,
        routes: state.counts.routes,
        endpoints: state.counts.endpoints,
        findings: findings(&state.findings),
        source_problems: state.source_problems.iter().take(SOURCE_PROBLEMS_SAMPLE).cloned().collect(),
    }
}

/// Generation of the lane document that snapshot `served` was made from; 0 before the first.
#[must_use]
pub fn served_generation(state: &ControlState, served: u64) -> i64 {
    at(&state.generations, served).copied().unwrap_or_default()
}

/// What was noted for snapshot `served`.
fn at<T>(notes: &[(u64, T)], served: u64) -> Option<&T> {
    notes.iter().rev().find(|(first, _)| *first <= served).map(|(_, what)| what)
}

/// Findings of a severity.
#[must_use]
pub fn count(findings: &[Finding], severity: Severity) -> usize {
    findings.iter().filter(|finding| finding.severity == severity).count()
}

fn findings(findings: &Findings) -> FindingsReport {
    let of = |severity| findings.iter().filter(move |finding| finding.severity == severity);
    let counted = |severity| u32::try_from(count(findings, severity)).unwrap_or(u32::MAX);
    FindingsReport {
        errors: counted(Severity::Error),
        warnings: counted(Severity::Warning),
        sample: of(Severity::Error).chain(of(Severity::Warning)).take(FINDINGS_SAMPLE).cloned().collect(),
        digest: findings.digest().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_crds::finding::ObjectRef;

    use super::*;

    fn finding(name: &str, severity: Severity) -> Finding {
        let object = ObjectRef::new("Ingress", "quay", name);
        let (field, code) = ("spec".to_owned(), "Example".to_owned());
        Finding { object, field, severity, code, message: String::new(), remedy: String::new() }
    }

    #[test]
    fn a_sample_shows_errors_before_warnings_and_counts_what_it_leaves_out() {
        let warnings = (0..20).map(|i| finding(&format!("a{i:02}"), Severity::Warning));
        let all: Vec<_> = warnings.chain([finding("z", Severity::Error)]).collect();
        let report = findings(&std::sync::Arc::<[_]>::from(all).into());
        assert_eq!((report.errors, report.warnings, report.sample.len()), (1, 20, FINDINGS_SAMPLE));
        assert_eq!(report.sample[0].object.name, "z");
    }

    #[test]
    fn generation_and_revision_are_those_of_the_snapshot_which_every_thread_serves() {
        let generations = vec![(1, 3), (5, 4)];
        let revisions = vec![(2, "a".to_owned()), (6, "b".to_owned())];
        let state = ControlState { generations, revisions, published: 6, ..ControlState::default() };
        for (served, generation, revision) in
            [(0, 0, ""), (1, 3, ""), (2, 3, "a"), (4, 3, "a"), (5, 4, "a"), (6, 4, "b")]
        {
            assert_eq!(served_generation(&state, served), generation, "snapshot {served}");
            let report = report(&state, served, false);
            assert_eq!(
                (report.config_generation, report.revision.as_str()),
                (generation, revision),
                "snapshot {served}"
            );
        }
    }
}
