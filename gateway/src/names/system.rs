//! The nameservers that the system is told to ask.

use std::time::Duration;

use hickory_resolver::config::{LookupIpStrategy, ResolveHosts, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::Name;
use hickory_resolver::{Resolver, TokioResolver};

use super::{Answer, Lookup};

/// How long it holds that there is no such host: the same as is usual in clusters.
const NOTHING: Duration = Duration::from_secs(5);

/// Asks the nameservers of `resolv.conf`, and knows what is in the file of hosts.
pub struct System {
    resolver: TokioResolver,
}

impl System {
    /// What the system says now. Without a nameserver only the file of hosts is known.
    ///
    /// # Errors
    /// When that cannot be made a resolver of.
    pub fn new() -> Result<Self, NetError> {
        let mut builder = Resolver::builder_tokio().unwrap_or_else(|error| {
            tracing::warn!(%error, "no nameserver is known: names are not found, unless they are in the file of hosts");
            Resolver::builder_with_config(
                ResolverConfig::from_parts(None, Vec::new(), Vec::new()),
                TokioRuntimeProvider::default(),
            )
        });
        let options = builder.options_mut();
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.use_hosts_file = ResolveHosts::Always;
        // What is asked again is to be known anew.
        options.cache_size = 0;
        Ok(Self { resolver: builder.build()? })
    }
}

impl Lookup for System {
    async fn lookup(&self, name: &str) -> Result<Answer, String> {
        let mut full = Name::from_ascii(name).map_err(|error| error.to_string())?;
        full.set_fqdn(true);
        match self.resolver.lookup_ip(full).await {
            Ok(found) => {
                #[expect(clippy::disallowed_types, reason = "the resolver tells the end of an answer by this clock")]
                let ttl = found.valid_until().saturating_duration_since(std::time::Instant::now());
                Ok(Answer { addresses: found.iter().collect(), ttl })
            }
            Err(error) if error.is_no_records_found() => Ok(Answer { addresses: Vec::new(), ttl: NOTHING }),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_name_of_the_machine_itself_is_known_without_any_nameserver() {
        let answer = System::new().unwrap().lookup("localhost").await.unwrap();
        assert!(
            !answer.addresses.is_empty() && answer.addresses.iter().all(std::net::IpAddr::is_loopback),
            "{answer:?}"
        );
    }
}
