//! Who may ask, by address.

use std::net::IpAddr;

use crate::denial::Denial;
use crate::settings::Network;

/// Address blocks that are let in, and others that are not. Those that are not count first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessList {
    /// Nobody from here.
    pub deny: Box<[Network]>,
    /// Nobody from elsewhere; `None`: everybody else.
    pub allow: Option<Box<[Network]>>,
}

impl AccessList {
    /// Whether a client may ask.
    ///
    /// # Errors
    /// [`Denial::AddressRefused`] if it may not.
    pub fn admit(&self, client: IpAddr) -> Result<(), Denial> {
        let has = |list: &[Network]| list.iter().any(|network| network.contains(client));
        let is_in = !has(&self.deny) && self.allow.as_deref().is_none_or(has);
        if is_in { Ok(()) } else { Err(Denial::AddressRefused) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str, prefix: u8) -> Network {
        Network { address: text.parse().unwrap(), prefix }
    }

    #[test]
    fn whoever_is_shut_out_is_out_even_if_let_in_as_well() {
        let list = AccessList {
            deny: [block("10.1.0.0", 16)].into(),
            allow: Some([block("10.0.0.0", 8), block("fd00::", 8)].into()),
        };
        for (client, is_in) in
            [("10.2.0.1", true), ("10.1.0.1", false), ("192.0.2.1", false), ("fd00::1", true), ("2001:db8::1", false)]
        {
            assert_eq!(list.admit(client.parse().unwrap()).is_ok(), is_in, "{client}");
        }
        let list = AccessList { allow: None, ..list };
        assert!(list.admit("192.0.2.1".parse().unwrap()).is_ok());
        assert_eq!(
            AccessList { allow: Some([].into()), ..list }.admit("192.0.2.1".parse().unwrap()),
            Err(Denial::AddressRefused)
        );
    }
}
