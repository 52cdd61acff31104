use rustls::SignatureScheme;
use rustls::sign::{Signer, SigningKey};

use super::*;

/// A key that signs nothing: these tests only look certificates up.
#[derive(Debug)]
struct Mute;

impl SigningKey for Mute {
    fn choose_scheme(&self, _: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        None
    }

    fn algorithm(&self) -> rustls::SignatureAlgorithm {
        rustls::SignatureAlgorithm::ECDSA
    }
}

fn certificate(origin: &str) -> Arc<Certificate> {
    Arc::new(Certificate { origin: origin.into(), key: Arc::new(CertifiedKey::new(Vec::new(), Arc::new(Mute))) })
}

fn table(hosts: &[&str]) -> TlsTable {
    let mut table = TlsTable::default();
    for host in hosts {
        table.set(&HostPattern::parse(host).unwrap(), Some(certificate(host)));
    }
    table
}

fn found(table: &TlsTable, sni: Option<&str>) -> Option<String> {
    table.find(sni).map(|certificate| certificate.origin.to_string())
}

#[test]
fn the_most_specific_certificate_is_found_by_the_canonical_name() {
    let mut table = table(&["shop.test", "*.shop.test", "*.test"]);
    table.default = Some(certificate("default"));
    for (sni, origin) in [
        (Some("shop.test"), "shop.test"),
        (Some("SHOP.Test"), "shop.test"),
        (Some("shop.test."), "shop.test"),
        (Some("a.shop.test"), "*.shop.test"),
        (Some("a.b.shop.test"), "default"),
        (Some("other.test"), "*.test"),
        (Some("test"), "default"),
        (Some("not a name"), "default"),
        (Some(""), "default"),
        (None, "default"),
    ] {
        assert_eq!(found(&table, sni).as_deref(), Some(origin), "{sni:?}");
    }
}

#[test]
fn an_unknown_name_gets_nothing_where_unknown_names_are_refused() {
    let mut table = table(&["shop.test"]);
    table.default = Some(certificate("default"));
    table.reject_unknown = true;
    assert_eq!(found(&table, Some("shop.test")).as_deref(), Some("shop.test"));
    for sni in [Some("other.test"), Some("a.shop.test"), None] {
        assert_eq!(found(&table, sni), None, "{sni:?}");
    }
}

#[test]
fn a_certificate_that_is_withdrawn_is_found_no_more_and_other_tables_keep_it() {
    let before = table(&["shop.test", "*.shop.test"]);
    let mut after = before.clone();
    after.set(&HostPattern::parse("shop.test").unwrap(), None);
    after.set(&HostPattern::parse("*.shop.test").unwrap(), None);
    assert_eq!(found(&after, Some("shop.test")), None);
    assert_eq!(after.iter().count(), 0);
    assert_eq!(found(&before, Some("shop.test")).as_deref(), Some("shop.test"));
}

#[test]
fn nothing_of_a_key_is_shown() {
    assert_eq!(format!("{:?}", certificate("shop/web")), r#"Certificate { origin: "shop/web", .. }"#);
}
