//! Findings of a lane: what the operator kept from its gateways, then what those report.

use bulkhead_compile::FindingCode;
use bulkhead_crds::finding::{Finding, ObjectRef};
use bulkhead_crds::report::{FINDINGS_SAMPLE, FindingsReport};
use bulkhead_crds::status::FindingsStatus;
use bulkhead_plan::keyring::RefusedEntry;

/// All of them counted, the first few in full. Equal input gives equal findings.
pub(super) fn all(refused: &[RefusedEntry], reported: Option<&FindingsReport>) -> FindingsStatus {
    let count = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let told = reported.into_iter().flat_map(|reported| reported.sample.iter().cloned());
    FindingsStatus {
        errors: count(reported.map_or(0, |reported| reported.errors))
            .saturating_add(i32::try_from(refused.len()).unwrap_or(i32::MAX)),
        warnings: count(reported.map_or(0, |reported| reported.warnings)),
        sample: refused.iter().map(not_copied).chain(told).take(FINDINGS_SAMPLE).collect(),
    }
}

/// Names and keys of Secrets are bounded by the API server, so the texts fit the schema.
fn not_copied(refused: &RefusedEntry) -> Finding {
    let code = FindingCode::SecretNotCopied;
    Finding {
        object: ObjectRef::new("Secret", &refused.entry.namespace, &refused.entry.name),
        field: format!("data[{}]", refused.entry.key).chars().take(256).collect(),
        severity: code.severity(),
        code: code.as_str().to_owned(),
        message: format!("Gateways do not get this value: {}.", refused.why),
        remedy: code.remedy().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_plan::keyring::{EntryName, RefusedBecause};

    use super::*;

    #[test]
    fn what_gateways_do_not_get_is_counted_and_told_before_what_they_report() {
        let entry = |n: usize| EntryName::new("team", &format!("web-{n:02}"), "tls.crt");
        let refused = |count: usize| -> Vec<_> {
            (0..count).map(|n| RefusedEntry { entry: entry(n), why: RefusedBecause::WrongType }).collect()
        };
        let own = not_copied(&refused(1)[0]);
        let reported = FindingsReport { errors: 2, warnings: 3, sample: vec![own.clone(), own], digest: String::new() };
        let few = all(&refused(1), Some(&reported));
        assert_eq!((few.errors, few.warnings, few.sample.len()), (3, 3, 3));
        assert_eq!(few.sample[0].object.to_string(), "Secret team/web-00");
        assert!(few.sample[0].message.contains("kubernetes.io/tls"), "{:?}", few.sample[0]);
        let many = all(&refused(40), Some(&reported));
        assert_eq!((many.errors, many.sample.len()), (42, FINDINGS_SAMPLE));
        assert_eq!(all(&[], None), FindingsStatus::default());
    }
}
