//! Fields that every response of a route gets, instead of what its backend says under their names.

/// Names as they are written, and values. None of them frames a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseFields(pub Box<[ResponseField]>);

/// The name of a field, and its value.
pub type ResponseField = (Box<str>, Box<[u8]>);
