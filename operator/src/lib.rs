//! Placeholder while the house is being set up.
