use proptest::prelude::*;

use super::*;

fn names(snippet: &str) -> Vec<String> {
    in_snippet(snippet).into_iter().map(|directive| directive.name).collect()
}

#[test]
fn directives_are_what_begins_a_statement() {
    let cases: [(&str, &[&str]); 10] = [
        ("", &[]),
        ("more_set_headers \"X-A: b; deny all\";", &["more_set_headers"]),
        ("# deny all;\n# and\nallow 10.0.0.0/8;deny all;", &["allow", "deny"]),
        ("if ($host = 'a;b') { return 301 https://b$request_uri; }", &["if", "return"]),
        ("set $x ${y}z; rewrite ^/(.*)$ /$1 break;", &["rewrite", "set"]),
        ("location ~ \"^/v[0-9]{2}/\" { deny all; }", &["deny", "location"]),
        ("access_by_lua_block { if x then deny() end; t = {} } gzip on;", &["access_by_lua_block", "gzip"]),
        ("proxy_set_header A 'it\\'s; b';\nproxy_read_timeout 5s", &["proxy_read_timeout", "proxy_set_header"]),
        ("add_header A \"never closed; deny all;", &["add_header"]),
        ("\u{1b}[2J deny; a\u{7}b c;", &[]),
    ];
    for (snippet, expected) in cases {
        assert_eq!(names(snippet), expected, "{snippet}");
    }
}

#[test]
fn a_directive_says_what_to_write_instead() {
    let found = in_snippet("client_max_body_size 8m; frobnicate on; limit_req zone=a;");
    let instead: Vec<&str> = found.iter().map(|directive| directive.instead.as_str()).collect();
    assert_eq!(instead[0], "Write the annotation `proxy-body-size`.");
    assert!(instead[1].starts_with("There is no typed replacement"), "{instead:?}");
    assert!(instead[2].contains("`limit-rps`"), "{instead:?}");
}

#[test]
fn a_snippet_of_a_mebibyte_says_no_more_than_fits_a_screen() {
    let many: String = (0..50_000).map(|n| format!("directive_{n} on;\n")).collect();
    let comments = "#\n".repeat(500_000);
    let braces = "content_by_lua_block {".repeat(50_000);
    let quotes = "\"\\".repeat(500_000);
    for snippet in [&many, &comments, &braces, &quotes] {
        assert!(in_snippet(snippet).len() <= SHOWN + 1);
    }
    assert_eq!(in_snippet(&many).len(), SHOWN + 1);
    assert_eq!(in_snippet(&many).last().unwrap().name, "…");
}

#[test]
fn a_remedy_says_what_replaces_each_directive_and_fits() {
    assert_eq!(
        remedy("client_max_body_size 8m;\nkeepalive_timeout 5s;", 1024).unwrap(),
        "client_max_body_size: Write the annotation `proxy-body-size`. keepalive_timeout: Set \
         `spec.northSouth.limits.keepAliveIdleTimeout` of the GatewayInstance, which holds for all of the lane. Then remove the snippet."
    );
    let all: String = TABLE.iter().map(|(name, _)| format!("{name} x;\n")).collect();
    let cut = remedy(&all, 1024).unwrap();
    assert!(
        cut.chars().count() <= 1024 && cut.ends_with("`bulkhead audit` lists all. Then remove the snippet."),
        "{cut}"
    );
    assert_eq!(remedy("# nothing\n", 1024), None);
}

#[test]
fn the_table_is_in_order() {
    assert!(TABLE.is_sorted_by(|(a, _), (b, _)| a < b));
    assert!(TABLE.iter().all(|(_, instead)| instead.sentence().ends_with('.')));
}

proptest! {
    #[test]
    fn no_snippet_makes_the_scan_fail(snippet in "[a-z_ ;{}#\"'\\\\$\n\u{1b}é]{0,200}") {
        for directive in in_snippet(&snippet) {
            prop_assert!(!directive.name.contains(char::is_control));
        }
    }
}
