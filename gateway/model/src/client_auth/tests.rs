use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
    date_time_ymd,
};
use rustls::crypto::aws_lc_rs;

use super::*;

/// The year 2026, give or take.
const NOW: UnixTime = UnixTime::since_unix_epoch(Duration::from_secs(1_790_000_000));

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2040, 1, 1));
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn root(name: &str) -> Issuer {
    CertifiedIssuer::self_signed(authority(name), KeyPair::generate().unwrap()).unwrap()
}

fn below(issuer: &Issuer, name: &str) -> Issuer {
    CertifiedIssuer::signed_by(authority(name), KeyPair::generate().unwrap(), issuer).unwrap()
}

fn client(issuer: &Issuer, change: impl FnOnce(&mut CertificateParams)) -> CertificateDer<'static> {
    let mut params = named("client");
    change(&mut params);
    params.signed_by(&KeyPair::generate().unwrap(), issuer).unwrap().der().clone()
}

fn policy(roots: &[&Issuer], lists: &[CertificateRevocationListDer<'_>], demand: Demand, depth: u8) -> ClientAuth {
    let certificates: Vec<_> = roots.iter().map(|root| root.der().clone()).collect();
    let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
    let roots = Arc::new(ClientRoots::new("mill/ca", &certificates, lists, algorithms).unwrap());
    ClientAuth { demand, depth, roots, subject: None }
}

#[test]
fn a_certificate_is_judged_by_issuer_time_purpose_and_length_of_its_chain() {
    let (ours, theirs) = (root("ours"), root("theirs"));
    let (one, two);
    one = below(&ours, "one");
    two = below(&one, "two");
    let purpose = |purpose| move |params: &mut CertificateParams| params.extended_key_usages = vec![purpose];
    let between = |from, to| {
        move |params: &mut CertificateParams| {
            (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
        }
    };
    let own = {
        let mut params = authority("itself");
        params.distinguished_name.push(DnType::CommonName, "itself");
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    };
    let policy = policy(&[&ours], &[], Demand::Required, 1);
    for (what, chain, verdict) in [
        ("none", vec![], Verdict::Missing),
        ("good", vec![client(&ours, |_| ())], Verdict::Verified),
        ("for clients", vec![client(&ours, purpose(ExtendedKeyUsagePurpose::ClientAuth))], Verdict::Verified),
        (
            "for servers",
            vec![client(&ours, purpose(ExtendedKeyUsagePurpose::ServerAuth))],
            Verdict::Refused("it is not for clients"),
        ),
        ("wrong CA", vec![client(&theirs, |_| ())], Verdict::Untrusted),
        ("wrong CA, sent along", vec![client(&theirs, |_| ()), theirs.der().clone()], Verdict::Untrusted),
        ("self-signed", vec![own], Verdict::Untrusted),
        ("expired", vec![client(&ours, between(2020, 2021))], Verdict::Refused("it has expired")),
        ("not valid yet", vec![client(&ours, between(2030, 2031))], Verdict::Refused("it is not valid yet")),
        (
            "expired, of an unknown issuer",
            vec![client(&theirs, between(2020, 2021))],
            Verdict::Refused("it has expired"),
        ),
        ("one between", vec![client(&one, |_| ()), one.der().clone()], Verdict::Verified),
        ("one between, not sent", vec![client(&one, |_| ())], Verdict::Untrusted),
        (
            "two between",
            vec![client(&two, |_| ()), two.der().clone(), one.der().clone()],
            Verdict::Refused("its chain is too long"),
        ),
        ("no certificate", vec![CertificateDer::from(b"x".to_vec())], Verdict::Refused("it cannot be read")),
    ] {
        assert_eq!(policy.judge(&chain, NOW), verdict, "{what}");
    }
}

#[test]
fn a_root_that_is_named_like_ours_and_is_not_lets_nobody_in() {
    let (ours, forged) = (root("ours"), root("ours"));
    let policy = policy(&[&ours], &[], Demand::Required, 1);
    let shown = [client(&forged, |_| ()), forged.der().clone()];
    assert!(!matches!(policy.judge(&shown, NOW), Verdict::Verified | Verdict::Missing));
}

#[test]
fn a_revoked_certificate_is_refused_and_so_is_everybody_once_the_list_is_old() {
    let ours = root("ours");
    let list = |to| {
        let entry = RevokedCertParams {
            serial_number: SerialNumber::from(7),
            revocation_time: date_time_ymd(2021, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        CertificateRevocationListParams {
            this_update: date_time_ymd(2021, 1, 1),
            next_update: date_time_ymd(to, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![entry],
            key_identifier_method: KeyIdMethod::Sha256,
        }
        .signed_by(&ours)
        .unwrap()
    };
    let numbered = |number: u64| client(&ours, |params| params.serial_number = Some(SerialNumber::from(number)));
    let unknown = Verdict::Refused("whether it has been revoked is not known");
    for (to, number, verdict) in
        [(2040, 7, Verdict::Refused("it has been revoked")), (2040, 8, Verdict::Verified), (2022, 8, unknown)]
    {
        let policy = policy(&[&ours], &[list(to).der().clone()], Demand::OptionalUntrusted, 1);
        assert_eq!(policy.judge(&[numbered(number)], NOW), verdict, "{to} {number}");
    }
}

#[test]
fn half_of_a_policy_is_none() {
    let ours = root("ours").der().clone();
    let nonsense = CertificateDer::from(b"x".to_vec());
    let list = CertificateRevocationListDer::from(b"x".to_vec());
    let new = |certificates: &[CertificateDer<'_>], lists: &[CertificateRevocationListDer<'_>]| {
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        ClientRoots::new("mill/ca", certificates, lists, algorithms).map(|_| ()).unwrap_err()
    };
    assert_eq!(new(&[], &[]), BadRoots::Empty);
    assert_eq!(new(&[ours.clone(), nonsense], &[]), BadRoots::Certificate);
    assert_eq!(new(&[ours], &[list]), BadRoots::RevocationList);
}

#[test]
fn only_a_connection_to_the_host_itself_with_a_certificate_it_accepts_is_let_in() {
    use Demand::{Optional, OptionalUntrusted, Required};
    let ours = root("ours");
    let asked = Channel::Asked { name: "a.test" };
    let bad = Verdict::Refused("x");
    let (missing, refused) = (Err(Denial::ClientCertificateMissing), Err(Denial::ClientCertificateRefused));
    for (demand, channel, verdict, outcome) in [
        (Required, asked, Verdict::Verified, Ok(())),
        (Required, asked, Verdict::Missing, missing),
        (Required, asked, Verdict::Untrusted, refused),
        (Required, asked, bad, refused),
        (Optional, asked, Verdict::Verified, Ok(())),
        (Optional, asked, Verdict::Missing, Ok(())),
        (Optional, asked, Verdict::Untrusted, refused),
        (Optional, asked, bad, refused),
        (OptionalUntrusted, asked, Verdict::Verified, Ok(())),
        (OptionalUntrusted, asked, Verdict::Missing, Ok(())),
        (OptionalUntrusted, asked, Verdict::Untrusted, Ok(())),
        (OptionalUntrusted, asked, bad, refused),
    ] {
        let policy = policy(&[&ours], &[], demand, 1);
        assert_eq!(policy.admit("a.test", channel, |_| verdict), outcome, "{demand:?} {verdict:?}");
    }
    // However good the certificate: it was shown to another host, or to nobody.
    for demand in [Required, Optional, OptionalUntrusted] {
        let policy = policy(&[&ours], &[], demand, 1);
        for (channel, denial) in [
            (Channel::Clear, Denial::ClientCertificateNeedsTls),
            (Channel::Unasked, Denial::Misdirected),
            (Channel::Asked { name: "b.test" }, Denial::Misdirected),
            (Channel::Asked { name: "x.a.test" }, Denial::Misdirected),
            (Channel::Asked { name: "" }, Denial::Misdirected),
        ] {
            let judged = policy.admit("a.test", channel, |_| panic!("nobody asks for a verdict"));
            assert_eq!(judged, Err(denial), "{demand:?} {channel:?}");
        }
    }
}
