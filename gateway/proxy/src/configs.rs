//! The configurations that TLS handshakes go on with.
//!
//! One for each policy, not for each host: made when it is first wanted, and kept for the life of the process. The keys of session tickets
//! live in it, so sessions can be resumed across every change that leaves the policy of their host as it is, and never under another
//! policy than they were begun with. There are no more configurations than there are policies, whoever writes them: a thousand, of two
//! kilobytes each.

use std::fmt;
use std::sync::{Arc, OnceLock};

use bulkhead_model::ClientAuth;
use bulkhead_model::ciphers::Ciphers;
use bulkhead_model::tls::{MinVersion, TlsPolicy};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{NoServerSessionStorage, ResolvesServerCert};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};

use crate::peer::Asking;
use crate::protocol::Protocol;
use crate::tickets::Tickets;

/// Versions of TLS that are spoken, the better one first.
const BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
/// The same where RFC 5246 is not accepted.
const NEWER: &[&SupportedProtocolVersion] = &[&TLS13];

/// Policies that can be told apart: two versions, four switches' worth of the rest, and every set of ciphers.
const POLICIES: usize = (Ciphers::ALL.bits() as usize + 1) << 4;

/// Every configuration that was wanted so far.
pub(crate) struct Configs {
    provider: Arc<CryptoProvider>,
    certificates: Arc<dyn ResolvesServerCert>,
    /// By [`place`].
    made: Box<[OnceLock<Arc<ServerConfig>>]>,
}

impl Configs {
    pub(crate) fn new(certificates: Arc<dyn ResolvesServerCert>) -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        Self { provider, certificates, made: (0..POLICIES).map(|_| OnceLock::new()).collect() }
    }

    /// The configuration of a policy; always the same one.
    ///
    /// # Errors
    /// When the system gives no randomness for ticket keys.
    pub(crate) fn get(&self, policy: TlsPolicy) -> Result<Arc<ServerConfig>, rustls::Error> {
        let Some(place) = self.made.get(place(policy)) else { return self.make(policy).map(Arc::new) };
        match place.get() {
            Some(config) => Ok(Arc::clone(config)),
            None => {
                let made = Arc::new(self.make(policy)?);
                // Another thread may have been faster: then its keys count, and these have sealed nothing yet.
                Ok(Arc::clone(place.get_or_init(|| made)))
            }
        }
    }

    /// A configuration that asks for client certificates: a few small allocations, beside a handshake that costs a thousand times that.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub(crate) fn asking(&self, policy: TlsPolicy, asked: &[Arc<ClientAuth>]) -> Result<ServerConfig, rustls::Error> {
        let subjects = match asked {
            [only] => Arc::clone(only.roots.subjects()),
            // Those of one policy would keep clients from showing what another wants.
            _ => Arc::default(),
        };
        let algorithms = self.provider.signature_verification_algorithms;
        let verifier = Arc::new(Asking { subjects, algorithms });
        let builder = ServerConfig::builder_with_provider(self.provider_of(policy.ciphers))
            .with_protocol_versions(versions(policy))?
            .with_client_cert_verifier(verifier);
        let mut config = builder.with_cert_resolver(Arc::clone(&self.certificates));
        apply(policy, &mut config);
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    fn make(&self, policy: TlsPolicy) -> Result<ServerConfig, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(self.provider_of(policy.ciphers))
            .with_protocol_versions(versions(policy))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.certificates));
        apply(policy, &mut config);
        if policy.tickets {
            config.ticketer = Arc::new(Tickets::new()?);
        } else {
            config.send_tls13_tickets = 0;
        }
        Ok(config)
    }

    fn provider_of(&self, ciphers: Ciphers) -> Arc<CryptoProvider> {
        if ciphers == Ciphers::ALL {
            return Arc::clone(&self.provider);
        }
        let mut provider = CryptoProvider::clone(&self.provider);
        provider.cipher_suites.retain(|suite| ciphers.allow(suite.suite()));
        Arc::new(provider)
    }
}

impl fmt::Debug for Configs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configs").finish_non_exhaustive()
    }
}

/// Where the configuration of a policy is kept: another place for every other policy.
fn place(policy: TlsPolicy) -> usize {
    let TlsPolicy { min_version, tickets, http2, ciphers, server_order } = policy;
    let switches = [min_version == MinVersion::V13, tickets, http2, server_order];
    switches.into_iter().fold(usize::from(ciphers.bits()), |place, switch| place << 1 | usize::from(switch))
}

/// What a policy says that is not said by the way a configuration is built.
fn apply(policy: TlsPolicy, config: &mut ServerConfig) {
    config.alpn_protocols = Protocol::offered(policy).iter().map(|protocol| protocol.id().to_vec()).collect();
    config.ignore_client_order = policy.server_order;
    // Sessions are held by clients, in tickets, or by nobody: what a server holds for each client is not bounded.
    config.session_storage = Arc::new(NoServerSessionStorage {});
}

const fn versions(policy: TlsPolicy) -> &'static [&'static SupportedProtocolVersion] {
    match policy.min_version {
        MinVersion::V12 => BOTH,
        MinVersion::V13 => NEWER,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_policy_has_a_place_of_its_own() {
        let mut places = BTreeSet::new();
        for switches in 0..16_u8 {
            let [newer, tickets, http2, server_order] = [1, 2, 4, 8].map(|bit| switches & bit != 0);
            for ciphers in (0..=u8::MAX).filter_map(Ciphers::of_bits).collect::<BTreeSet<_>>() {
                let min_version = if newer { MinVersion::V13 } else { MinVersion::V12 };
                assert!(places.insert(place(TlsPolicy { min_version, tickets, http2, ciphers, server_order })));
            }
        }
        assert_eq!(places.len(), 63 * 16);
        assert!(places.into_iter().all(|place| place < POLICIES));
    }
}
