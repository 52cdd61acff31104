//! What of a Secret becomes part of a keyring. Authors of Ingresses choose the Secret: only what serving TLS takes is copied.

use bulkhead_compile::Needs;
use bulkhead_plan::keyring::{EntryName, RefusedBecause, RefusedEntry};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;

/// The type that Kubernetes gives to a certificate with its key.
const TLS_SECRET_TYPE: &str = "kubernetes.io/tls";
/// Keys that such a Secret has them under.
const KEYS: [&str; 2] = ["tls.crt", "tls.key"];
/// Keys under which Secrets of any type have issuers of certificates and what those have revoked. Neither is secret. They are copied
/// together or not at all: without the second whoever it shuts out would be let in.
const ISSUERS: [&str; 2] = ["ca.crt", "ca.crl"];
/// Longest value that is copied: a chain of certificates takes a tenth of it, and several values fit one Secret of the keyring.
const VALUE_BYTES: usize = 128 * 1024;

/// What of a Secret is copied, and what is not although it is needed.
#[derive(Debug, Default)]
pub(super) struct Copied {
    pub(super) entries: Vec<(EntryName, Vec<u8>)>,
    pub(super) refused: Vec<RefusedEntry>,
}

/// Chooses from the Secret `namespace`/`name`.
pub(super) fn choose(namespace: &str, name: &str, secret: Secret, needs: Needs) -> Copied {
    let data = secret.data.unwrap_or_default();
    let mut refused = Vec::new();
    let mut refuse = |key: &str, why| {
        refused.push(RefusedEntry { entry: EntryName::new(namespace, name, key), why });
    };
    let too_long = |key: &&&str| data.get(**key).is_some_and(|value: &ByteString| value.0.len() > VALUE_BYTES);
    let mut keys: Vec<&str> = Vec::new();
    if needs.issuers {
        let long: Vec<_> = ISSUERS.iter().filter(too_long).collect();
        long.iter().for_each(|key| refuse(key, RefusedBecause::ValueTooLong));
        if long.is_empty() {
            keys.extend(ISSUERS);
        }
    }
    if needs.certificate && secret.type_.as_deref() == Some(TLS_SECRET_TYPE) {
        let (long, fit): (Vec<&str>, Vec<&str>) = KEYS.iter().partition(|key| too_long(key));
        long.iter().for_each(|key| refuse(key, RefusedBecause::ValueTooLong));
        keys.extend(fit);
    } else if needs.certificate {
        KEYS.iter().take(1).for_each(|key| refuse(key, RefusedBecause::WrongType));
    }
    let known = data.into_iter().filter(|(key, _)| keys.contains(&key.as_str()));
    let entries = known.map(|(key, value)| (EntryName::new(namespace, name, &key), value.0)).collect();
    Copied { entries, refused }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(of: &str, needs: Needs, data: &[(&str, usize)]) -> Copied {
        let data = data.iter().map(|&(key, bytes)| (key.to_owned(), ByteString(vec![0; bytes]))).collect();
        let secret = Secret { type_: Some(of.to_owned()), data: Some(data), ..Secret::default() };
        choose("team", "web", secret, needs)
    }

    fn keys(of: &str, needs: Needs, data: &[(&str, usize)]) -> Vec<String> {
        chosen(of, needs, data).entries.into_iter().map(|(entry, _)| entry.key).collect()
    }

    #[test]
    fn what_is_needed_and_not_copied_is_told() {
        let told = |of: &str, needs, data: &[(&str, usize)]| -> Vec<_> {
            let refused = chosen(of, needs, data).refused.into_iter();
            refused.map(|refused| (refused.entry.to_string(), refused.why)).collect()
        };
        let long = [("tls.crt", VALUE_BYTES + 1), ("ca.crl", VALUE_BYTES + 1)];
        let certificate = ("team_web_tls.crt".to_owned(), RefusedBecause::ValueTooLong);
        let issuers = ("team_web_ca.crl".to_owned(), RefusedBecause::ValueTooLong);
        assert_eq!(told(TLS_SECRET_TYPE, Needs::CERTIFICATE.or(Needs::ISSUERS), &long), [issuers.clone(), certificate]);
        assert_eq!(told("Opaque", Needs::ISSUERS, &long), [issuers]);
        let type_ = ("team_web_tls.crt".to_owned(), RefusedBecause::WrongType);
        assert_eq!(told("Opaque", Needs::CERTIFICATE, &long), [type_]);
        assert_eq!(told(TLS_SECRET_TYPE, Needs::CERTIFICATE, &[("tls.crt", 1), ("token", VALUE_BYTES + 1)]), []);
    }

    #[test]
    fn only_what_serving_tls_takes_is_copied() {
        let all = [("tls.crt", 1), ("tls.key", 1), ("ca.crt", 1), ("ca.crl", 1), ("password", 1), ("token", 1)];
        assert_eq!(keys(TLS_SECRET_TYPE, Needs::CERTIFICATE, &all), ["tls.crt", "tls.key"]);
        for other in ["Opaque", "kubernetes.io/service-account-token"] {
            assert_eq!(keys(other, Needs::CERTIFICATE, &all), Vec::<String>::new());
        }
        for any in [TLS_SECRET_TYPE, "Opaque", "kubernetes.io/service-account-token"] {
            assert_eq!(keys(any, Needs::ISSUERS, &all), ["ca.crl", "ca.crt"], "{any}");
        }
        let both = Needs::CERTIFICATE.or(Needs::ISSUERS);
        assert_eq!(keys(TLS_SECRET_TYPE, both, &all), ["ca.crl", "ca.crt", "tls.crt", "tls.key"]);
    }

    #[test]
    fn a_value_that_is_too_long_is_left_out_and_the_others_are_not() {
        let data = [("tls.crt", VALUE_BYTES + 1), ("tls.key", VALUE_BYTES)];
        assert_eq!(keys(TLS_SECRET_TYPE, Needs::CERTIFICATE, &data), ["tls.key"]);
    }

    #[test]
    fn issuers_without_all_that_they_have_revoked_are_not_copied() {
        let data = [("ca.crt", 1), ("ca.crl", VALUE_BYTES + 1), ("tls.crt", 1), ("tls.key", 1)];
        assert_eq!(keys("Opaque", Needs::ISSUERS, &data), Vec::<String>::new());
        let both = Needs::CERTIFICATE.or(Needs::ISSUERS);
        assert_eq!(keys(TLS_SECRET_TYPE, both, &data), ["tls.crt", "tls.key"]);
    }
}
