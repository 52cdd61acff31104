use super::*;
use crate::request::Fields;

struct Lines(&'static [(&'static str, &'static str)]);

impl Fields for Lines {
    fn each<'f>(&'f self, name: &str, with: &mut dyn FnMut(&'f [u8])) {
        for (_, value) in self.0.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)) {
            with(value.as_bytes());
        }
    }
}

fn shown(fields: &'static [(&'static str, &'static str)]) -> Result<Credentials, Denial> {
    Credentials::of(&Lines(fields))
}

fn users() -> Users {
    // The password of both is hunter2.
    let hash = |text: &[u8]| PasswordHash::parse(text).unwrap();
    let sha = hash(b"{SHA}87u9ZqY9S/F0eUBXjsPQEDUw4h0=");
    let apache = hash(b"$apr1$saltsalt$r/QcFGT5pNL28bNkeDMHR.");
    let none = hash(b"{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=");
    let list = [(&b"zoe"[..], sha), (b"adam", apache), (b"adam", none)];
    Users::new("mill".into(), 1, list.map(|(name, hash)| (name.into(), hash)))
}

#[test]
fn users_are_let_in_with_their_passwords() {
    // zoe:hunter2, adam:hunter2, adam:hunter3, adam:, eve:hunter2, Zoe:hunter2
    for (encoded, is_in) in [
        ("em9lOmh1bnRlcjI=", true),
        ("em9lOmh1bnRlcjI", true),
        ("YWRhbTpodW50ZXIy", true),
        ("YWRhbTpodW50ZXIz", false),
        ("YWRhbTo=", false),
        ("ZXZlOmh1bnRlcjI=", false),
        ("Wm9lOmh1bnRlcjI=", false),
        ("Og==", false),
    ] {
        let credentials = Credentials::decode(encoded.as_bytes()).unwrap();
        assert_eq!(users().admit(&credentials), is_in, "{encoded}");
        assert!(!Users::new("mill".into(), 2, []).admit(&credentials));
        assert_eq!(format!("{credentials:?}"), "Credentials", "nothing of them must end up in a log");
    }
}

#[test]
fn a_password_may_have_colons() {
    let credentials = Credentials::decode(b"YTpiOmM=").unwrap();
    assert_eq!(credentials.parts(), (&b"a"[..], &b"b:c"[..]));
}

#[test]
fn credentials_are_taken_from_one_field_of_the_scheme_basic() {
    const GOOD: (&str, &str) = ("Authorization", "Basic em9lOmh1bnRlcjI=");
    assert!(shown(&[GOOD]).is_ok());
    assert!(shown(&[("authorization", "bAsIc   em9lOmh1bnRlcjI=")]).is_ok());
    for (fields, denial) in [
        (&[][..], Denial::CredentialsMissing),
        (&[("Authorization", "Bearer em9lOmh1bnRlcjI=")], Denial::CredentialsMissing),
        (&[("Authorization", "Basic")], Denial::CredentialsMissing),
        (&[("Authorization", "Basicem9lOmh1bnRlcjI=")], Denial::CredentialsMissing),
        (&[("Authorization", "Basic em9l")], Denial::CredentialsRefused),
        (&[("Authorization", "Basic !!!!")], Denial::CredentialsRefused),
        (&[GOOD, GOOD], Denial::CredentialsRefused),
        (&[GOOD, ("Authorization", "Bearer x")], Denial::CredentialsRefused),
    ] {
        assert_eq!(shown(fields), Err(denial), "{fields:?}");
    }
}

#[test]
fn credentials_of_any_length_are_not_taken() {
    assert!(Credentials::decode("YTpi".repeat(100).as_bytes()).is_some());
    assert!(Credentials::decode("YTpi".repeat(1000).as_bytes()).is_none());
}

#[test]
fn a_realm_cannot_break_out_of_its_quotes() {
    let challenge = |name| Realm::new(name).map(|realm| String::from_utf8(realm.0.to_vec()).unwrap());
    assert_eq!(challenge("The \"mill\" \\ field").as_deref(), Some(r#"Basic realm="The \"mill\" \\ field""#));
    assert_eq!(challenge("Mühle").as_deref(), Some("Basic realm=\"Mühle\""));
    assert_eq!(challenge("").as_deref(), Some("Basic realm=\"\""));
    for bad in ["a\r\nSet-Cookie: x", "a\nb", "a\tb", "a\u{7f}", "a\u{85}"] {
        assert_eq!(challenge(bad), None, "{bad:?}");
    }
    assert_eq!(challenge(&"a".repeat(300)), None);
}

#[test]
fn an_address_is_enough_only_where_one_thing_is() {
    let allow: Box<[Network]> = [Network { address: [10, 0, 0, 0].into(), prefix: 8 }].into();
    let any = Authentication { satisfy: Satisfy::Any, allow, basic: None, external: None };
    assert!(any.trusts([10, 1, 2, 3].into()) && !any.trusts([192, 0, 2, 1].into()));
    assert!(!Authentication { satisfy: Satisfy::All, ..any }.trusts([10, 1, 2, 3].into()));
}
