use proptest::prelude::*;

use super::*;

fn path(target: &str) -> Result<String, Denial> {
    Target::parse(target.as_bytes()).map(|t| text(&t.path))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn paths_become_canonical() {
    for (written, canonical) in [
        ("/", "/"),
        ("/a/b", "/a/b"),
        ("/a/b/", "/a/b/"),
        ("/%61%2D%7e", "/a-~"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/café", "/caf%C3%A9"),
        ("/a[1]", "/a%5B1%5D"),
        ("/a%20b", "/a%20b"),
        ("/%2561", "/%2561"),
        ("/%3b%3f%23", "/%3B%3F%23"),
        ("/a;v=1/b", "/a;v=1/b"),
        ("/...", "/..."),
        ("/.well-known/x", "/.well-known/x"),
        ("/a/.", "/a/"),
        ("/a/./b", "/a/b"),
        ("/a/..", "/"),
        ("/a/../b", "/b"),
        ("/a/b/../c", "/a/c"),
        ("/a/%2e%2E/b", "/b"),
        ("/a/.%2e/b/%2e", "/b/"),
        ("//evil.test/x", "//evil.test/x"),
        ("/a//b", "/a//b"),
        ("/.//x", "//x"),
        ("/group%2fproject", "/group%2Fproject"),
        ("/a%5cb%5C/c", "/a%5Cb%5C/c"),
        ("/%2F%2fa", "/%2F%2Fa"),
        ("/x/../a%2fb/./c", "/a%2Fb/c"),
        ("/a%2f..b/...%2f", "/a%2F..b/...%2F"),
    ] {
        assert_eq!(path(written).as_deref(), Ok(canonical), "{written}");
    }
}

#[test]
fn what_two_readers_could_take_for_two_paths_is_refused() {
    for written in [
        "",
        "a",
        "*",
        "@evil/x",
        "http://a/b",
        "?a",
        "#",
        "/a#b",
        "/a?b#c",
        "/%",
        "/%4",
        "/%zz",
        "/%+1",
        "/%00",
        "/%01",
        "/%0d%0a",
        "/%7f",
        "/a\\b",
        "/a%2f..",
        "/a%5C./b",
        "/a%2f%2e%2E",
        "/a%2fb/..",
        "/%5c/../b",
        "/x/a%2fb/c/../../d",
        "/a b",
        "/a\tb",
        "/a\0b",
        "/a\x7fb",
        "/\"",
        "/<",
        "/>",
        "/{",
        "/}",
        "/|",
        "/^",
        "/`",
        "/..",
        "/../a",
        "/a/../..",
        "/a/../../b",
        "/%2e%2e/a",
        "/..;x/a",
        "/a/..;/b",
        "/a/.;x",
        "/a/..%3bx/b",
        "/a/..%3B;/b",
        "/a/%2e%2e;x",
        "//..",
        "/a//../b",
        "/%c0%ae%c0%ae/a",
        "/%e0%80%af",
        "/%f0%80%80%af",
    ] {
        assert_eq!(path(written), Err(Denial::BadPath), "{written:?}");
    }
    assert_eq!(Target::parse(b"/\xff").map(|t| t.path), Err(Denial::BadPath));
    assert_eq!(Target::parse(b"/\xc3").map(|t| t.path), Err(Denial::BadPath));
}

/// Names a class of mistakes that others made: what one reader cuts, decodes or folds, the next one does not.
fn all_refused(targets: &[&str]) {
    for target in targets {
        assert_eq!(path(target), Err(Denial::BadPath), "{target}");
    }
}

/// Envoy CVE-2026-73551 and CVE-2026-73511; Tomcat and Spring cut `;params` off before they resolve dot segments.
#[test]
fn dot_segments_do_not_hide_behind_parameters() {
    all_refused(&["/public/..;/admin", "/public/..;a=b/admin", "/public/%2e%2e;/admin", "/public/.%2e;x/admin"]);
    all_refused(&["/public/..%3b/admin", "/public/..%3Bx=1/admin", "/public/.;/admin", "/public/..;", "/..;/..;/x"]);
    all_refused(&["/public/..;;/admin", "/public/..;%2e/admin", "/public/%2e%3b/admin"]);
    assert_eq!(path("/public/...;/admin").as_deref(), Ok("/public/...;/admin"), "three dots are a name");
    assert_eq!(path("/public/;../admin").as_deref(), Ok("/public/;../admin"), "parameters of an empty segment");
}

/// Envoy CVE-2021-29492, Traefik CVE-2025-66490: encoded separators reach a backend that decodes them.
#[test]
fn dot_segments_do_not_hide_behind_escaped_slashes() {
    all_refused(&[
        "/public/..%2fadmin",
        "/public/%2e%2e%2fadmin",
        "/public%2f..%2fadmin",
        "/public%2F%2e%2E",
        "/.%2fx",
    ]);
    all_refused(&[
        "/public%5C..%5Cadmin",
        "/public/..%5cadmin",
        "/public%2f..%5cadmin",
        "/public\\admin",
        "/\\evil.test",
    ]);
    all_refused(&["/public%2f..;/admin", "/public%5c..%3bx%2fadmin", "/public/..;x%2fadmin", "/public%2f.;"]);
    all_refused(&["/public/x%2fy/../admin", "/public/x%5c/%2e%2e", "/..%c0%2fadmin", "/..%c1%5cadmin"]);
    assert_eq!(path("/public%252f..%252fadmin").as_deref(), Ok("/public%252f..%252fadmin"), "is decoded once");
}

#[test]
fn escaped_slashes_are_kept_and_have_a_second_reading() {
    let readings = [
        ("/api/v4/projects/group%2fproject", Some("/api/v4/projects/group/project")),
        ("/a%5Cb%2F", Some("/a/b/")),
        ("/%2Fa%2F%2Fb", Some("//a//b")),
        ("/a%252Fb", None),
        ("/a%20b", None),
        ("/a/b?c=%2F", None),
    ];
    for (written, other) in readings {
        let target = Target::parse(written.as_bytes()).unwrap();
        assert_eq!(target.separated().as_deref().map(text).as_deref(), other, "{written}");
    }
}

/// Microsoft MS00-078 and its heirs: `.` and `/` in UTF-8 that is longer than it need be.
#[test]
fn dots_and_slashes_do_not_hide_in_overlong_sequences() {
    all_refused(&["/%c0%ae%c0%ae/x", "/%c0%2e/x", "/..%c0%af..", "/%c1%9c", "/%e0%80%af", "/%E0%80%AE/x"]);
    all_refused(&["/%f0%80%80%af", "/%f8%80%80%80%af", "/%fc%80%80%80%80%af"]);
    for real in ["/%C3%A9", "/%E2%82%AC", "/%F0%9F%9A%A2", "/%EF%BC%8F"] {
        assert_eq!(path(real).as_deref(), Ok(real), "{real} is as short as it can be");
    }
}

/// Envoy CVE-2019-9900 (NUL), nginx CVE-2013-4547 (space): who ends a string at one of these reads less than others.
#[test]
fn no_reader_sees_a_target_end_early() {
    all_refused(&[
        "/public%00/admin",
        "/x.php%00.gif",
        "/x \0.php",
        "/public /admin",
        "/a%0d%0aHost:%20b",
        "/a%0a",
        "/a%7f",
        "/a%1f",
        "/a\0b",
    ]);
}

/// Envoy CVE-2021-32779: a fragment is cut off by one reader and taken for a part of the path by another.
#[test]
fn a_target_has_no_fragment() {
    all_refused(&["/public#/../admin", "/public#", "/public?x#/admin", "/#?x"]);
    assert_eq!(path("/a%23b").as_deref(), Ok("/a%23b"));
}

/// Traefik CVE-2025-47952, Envoy CVE-2019-9901: matched as written and resolved only behind us.
#[test]
fn what_is_matched_has_no_dot_segments_left() {
    for (written, matched) in [
        ("/public/../admin", "/admin"),
        ("/public/%2e%2e/admin", "/admin"),
        ("/public/.%2E/admin", "/admin"),
        ("/public/%2e/../admin", "/admin"),
        ("/%61dmin", "/admin"),
        ("/api%2e", "/api."),
    ] {
        assert_eq!(path(written).as_deref(), Ok(matched), "{written}");
    }
    all_refused(&["/../admin", "/public/../../admin", "/public//../../admin", "//../admin", "/%2e%2e"]);
}

/// A joiner of URLs takes what stands between `//` and the next slash for a host.
#[test]
fn a_path_is_never_an_authority() {
    assert_eq!(path("//evil.test/x").as_deref(), Ok("//evil.test/x"), "and is written as the path it is");
    all_refused(&["/a/..//evil.test/../..", "http://evil.test/", "evil.test", "@evil.test/", "*"]);
}

#[test]
fn a_query_is_checked_and_left_alone() {
    for (target, query) in [
        ("/a", None),
        ("/a?", Some("")),
        ("/a?b=%2F%zz&c=../..", Some("b=%2F%zz&c=../..")),
        ("/a?b?c", Some("b?c")),
        ("/a?q=é\\|", Some("q=é\\|")),
    ] {
        assert_eq!(Target::parse(target.as_bytes()).unwrap().query, query.map(str::as_bytes), "{target}");
    }
    for target in [b"/a?b c".as_slice(), b"/a?b\0", b"/a?\r\n", b"/a?\x7f", b"/a?\xff", b"/a?b#c"] {
        assert_eq!(Target::parse(target), Err(Denial::BadPath), "{target:?}");
    }
}

#[test]
fn a_canonical_path_is_borrowed() {
    for target in ["/", "/a/b.c;d=e/~f?x=../%41", "//a", "/a.b/c-d_e"] {
        assert!(matches!(Target::parse(target.as_bytes()).unwrap().path, Cow::Borrowed(_)), "{target}");
    }
}

/// What a backend makes of a path that takes the escaped slashes for slashes whose bits are set.
fn decode_some(path: &str, mut decoded: u32) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some(at) = rest.find(SLASH).into_iter().chain(rest.find(BACKSLASH)).min() {
        out.push_str(&rest[..at]);
        out.push_str(if decoded & 1 == 1 { "/" } else { &rest[at..at + 3] });
        rest = &rest[at + 3..];
        decoded = decoded.rotate_right(1);
    }
    out + rest
}

fn targets() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => Just("/".to_owned()),
        2 => Just(".".to_owned()),
        1 => Just("..".to_owned()),
        1 => prop_oneof![Just("%2e"), Just("%2E"), Just(";"), Just("%3b"), Just("%2F"), Just("%5c"), Just("//"), Just("é"), Just("%c3%a9"), Just("%C0"), Just("%ae"), Just("%F8%80"), Just("%00"), Just("\\"), Just("[")].prop_map(str::to_owned),
        3 => "[a-zA-Z0-9%;:@~!?#-]{1,3}",
    ];
    prop_oneof![
        4 => proptest::collection::vec(part, 0..12).prop_map(|parts| format!("/{}", parts.concat()).into_bytes()),
        1 => proptest::collection::vec(any::<u8>(), 0..24),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Canonical is canonical: a second pass changes nothing, refuses nothing and copies nothing but dots in front.
    #[test]
    fn parsing_is_idempotent(target in targets()) {
        if let Ok(first) = Target::parse(&target) {
            let again = match first.query {
                Some(query) => [&*first.path, query].join(&b'?'),
                None => first.path.to_vec(),
            };
            prop_assert_eq!(Target::parse(&again), Ok(first));
        }
    }

    /// Nothing that is forwarded can be read as another path: no dot segments, raw or decoded, with or without
    /// parameters, whoever takes which escaped slashes for slashes; no control characters or backslashes; ASCII; one
    /// leading slash at least.
    #[test]
    fn what_is_forwarded_has_one_reading(target in targets(), decoded in any::<u32>()) {
        if let Ok(target) = Target::parse(&target) {
            let path = text(&target.path);
            prop_assert_eq!(target.separated().is_some(), path.contains("%2F") || path.contains("%5C"));
            if let Some(other) = target.separated() {
                let again = Target::parse(&other);
                prop_assert_eq!(again.as_ref().map(|again| &*again.path), Ok(&*other));
                prop_assert_eq!(again.map(|again| again.escapes), Ok(false));
            }
            let path = decode_some(&path, decoded);
            prop_assert!(path.starts_with('/'));
            prop_assert!(path.bytes().all(|b| b.is_ascii_graphic()));
            prop_assert!(!path.contains(['\\', '?', '#']) && !path.contains("%2E"));
            for segment in path.split('/') {
                let name = segment.replace("%3B", ";");
                let name = name.split(';').next().unwrap_or_default();
                prop_assert!(name != "." && name != "..");
            }
        }
    }
}
