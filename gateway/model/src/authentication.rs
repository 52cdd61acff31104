//! Who asks: by a password, by where the request comes from, or both.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::answer::Answer;
use crate::denial::Denial;
use crate::external_auth::ExternalAuth;
use crate::password::PasswordHash;
use crate::request::Fields;
use crate::settings::Network;

/// Longest name and password together, in bytes. People type far less, and some hashes take longer for a long password.
const MAX_CREDENTIALS_BYTES: usize = 512;
/// Longest realm, in bytes: browsers show a line of it.
const MAX_REALM_BYTES: usize = 256;

/// What a route asks of those who ask.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Authentication {
    /// How much of it is enough.
    pub satisfy: Satisfy,
    /// With [`Satisfy::Any`], those from here need show nothing.
    pub allow: Box<[Network]>,
    /// A name and a password.
    pub basic: Option<Basic>,
    /// Another service's word.
    pub external: Option<ExternalAuth>,
}

/// How much of what is asked is enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Satisfy {
    /// All of it.
    #[default]
    All,
    /// One thing.
    Any,
}

impl Authentication {
    /// Whether where the request comes from is enough.
    #[must_use]
    pub fn trusts(&self, client: IpAddr) -> bool {
        self.satisfy == Satisfy::Any && self.allow.iter().any(|network| network.contains(client))
    }
}

/// Names and passwords (RFC 7617).
#[derive(Clone, Debug, PartialEq)]
pub struct Basic {
    /// Whom it lets in.
    pub users: Arc<Users>,
    /// What those are told who are not let in.
    pub realm: Realm,
}

impl Basic {
    /// What the client is told that is not let in.
    #[must_use]
    pub fn challenge(&self, denial: Denial) -> Answer {
        let fields = vec![("WWW-Authenticate", self.realm.0.to_vec())];
        Answer { status: 401, fields, denial: Some(denial) }
    }
}

/// What a password is for, as people are shown it (RFC 9110 §11.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realm(Box<[u8]>);

impl Realm {
    /// A realm of this name; `None` if it is too long, or has control characters in it.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        if name.len() > MAX_REALM_BYTES || name.contains(char::is_control) {
            return None;
        }
        let mut challenge = b"Basic realm=\"".to_vec();
        for byte in name.bytes() {
            // What would end a quoted string (RFC 9110 §5.6.4).
            if matches!(byte, b'"' | b'\\') {
                challenge.push(b'\\');
            }
            challenge.push(byte);
        }
        challenge.push(b'"');
        Some(Self(challenge.into()))
    }
}

/// Users and the hashes of their passwords.
pub struct Users {
    /// Whose list it is: what waits to be checked takes turns by it, however many lists a namespace has.
    pub namespace: Arc<str>,
    /// Tells one list from every other that this process has known.
    pub version: u64,
    /// In order of name.
    entries: Box<[(Box<[u8]>, PasswordHash)]>,
}

/// Nothing of it must end up in a log.
impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Users").field("count", &self.entries.len()).finish_non_exhaustive()
    }
}

/// By version: no two lists have the same.
impl PartialEq for Users {
    fn eq(&self, other: &Self) -> bool {
        self.version == other.version
    }
}

impl Users {
    /// A list of a namespace. Of a name that comes twice the first entry counts.
    #[must_use]
    pub fn new(
        namespace: Arc<str>,
        version: u64,
        entries: impl IntoIterator<Item = (Box<[u8]>, PasswordHash)>,
    ) -> Self {
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        entries.dedup_by(|(next, _), (first, _)| next == first);
        Self { namespace, version, entries: entries.into() }
    }

    /// Whether there is such a user with this password. Takes long, and for a user who does not exist as long as for one who does.
    #[must_use]
    pub fn admit(&self, credentials: &Credentials) -> bool {
        let (name, password) = credentials.parts();
        match self.entries.binary_search_by(|(known, _)| (**known).cmp(name)) {
            Ok(at) => self.entries.get(at).is_some_and(|(_, hash)| hash.is_of(password)),
            Err(_) => {
                if let Some((_, hash)) = self.stand_in(name) {
                    let _ = hash.is_of(password);
                }
                false
            }
        }
    }

    /// Somebody whose password takes as long as that of `name` might: always the same for one name, or asking twice would tell.
    fn stand_in(&self, name: &[u8]) -> Option<&(Box<[u8]>, PasswordHash)> {
        let sum = name.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
        self.entries.get(sum.checked_rem(self.entries.len())?)
    }
}

/// A name and a password, as a client shows them.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Both, with a colon between.
    text: Box<[u8]>,
    colon: usize,
}

/// Nothing of it must end up in a log.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials")
    }
}

impl Credentials {
    /// Those that a request with these fields shows.
    ///
    /// # Errors
    /// [`Denial::CredentialsMissing`] if it shows none, [`Denial::CredentialsRefused`] if they cannot be read, or there are several.
    pub fn of(fields: &dyn Fields) -> Result<Self, Denial> {
        let mut shown = Vec::new();
        fields.each("authorization", &mut |value| shown.push(value));
        let value = match &*shown {
            [] => return Err(Denial::CredentialsMissing),
            [only] => only,
            // Whoever reads the other one sees somebody else.
            _ => return Err(Denial::CredentialsRefused),
        };
        let (scheme, rest) = value.split_at_checked("Basic ".len()).unwrap_or((value, b""));
        if !scheme.eq_ignore_ascii_case(b"Basic ") {
            return Err(Denial::CredentialsMissing);
        }
        Self::decode(rest.trim_ascii()).ok_or(Denial::CredentialsRefused)
    }

    fn decode(encoded: &[u8]) -> Option<Self> {
        if encoded.len() > MAX_CREDENTIALS_BYTES.div_ceil(3) * 4 {
            return None;
        }
        let text = BASIC.decode(encoded).ok()?;
        let colon = text.iter().position(|byte| *byte == b':')?;
        Some(Self { text: text.into(), colon })
    }

    /// The name and the password. A name has no colon, a password may (RFC 7617 §2).
    fn parts(&self) -> (&[u8], &[u8]) {
        let (name, rest) = self.text.split_at_checked(self.colon).unwrap_or_default();
        (name, rest.get(1..).unwrap_or_default())
    }

    /// Both, with a colon between.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }
}

/// As clients write credentials; some leave out what fills the last group.
const BASIC: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[cfg(test)]
mod tests;
