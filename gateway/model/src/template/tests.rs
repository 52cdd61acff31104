use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use super::*;
use crate::request::Fields;

struct Lines(Vec<(String, Vec<u8>)>);

impl Fields for Lines {
    fn each<'f>(&'f self, name: &str, with: &mut dyn FnMut(&'f [u8])) {
        self.0.iter().filter(|(line, _)| line.eq_ignore_ascii_case(name)).for_each(|(_, value)| with(value));
    }
}

fn lines() -> Lines {
    let lines = [
        ("X-Tenant", "blue"),
        ("Via", "a"),
        ("Via", "b"),
        ("Cookie", "x=1; Session=s=2"),
        ("Cookie", "session=3"),
        ("X-Request-ID", "r7"),
    ];
    Lines(lines.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect())
}

fn request(fields: &Lines) -> Request<'_> {
    Request {
        method: b"GET",
        secure: true,
        host: "mill.test",
        authority: b"Mill.test:8443",
        path: b"/a/b",
        query: Some(b"q=1%2F2&Q=3&empty="),
        uri: b"/a/./b?q=1%2F2&Q=3&empty=",
        client: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
        fields,
    }
}

fn made(text: &str, fields: &Lines) -> String {
    let mut out = Vec::new();
    Template::parse(text).unwrap().write(&request(fields), 1 << 16, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn variables_stand_for_parts_of_a_request() {
    for (text, is) in [
        ("", ""),
        ("plain", "plain"),
        ("$host", "mill.test"),
        ("$server_name", "mill.test"),
        ("$http_host $best_http_host", "Mill.test:8443 Mill.test:8443"),
        ("$server_port", "8443"),
        ("$scheme://${host}$request_uri", "https://mill.test/a/./b?q=1%2F2&Q=3&empty="),
        ("$pass_access_scheme", "https"),
        ("https://a.test/?rd=$escaped_request_uri", "https://a.test/?rd=%2Fa%2F.%2Fb%3Fq%3D1%252F2%26Q%3D3%26empty%3D"),
        ("$uri$is_args$args", "/a/b?q=1%2F2&Q=3&empty="),
        ("$remote_addr", "192.0.2.7"),
        ("$request_method", "GET"),
        ("$http_x_tenant-x", "blue-x"),
        ("${HTTP_X_TENANT}x", "bluex"),
        ("$http_via", "a, b"),
        ("$http_cookie", "x=1; Session=s=2; session=3"),
        ("$http_none", ""),
        ("$cookie_session", "s=2"),
        ("$cookie_none", ""),
        ("$arg_q|$arg_empty|$arg_none", "1%2F2||"),
        ("$request_id", "r7"),
    ] {
        assert_eq!(made(text, &lines()), is, "{text}");
    }
}

#[test]
fn the_port_is_the_schemes_where_the_client_names_none() {
    let fields = lines();
    for (authority, secure, is) in [
        ("mill.test", true, "443"),
        ("mill.test", false, "80"),
        ("mill.test:", false, "80"),
        ("[::1]", false, "80"),
        ("[::1]:81", false, "81"),
    ] {
        let mut out = Vec::new();
        let request = Request { authority: authority.as_bytes(), secure, ..request(&fields) };
        Template::parse("$server_port").unwrap().write(&request, 9, &mut out).unwrap();
        assert_eq!(out, is.as_bytes(), "{authority}");
    }
}

#[test]
fn a_text_that_is_none_is_refused_and_an_unknown_variable_is_named() {
    for (text, error) in [
        ("a$unknown", TemplateError::Unknown("unknown".into())),
        ("$1", TemplateError::Unknown("1".into())),
        ("$http_", TemplateError::Unknown("http_".into())),
        ("${Env}", TemplateError::Unknown("Env".into())),
        ("a$", TemplateError::Nameless),
        ("$-", TemplateError::Nameless),
        ("${host", TemplateError::Nameless),
        ("${}", TemplateError::Nameless),
        ("${a b}", TemplateError::Nameless),
        ("a\r\nb", TemplateError::Control),
        ("$host\0", TemplateError::Control),
    ] {
        assert_eq!(Template::parse(text), Err(error), "{text:?}");
    }
    let said = Template::parse("$x").unwrap_err().to_string();
    let known = said.strip_prefix("the variable $x is not known here; known are ").unwrap();
    for variable in known.split([',', ' ']).filter(|word| word.starts_with('$')) {
        assert!(Template::parse(variable).is_ok(), "{variable}");
    }
    assert_eq!(Template::parse(&"x".repeat(MAX_TEXT_BYTES + 1)), Err(TemplateError::TooLong));
    assert_eq!(Template::parse(&"$uri".repeat(MAX_VARIABLES + 1)), Err(TemplateError::TooLong));
    assert!(Template::parse(&"$uri".repeat(MAX_VARIABLES)).is_ok());
}

#[test]
fn what_is_too_long_is_cut_and_said_to_be() {
    let fields = lines();
    let mut out = b"key ".to_vec();
    let template = Template::parse("$host$uri").unwrap();
    assert_eq!(template.write(&request(&fields), 6, &mut out), Err(Overflow));
    assert_eq!(out, b"key mill.t");
    assert!(Template::parse("a").unwrap().is_fixed() && !template.is_fixed());
}

fn texts() -> impl Strategy<Value = String> {
    let names = "host|http_host|request_uri|uri|escaped_request_uri|args|scheme|remote_addr|request_method|server_port|http_a|cookie_a|arg_a|is_args";
    let pieces = prop_oneof![
        names.prop_map(|name| format!("${{{name}}}")),
        names.prop_map(|name| format!("${name} ")),
        "[^$]{0,9}",
        "\\PC{0,3}",
    ];
    proptest::collection::vec(pieces, 0..9).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// No text and no request make a template panic, write more than it may, or write a line end or a control character that neither
    /// has.
    #[test]
    fn a_template_adds_nothing_that_ends_a_line(
        text in texts(),
        uri in "/[ -~]{0,20}",
        query in proptest::option::of("[ -~]{0,20}"),
        authority in "[ -~]{0,12}",
        values in proptest::collection::vec(("a|cookie|host", "[\\t -~\u{80}-\u{ff}]{0,12}"), 0..4),
        most in 0_usize..100,
    ) {
        let fields = Lines(values.into_iter().map(|(name, value)| (name, value.into_bytes())).collect());
        let request = Request {
            authority: authority.as_bytes(),
            path: uri.as_bytes(),
            query: query.as_deref().map(str::as_bytes),
            uri: uri.as_bytes(),
            ..request(&fields)
        };
        if let Ok(template) = Template::parse(&text) {
            let mut out = Vec::new();
            let fitted = template.write(&request, most, &mut out);
            prop_assert!(out.len() <= most);
            prop_assert!(fitted.is_ok() || out.len() == most);
            prop_assert!(!out.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
        } else {
            prop_assert!(Template::parse(&text).unwrap_err() != TemplateError::TooLong);
        }
    }
}
