//! The page of the annotations of ingress-nginx: one table per group. In: the table that the compiler reads by. Out: Markdown.

use std::fmt::Write as _;

use bulkhead_compile::annotation::{self, Group, Row, Scope, State};

use super::{HEADER, cell};

/// What the states mean, in the order of how much is kept.
const STATES: [(&str, &str); 5] = [
    ("obeyed", "It does what it does with ingress-nginx."),
    ("approximated", "It does so, but for the difference that the table names."),
    ("implied", "It asks for nothing that is not so anyway."),
    ("ignored", "It does nothing, and routes are served without it. The Ingress gets a finding."),
    (
        "refused",
        "It may ask for a protection that is not offered: every route of the Ingress answers 503, and the Ingress gets a finding.",
    ),
];

/// What becomes of every annotation.
pub(super) fn page() -> String {
    let mut page = format!(
        "{HEADER}# Annotations of ingress-nginx\n\nWhat becomes of each annotation `nginx.ingress.kubernetes.io/NAME`. All of them are known by \
         name; none is left aside in silence. `bulkhead audit` says the same of your own manifests ([Moving from \
         ingress-nginx](ingress-nginx.md)).\n\n| state | meaning |\n|---|---|\n"
    );
    for (state, meaning) in STATES {
        let _ = writeln!(page, "| {state} | {meaning} |");
    }
    page.push_str(
        "\nA value that cannot be read never makes an Ingress vanish: it is as if the annotation were not written, or, where it protects \
         something, the routes of the Ingress answer 503. Either way the Ingress gets a [finding](reference/findings.md). An empty value asks for nothing, and neither does a snippet of comments alone. *Per host* means that an annotation \
         holds for all of a host, routes of other Ingresses included; the oldest Ingress of the host counts.\n\nA name with this prefix that is in none of \
         the tables may ask for anything, so it is taken like a refused one, also when it is a slip of the pen: every route of the Ingress answers 503, \
         and the finding `PolicyNotServed` says which known name is near. Only a few of former versions that protected nothing, such as \
         `enable-opentracing`, are ignored.\n",
    );
    for (group, title) in GROUPS {
        let _ = write!(page, "\n## {title}\n\n| annotation | state | |\n|---|---|---|\n");
        annotation::rows().filter(|row| row.group == group).for_each(|row| line(&mut page, row));
    }
    page
}

const GROUPS: [(Group, &str); 9] = [
    (Group::Routing, "Paths, rewrites and redirects"),
    (Group::Tls, "HTTPS and client certificates"),
    (Group::Backend, "What is spoken with backends"),
    (Group::Canary, "Canaries"),
    (Group::Balancing, "Which endpoint is asked"),
    (Group::Authentication, "Authentication"),
    (Group::Access, "Access lists, limits, cross-origin requests"),
    (Group::Proxying, "Bounds, retries, fields and copies"),
    (Group::Observation, "Logs, traces, firewalls and snippets"),
];

fn line(page: &mut String, row: &Row) {
    let alias = row.alias.map(|alias| format!(" (also `{alias}`)")).unwrap_or_default();
    let scope = match row.scope {
        Scope::Route => "",
        Scope::Host => ", per host",
    };
    let (state, sentence) = word(row.state);
    let _ = writeln!(page, "| `{}`{alias} | {state}{scope} | {} |", row.name, cell(sentence));
}

/// A state as a word, and its sentence if it has one.
const fn word(state: State) -> (&'static str, &'static str) {
    match state {
        State::Obeyed => ("obeyed", ""),
        State::Approximated(difference) => ("approximated", difference),
        State::Implied(why) => ("implied", why),
        State::Ignored(instead) => ("ignored", instead),
        State::Refused(instead) => ("refused", instead),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_annotation_stands_once_in_the_page() {
        let page = page();
        for row in annotation::rows() {
            assert_eq!(page.matches(&format!("\n| `{}`", row.name)).count(), 1, "{}", row.name);
        }
        assert_eq!(annotation::rows().count(), 136, "the page says that all are known");
    }

    #[test]
    fn every_state_that_is_not_plain_says_why_or_what_to_do() {
        for row in annotation::rows() {
            let (state, sentence) = word(row.state);
            assert_eq!(sentence.is_empty(), state == "obeyed", "{}", row.name);
            assert!(sentence.is_empty() || sentence.ends_with('.') && !sentence.contains('\n'), "{}", row.name);
        }
    }
}
