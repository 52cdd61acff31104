//! What of the difference that the row of an annotation tells concerns the value that is written.

use bulkhead_model::Template;
use bulkhead_model::external_auth::Page;

use super::reader::parse_bool;
use super::redirect::REDIRECTS;
use super::row::{Row, State};

/// A sentence that holds of fewer values than a row has.
struct Less {
    /// Of the row.
    name: &'static str,
    /// The values of which less is to be said, without spaces around them.
    of: fn(&str) -> bool,
    /// What is left to say; empty: nothing is different.
    rest: &'static str,
}

const fn none(name: &'static str, of: fn(&str) -> bool) -> Less {
    Less { name, of, rest: "" }
}

/// The first that fits counts. What differs in the profile Standard alone is left out.
const LESS: [Less; 30] = [
    none("auth-always-set-cookie", is_true),
    none("auth-method", |value| !["CONNECT", "TRACE"].iter().any(|word| value.eq_ignore_ascii_case(word))),
    none("auth-signin", |value| Page::parse(value).is_ok()),
    none("auth-type", |value| value.eq_ignore_ascii_case("basic")),
    Less {
        name: "auth-url",
        of: |value| value.starts_with("http://") && !value.contains('$'),
        rest: "The service has 10 seconds to answer.",
    },
    none("canary", is_false),
    none("cors-allow-credentials", is_switch),
    none("cors-allow-origin", |value| {
        value.split(',').map(str::trim).all(|origin| origin == "*" || origin.contains("://"))
    }),
    none("enable-opentelemetry", is_false),
    none("force-ssl-redirect", is_false),
    none("from-to-www-redirect", is_switch),
    none("load-balance", |value| {
        !["chash", "chashsubset", "sticky_balanced", "sticky_persistent"]
            .iter()
            .any(|word| value.eq_ignore_ascii_case(word))
    }),
    none("opentelemetry-operation-name", |value| Template::parse(value).is_ok()),
    none("opentelemetry-trust-incoming-span", is_false),
    none("permanent-redirect", is_fixed),
    none("permanent-redirect-code", is_redirect),
    none("preserve-trailing-slash", is_switch),
    none("proxy-http-version", |value| value == "1.1"),
    none("proxy-request-buffering", |value| value == "off"),
    none("rewrite-target", is_fixed),
    Less {
        name: "rewrite-target",
        of: has_only_groups,
        rest: "A path that is not canonical, or begins with two slashes, is refused with 400 rather than sent; a group is not written with a second slash behind one of the target.",
    },
    none("satisfy", |value| value.eq_ignore_ascii_case("all")),
    none("session-cookie-change-on-failure", is_true),
    none("session-cookie-path", |value| !value.is_empty()),
    none("ssl-redirect", is_false),
    Less { name: "ssl-redirect", of: is_true, rest: "Paths below `/.well-known/acme-challenge` are never redirected." },
    none("temporal-redirect", is_fixed),
    none("temporal-redirect-code", is_redirect),
    none("use-regex", is_false),
    none("x-forwarded-prefix", is_fixed),
];

/// What is different from ingress-nginx with an annotation that is obeyed, as far as this value goes and in the profile IngressNginx; `None`:
/// nothing.
#[must_use]
pub fn difference(row: &Row, value: &str) -> Option<&'static str> {
    let State::Approximated(all) = row.state else { return None };
    let less = LESS.iter().find(|less| less.name == row.name && (less.of)(value.trim()));
    Some(less.map_or(all, |less| less.rest)).filter(|difference| !difference.is_empty())
}

fn is_switch(value: &str) -> bool {
    parse_bool(value).is_some()
}

fn is_true(value: &str) -> bool {
    parse_bool(value) == Some(true)
}

fn is_false(value: &str) -> bool {
    parse_bool(value) == Some(false)
}

/// Whether there is no variable in it.
fn is_fixed(value: &str) -> bool {
    !value.contains('$')
}

/// Whether what the path has matched is all that is filled in.
fn has_only_groups(value: &str) -> bool {
    value.split('$').skip(1).all(|behind| behind.starts_with(|c| matches!(c, '1'..='9')))
}

fn is_redirect(value: &str) -> bool {
    REDIRECTS.iter().any(|(code, _)| *code == value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotation::row;

    #[test]
    fn every_sentence_is_about_an_annotation_that_has_a_difference() {
        for less in &LESS {
            assert!(matches!(row(less.name).map(|row| row.state), Some(State::Approximated(_))), "{}", less.name);
        }
    }

    #[test]
    fn a_difference_is_told_of_the_values_that_it_concerns() {
        for (name, without, with) in [
            ("auth-always-set-cookie", "true", "false"),
            ("auth-method", "POST", "TRACE"),
            ("auth-signin", "https://$host/start?rd=$escaped_request_uri", "https://auth.test$arg_x"),
            ("auth-signin", "/oauth2/start", "https://$http_x/"),
            ("auth-type", " Basic", "digest"),
            ("canary", "false", "true"),
            ("cors-allow-origin", "https://a.test, *", "a.test"),
            ("force-ssl-redirect", "false", "true"),
            ("load-balance", "ewma", "chash"),
            ("enable-opentelemetry", "false", "true"),
            ("opentelemetry-operation-name", "shop $uri", "$service_name"),
            ("opentelemetry-trust-incoming-span", "false", "true"),
            ("permanent-redirect", "https://new.test/a?b", "https://new.test$request_uri"),
            ("permanent-redirect-code", "308", "418"),
            ("proxy-http-version", "1.1", "1.0"),
            ("proxy-request-buffering", "off", "on"),
            ("rewrite-target", "/base", "/$2"),
            ("satisfy", "all", "any"),
            ("session-cookie-change-on-failure", "true", "false"),
            ("session-cookie-path", "/a", ""),
            ("ssl-redirect", "false", "true"),
            ("temporal-redirect", " https://new.test ", "https://$host/"),
            ("temporal-redirect-code", "307", "418"),
            ("use-regex", "false", "true"),
            ("x-forwarded-prefix", "/shop", "/$http_x"),
        ] {
            let row = row(name).unwrap();
            assert_eq!(difference(row, without), None, "{name}: {without}");
            assert!(difference(row, with).is_some(), "{name}: {with}");
        }
        for name in ["cors-allow-credentials", "from-to-www-redirect", "preserve-trailing-slash"] {
            assert_eq!(difference(row(name).unwrap(), "true"), None, "{name} differs in the profile Standard alone");
        }
    }

    #[test]
    fn certificates_are_spoken_of_where_there_are_any() {
        let of = |value| difference(row("auth-url").unwrap(), value).unwrap();
        assert!(of("https://a.test/").contains("certificate") && !of("http://a.test/").contains("certificate"));
        assert!(of("http://$host/").contains("$host"));
        let of = |value| difference(row("rewrite-target").unwrap(), value).unwrap();
        assert!(
            of("/$host/$1").contains("variable") && !of("/$2/${1}").is_empty() && !of("/$2/$10").contains("variable")
        );
    }
}
