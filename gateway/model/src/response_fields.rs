//! Fields that every response of a route gets, instead of what its backend says under their names.

/// Names as they are written, and values. None of them frames a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseFields(pub Box<[ResponseField]>);

/// The name of a field, and its value.
pub type ResponseField = (Box<str>, Box<[u8]>);

impl ResponseFields {
    /// Bytes of all names and values together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}
