//! Which fields somebody wrote, as `managedFields` tell, without a tree of them.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Whether `fieldsV1` names the path that `P` is. It is a tree that its writer shapes, so nothing in it is an error.
pub(super) struct Has<P>(bool, PhantomData<P>);

impl<P> Has<P> {
    pub(super) const fn found(&self) -> bool {
        self.0
    }
}

/// One step of a path, and what must be beneath it.
pub(super) trait Path {
    /// The key.
    const KEY: &'static str;
    /// Whether the value, which `map` is about to give, has the rest.
    fn rest<'de, A: MapAccess<'de>>(map: &mut A) -> Result<bool, A::Error>;
}

/// `status.loadBalancer`.
pub(super) struct InStatus;
struct Balancers;

impl Path for InStatus {
    const KEY: &'static str = "f:status";

    fn rest<'de, A: MapAccess<'de>>(map: &mut A) -> Result<bool, A::Error> {
        Ok(map.next_value::<Has<Balancers>>()?.0)
    }
}

impl Path for Balancers {
    const KEY: &'static str = "f:loadBalancer";

    fn rest<'de, A: MapAccess<'de>>(map: &mut A) -> Result<bool, A::Error> {
        map.next_value::<IgnoredAny>().map(|_| true)
    }
}

impl<'de, P: Path> Deserialize<'de> for Has<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self(false, PhantomData))
    }
}

impl<'de, P: Path> Visitor<'de> for Has<P> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == P::KEY {
                self.0 |= P::rest(&mut map)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(self)
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }
}
