//! Annotations that say more of what another one asks for, and nothing by themselves.

use std::collections::BTreeMap;

use super::reader::parse_bool;
use super::row::PREFIX;
use crate::code::FindingCode;
use crate::findings::{Notes, quote};

/// What the first ones change nothing without: any of the second ones.
type Group = (&'static [&'static str], &'static [&'static str]);

/// Of ingress-nginx. A star stands for any end.
const GROUPS: [Group; 11] = [
    (
        &[
            "auth-always-set-cookie",
            "auth-cache-duration",
            "auth-cache-key",
            "auth-keepalive*",
            "auth-method",
            "auth-request-redirect",
            "auth-response-headers",
            "auth-signin",
            "auth-signin-redirect-param",
        ],
        &["auth-url"],
    ),
    (&["canary-*"], &["canary"]),
    (&["cors-*"], &["enable-cors"]),
    (&["limit-allowlist", "limit-whitelist"], &["limit-connections", "limit-rpm", "limit-rps"]),
    (&["limit-burst-multiplier"], &["limit-rpm", "limit-rps"]),
    (&["limit-rate-after"], &["limit-rate"]),
    (&["mirror-host", "mirror-request-body"], &["mirror-target"]),
    (&["permanent-redirect-code"], &["permanent-redirect"]),
    (&["session-cookie-*"], &["affinity"]),
    (&["temporal-redirect-code"], &["temporal-redirect"]),
    (&["x-forwarded-prefix"], &["rewrite-target"]),
];

/// Notes annotations without the one that they belong to: somebody meant to have what they say.
pub(super) fn note(annotations: &BTreeMap<String, String>, notes: &mut Notes<'_>) {
    let asks = |name: &&str| {
        // A limit of `0` is written, and a word of Go for false as well.
        let is_switch = matches!(*name, "canary" | "enable-cors");
        let value = annotations.get(&format!("{PREFIX}{name}")).map(|value| value.trim()).unwrap_or_default();
        !(value.is_empty() || is_switch && parse_bool(value) == Some(false))
    };
    for (key, value) in annotations {
        let Some(name) = key.strip_prefix(PREFIX).filter(|_| !value.trim().is_empty()) else { continue };
        let Some((_, needed)) = GROUPS.iter().find(|(all, _)| all.iter().any(|pattern| matches(pattern, name))) else {
            continue;
        };
        if !needed.iter().any(asks) {
            notes.add(FindingCode::AnnotationNotServed, key, || {
                let needed: Vec<String> = needed.iter().map(|name| quote(name)).collect();
                format!(
                    "The annotation {} changes nothing where {} is not written: the routes of this Ingress are served without it.",
                    quote(name),
                    needed.join(" or ")
                )
            });
        }
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(begin) => name.starts_with(begin),
        None => pattern == name,
    }
}

#[cfg(test)]
mod tests {
    use super::super::row;
    use super::*;

    fn alone(annotations: &[(&str, &str)]) -> Vec<String> {
        let of = |(name, value): &(&str, &str)| (format!("{PREFIX}{name}"), (*value).to_owned());
        let name = crate::name::Name::new("mill", "web");
        let mut notes = Notes::new("Ingress", &name);
        note(&annotations.iter().map(of).collect(), &mut notes);
        let field = |finding: bulkhead_crds::finding::Finding| finding.field.trim_start_matches(PREFIX).to_owned();
        notes.into_list().into_iter().map(field).collect()
    }

    #[test]
    fn what_belongs_to_another_annotation_is_told_where_that_is_missing() {
        assert_eq!(
            alone(&[("auth-signin", "https://a/"), ("cors-max-age", "1"), ("auth-url", "http://a/")]),
            ["cors-max-age"]
        );
        assert_eq!(alone(&[("enable-cors", "false"), ("cors-max-age", "1")]), ["cors-max-age"]);
        assert_eq!(alone(&[("enable-cors", "true"), ("cors-max-age", "1"), ("canary-weight", "")]), [] as [&str; 0]);
        assert_eq!(alone(&[("limit-allowlist", "10.0.0.0/8"), ("limit-rpm", "9")]), [] as [&str; 0]);
        assert_eq!(alone(&[("limit-allowlist", "10.0.0.0/8")]), ["limit-allowlist"]);
    }

    #[test]
    fn every_name_in_the_table_is_one_of_an_annotation() {
        for name in GROUPS.iter().flat_map(|(all, needed)| all.iter().chain(*needed)) {
            let known = name.strip_suffix('*').map_or_else(
                || row(name).is_some(),
                |begin| super::super::rows().any(|row| row.name.starts_with(begin)),
            );
            assert!(known, "{name}");
        }
    }
}
