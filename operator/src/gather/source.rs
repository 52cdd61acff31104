//! What of a Secret becomes part of a keyring. Authors of Ingresses choose the Secret: only what serving TLS takes is copied.

use bulkhead_compile::Needs;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use tracing::warn;

/// The type that Kubernetes gives to a certificate with its key.
const TLS_SECRET_TYPE: &str = "kubernetes.io/tls";
/// Keys that such a Secret has them under.
const KEYS: [&str; 2] = ["tls.crt", "tls.key"];
/// Keys under which Secrets of any type have issuers of certificates and what those have revoked. Neither is secret. They are copied
/// together or not at all: without the second whoever it shuts out would be let in.
const ISSUERS: [&str; 2] = ["ca.crt", "ca.crl"];
/// Longest value that is copied: a chain of certificates takes a tenth of it, and several values fit one Secret of the keyring.
const VALUE_BYTES: usize = 128 * 1024;

/// The entries of the Secret `place` that are copied. What is refused is told in the log, and routes that need it say so.
pub(super) fn entries(place: &str, secret: Secret, needs: Needs) -> Vec<(String, Vec<u8>)> {
    let kind = secret.type_.unwrap_or_default();
    let data = secret.data.unwrap_or_default();
    let fit = |key: &&str| data.get(*key).is_none_or(|value| fits(place, key, value));
    let mut keys: Vec<&str> = Vec::new();
    if needs.issuers && ISSUERS.iter().all(fit) {
        keys.extend(ISSUERS);
    }
    if needs.certificate && kind == TLS_SECRET_TYPE {
        keys.extend(KEYS.iter().filter(|key| fit(key)));
    } else if needs.certificate {
        warn!(
            secret = place,
            r#type = kind,
            "its certificate is not copied, for an Ingress may only refer to those in Secrets of type {TLS_SECRET_TYPE}"
        );
    }
    let known = data.iter().filter(|(key, _)| keys.contains(&key.as_str()));
    known.map(|(key, value)| (key.clone(), value.0.clone())).collect()
}

fn fits(place: &str, key: &str, value: &ByteString) -> bool {
    let fits = value.0.len() <= VALUE_BYTES;
    if !fits {
        warn!(secret = place, key, bytes = value.0.len(), most = VALUE_BYTES, "not copied, for it is too long");
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(of: &str, needs: Needs, data: &[(&str, usize)]) -> Vec<String> {
        let data = data.iter().map(|&(key, bytes)| (key.to_owned(), ByteString(vec![0; bytes]))).collect();
        let secret = Secret { type_: Some(of.to_owned()), data: Some(data), ..Secret::default() };
        entries("team/web", secret, needs).into_iter().map(|(key, _)| key).collect()
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
