//! What a report may bring into a status. Pods are not trusted: one text that the schema of the status refuses would keep the whole status
//! from being written.

use bulkhead_crds::finding::Finding;
use bulkhead_crds::report::{FINDINGS_SAMPLE, GatewayReport, SOURCE_PROBLEMS_SAMPLE};
use bulkhead_crds::text::is_unseen;

/// Longest text that becomes part of a condition, in characters.
const SENTENCE: usize = 300;
/// Longest name of an object, and longest other text.
const NAME: usize = 253;
/// Most classes of a lane: its own, and the 16 of others that its specification can list.
const CLASSES: usize = 17;

/// `report` as far as it fits: texts without characters that nobody sees and cut to the lengths of the schema, lists cut, numbers not negative.
pub(super) fn bounded(mut report: GatewayReport) -> GatewayReport {
    cut(&mut report.version, NAME);
    cut(&mut report.revision, NAME);
    cut(&mut report.waiting_for, SENTENCE);
    report.config_generation = report.config_generation.max(0);
    report.classes.truncate(CLASSES);
    for class in &mut report.classes {
        cut(&mut class.name, NAME);
        cut(&mut class.reason, SENTENCE);
    }
    cut(&mut report.findings.digest, NAME);
    report.findings.sample.truncate(FINDINGS_SAMPLE);
    report.findings.sample.iter_mut().for_each(bound_finding);
    report.source_problems.truncate(SOURCE_PROBLEMS_SAMPLE);
    report.source_problems.iter_mut().for_each(|problem| cut(problem, SENTENCE));
    if let Some(identity) = &mut report.identity {
        for text in [&mut identity.namespace, &mut identity.instance, &mut identity.uid] {
            cut(text, NAME);
        }
    }
    report
}

/// Lengths as the schema of a finding has them.
pub(crate) fn bound_finding(finding: &mut Finding) {
    cut(&mut finding.object.kind, 63);
    cut(&mut finding.object.namespace, 63);
    cut(&mut finding.object.name, 253);
    cut(&mut finding.field, 256);
    cut(&mut finding.code, 64);
    cut(&mut finding.message, 1024);
    cut(&mut finding.remedy, 1024);
}

/// Length in characters, as the API server counts it.
fn cut(text: &mut String, length: usize) {
    *text = text.chars().filter(|character| !is_unseen(*character)).take(length).collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_does_not_reach_a_status() {
        let mut text = "a\u{202e}b\u{2028}c\u{200b}d\u{1b}e\u{e0041}ä한".to_owned();
        cut(&mut text, 6);
        assert_eq!(text, "abcdeä");
    }
}
