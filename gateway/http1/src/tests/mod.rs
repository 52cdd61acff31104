//! The codec as its callers see it.
