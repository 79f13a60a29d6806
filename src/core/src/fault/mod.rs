//! The faults. Each kind is one file: its fields in the document, its checks, and what it does to an exchange, said
//! in terms of [`Effects`].
//!
//! # Adding a fault kind
//!
//! Write `fault/<kind>.rs` with a type that implements [`Fault`], and name it in `faults!` below, at its place in the
//! order in which faults act on an exchange. If no field of [`Effects`] can say what the kind does, add one there, and
//! have the engine carry it out.

pub mod abort;
pub mod delay;
pub mod hang;
pub mod rate_limit;
pub mod request;
pub mod reset;
pub mod response;

use crate::decode::{Decoder, Field, Fields, Refused};
use crate::effect::Effects;
use crate::entropy::Entropy;
use crate::kind::{Kind, Kinds, kinds};
use crate::value::percent::FractionalPercent;
use crate::view::RequestView;
use abort::Abort;
use delay::Delay;
use hang::Hang;
use rate_limit::{RequestRateLimit, ResponseRateLimit};
use request::Request;
use reset::Reset;
use response::Response;
use serde::ser::SerializeMap;

/// What every kind of fault can do.
pub trait Fault {
    /// The share of the rule's requests that suffer it: all, if the document does not say. A request may ask for less.
    fn percentage(&self, request: &dyn RequestView) -> FractionalPercent;

    /// Says what it does to this request. `false` if it turns out to do nothing.
    fn apply(&self, request: &dyn RequestView, entropy: &mut dyn Entropy, effects: &mut Effects) -> bool;
}

macro_rules! faults {
    ($($(#[$($doc:tt)*])* $field:ident: $Kind:ident, $counter:literal;)+) => {
        // A rule has one or two of them: the others take no more than a pointer.
        /// The faults of one rule.
        #[derive(Debug, Clone, Default)]
        pub struct Faults {
            $($(#[$($doc)*])* pub $field: Option<alloc::boxed::Box<$Kind>>,)+
        }

        impl Faults {
            /// The names of the fields in a rule.
            pub const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];

            /// Takes them out of a rule.
            pub fn read(fields: &Fields<'_>, decoder: &mut Decoder) -> Result<Self, Refused> {
                $(let $field = Field::read(fields, stringify!($field), decoder);)+
                let ($(Ok($field),)+) = ($($field,)+) else { return Err(decoder.refused()) };
                Ok(Self { $($field,)+ })
            }

            /// Adds them to a description.
            #[cfg(feature = "schema")]
            pub fn describe(object: &mut crate::decode::describe::Object, definitions: &mut crate::decode::describe::Definitions) {
                $(object.add(
                    stringify!($field),
                    &[$(crate::decode::object!(@doc $($doc)*)),*],
                    false,
                    <$Kind as crate::decode::Decode>::schema(definitions),
                );)+
            }

            /// Puts them into a rule.
            ///
            /// # Errors
            /// The serializer's.
            pub fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                $(self.$field.write(stringify!($field), map)?;)+
                Ok(())
            }

            /// Those that are there, in the order in which they act.
            pub fn iter(&self) -> impl Iterator<Item = (Kind, &dyn Fault)> {
                [$(self.$field.as_deref().map(|fault| (Kind::$Kind, fault as &dyn Fault))),+].into_iter().flatten()
            }
        }
    };
}

kinds!(faults);

impl Faults {
    /// Tells of the headers of replies that they set or remove.
    pub(crate) fn reply_headers(&self, tell: &mut dyn FnMut(&str)) {
        if let Some(headers) = self.abort.as_ref().and_then(|abort| abort.headers.as_ref()) {
            headers.iter().for_each(|(name, _)| tell(name));
        }
        if let Some(changes) = self.response.as_ref().and_then(|response| response.0.headers.as_ref()) {
            changes.names(tell);
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// What happens to a request that the rule has taken: an independent draw for each fault.
    pub fn draw(&self, request: &dyn RequestView, entropy: &mut dyn Entropy) -> (Effects, Kinds) {
        let mut effects = Effects::default();
        let mut kinds = Kinds::default();
        for (kind, fault) in self.iter() {
            if draws(fault.percentage(request), entropy) && fault.apply(request, entropy, &mut effects) {
                kinds.insert(kind);
            }
        }
        if effects.end.is_some() {
            // Nobody will see how the request was changed.
            effects.request = None;
            kinds.remove(Kind::Request);
        }
        (effects, kinds)
    }
}

/// One draw. Certainties need no entropy.
pub fn draws(percentage: FractionalPercent, entropy: &mut dyn Entropy) -> bool {
    percentage.is_always() || (!percentage.is_never() && percentage.includes(entropy.next_u64()))
}
