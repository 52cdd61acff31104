//! The fields by which a request says where it comes from.

use crate::{Name, NameSet};

/// Names that say where a request comes from, and by which way. From an untrusted client they are all lies until proven
/// otherwise, and no client can make us withhold ours by nominating them in Connection.
pub const CLAIMS: NameSet = NameSet::of(&[
    Name::Forwarded,
    Name::SslClientCert,
    Name::SslClientIssuerDn,
    Name::SslClientSubjectDn,
    Name::SslClientVerify,
    Name::XForwardedFor,
    Name::XForwardedHost,
    Name::XForwardedPort,
    Name::XForwardedPrefix,
    Name::XForwardedProto,
    Name::XForwardedScheme,
    Name::XForwardedServer,
    Name::XOriginalForwardedFor,
    Name::XOriginalMethod,
    Name::XOriginalUri,
    Name::XOriginalUrl,
    Name::XRealIp,
    Name::XScheme,
]);

/// Beginnings of such names, in lower case, where those who set or believe them agree on no more.
pub const CLAIM_PREFIXES: &[&str] = &["x-forwarded-", "ssl-client-"];

/// Such names, in lower case, that [`Name`] does not know.
pub const OTHER_CLAIMS: &[&str] =
    &["true-client-ip", "x-client-ip", "x-cluster-client-ip", "x-original-host", "x-rewrite-url"];

/// Whether a field of this name says where a request comes from.
pub(crate) fn is_claim(name: &[u8]) -> bool {
    let begins =
        |prefix: &&str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()));
    CLAIMS.contains(Name::find(name))
        || CLAIM_PREFIXES.iter().any(begins)
        || OTHER_CLAIMS.iter().any(|other| other.as_bytes().eq_ignore_ascii_case(name))
}
