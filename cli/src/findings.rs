//! `bulkhead findings`: everything that gateways cannot take literally.

use std::process::ExitCode;

use bulkhead_crds::finding::{Finding, Severity};
use bulkhead_crds::report::FindingsList;

use crate::args::AskArgs;
use crate::table::{align, printable};

/// Prints the findings of every gateway that is asked for.
pub(crate) fn run(arguments: &AskArgs) -> ExitCode {
    crate::ask::run(arguments, "/v1/findings", lines)
}

fn lines(list: &FindingsList) -> String {
    if list.findings.is_empty() {
        return "no findings: everything is served as written\n".to_owned();
    }
    let rows: Vec<[String; 5]> = list.findings.iter().map(row).collect();
    let mut text = align(["SEVERITY", "OBJECT", "FIELD", "CODE", "MESSAGE"], &rows);
    if list.left_out > 0 {
        text.push_str(&format!(
            "and {} more, of {} errors and {} warnings; the metric bulkhead_findings counts all by their codes\n",
            list.left_out, list.errors, list.warnings
        ));
    }
    text
}

fn row(finding: &Finding) -> [String; 5] {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let message = format!("{} {}", finding.message, finding.remedy);
    [severity, &finding.object.to_string(), &finding.field, &finding.code, &message].map(printable)
}

#[cfg(test)]
mod tests {
    use bulkhead_crds::finding::ObjectRef;

    use super::*;

    fn list(left_out: u32) -> FindingsList {
        let finding = Finding {
            object: ObjectRef::new("Ingress", "port", "quay"),
            field: "spec".to_owned(),
            severity: Severity::Error,
            code: "Code".to_owned(),
            message: "It says \u{1b}[2J.".to_owned(),
            remedy: "Remedy.".to_owned(),
        };
        FindingsList { identity: None, errors: 1 + left_out, warnings: 0, left_out, findings: vec![finding] }
    }

    #[test]
    fn a_finding_is_one_line_that_cannot_steer_the_terminal() {
        let expected = "SEVERITY  OBJECT             FIELD  CODE  MESSAGE\n\
                        error     Ingress port/quay  spec   Code  It says \u{fffd}[2J. Remedy.\n";
        assert_eq!(lines(&list(0)), expected);
    }

    #[test]
    fn what_is_not_listed_is_counted() {
        let text = lines(&list(7));
        assert!(
            text.ends_with(
                "\nand 7 more, of 8 errors and 0 warnings; the metric bulkhead_findings counts all by their codes\n"
            ),
            "{text}"
        );
        assert!(lines(&FindingsList::default()).starts_with("no findings"));
    }
}
