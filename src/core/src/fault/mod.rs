//! The faults. Each kind has its own file: its fields in the document, its checks, its [`Effects`] on an exchange, and
//! its properties ([`About`]).
//!
//! # Adding a fault kind
//!
//! 1. Write `fault/<kind>.rs`, as below. If no field of [`Effects`] can express what the kind does, add one there, and
//!    implement it in the engine.
//! 2. Add a line to the list in [`crate::kind`], where it belongs in the order in which faults act on an exchange.
//! 3. Build. The compiler asks for the `pub mod` in this file and for whatever [`Fault`] and [`About`] still need.
//! 4. Test. `cargo test -p brownout-cli --test registry` names what is missing: a scenario in `tests/scenarios/<kind>.yaml`, a
//!    section in docs/faults.md, a row in README.md and in the tables of docs/document.md and docs/metrics.md, and a case in
//!    each suite that tries all kinds. The suite `neighbours` does not compile without one.
//!
//! A complete kind, which a test of this module compiles and runs:
//! ```text
#![doc = include_str!("teapot.rs")]
//! ```

pub mod abort;
pub mod delay;
pub mod hang;
pub mod request;
pub mod request_rate_limit;
pub mod reset;
pub mod response;
pub mod response_rate_limit;
#[cfg(test)]
mod teapot;
#[cfg(test)]
mod tests;

use crate::decode::{Decoder, Field, Fields, Refused};
use crate::effect::Effects;
use crate::entropy::Entropy;
use crate::kind::{Kind, Kinds, kinds};
use crate::value::percent::FractionalPercent;
use crate::view::RequestView;
use alloc::string::String;
use alloc::vec::Vec;
use serde::ser::SerializeMap;

/// The behavior of a fault.
pub trait Fault {
    /// Returns the fault's own percentage, if the document sets one: the share of the rule's requests that get the
    /// fault.
    fn share(&self) -> Option<FractionalPercent>;

    /// Returns the share for requests like this one: a request may ask for less.
    fn percentage(&self, request: &dyn RequestView) -> FractionalPercent {
        let _ = request;
        self.share().unwrap_or(FractionalPercent::ALWAYS)
    }

    /// Adds the fault's effects on this request. Returns `false` if there are none.
    fn apply(&self, request: &dyn RequestView, entropy: &mut dyn Entropy, effects: &mut Effects) -> bool;
}

/// The properties of a kind. None has a default, so the compiler asks for all of them when a kind is added.
pub trait About {
    /// The smallest fault of the kind, as JSON.
    const EXAMPLE: &'static str;
    /// The point at which the fault begins, which is when it is counted.
    const BEGINS: Begins;
    /// True if it ends the exchange, so that no later kind applies.
    const ENDS: bool;
    /// True if it changes the request that the backend gets. If the exchange ends first, the change has no effect.
    const CHANGES_REQUEST: bool;
    /// True if it does nothing to a request without a body.
    const NEEDS_REQUEST_BODY: bool;
    /// A verb phrase for what happens to the request, if neither a delay nor an end shows it: `is changed`.
    const SEEN: Option<&'static str>;

    /// Returns whether it depends on the request or its response whether the fault does anything.
    fn is_conditional(&self) -> bool;

    /// Returns whether the fault can reset a stream.
    fn resets(&self) -> bool;

    /// Returns whether the fault can cause a client to get this status.
    fn answers_with(&self, status: u16) -> bool;

    /// Calls `tell` with the name of each reply header that it sets or removes.
    fn reply_headers(&self, tell: &mut dyn FnMut(&str));

    /// Describes what happens to requests, in the plural: `wait 2s before they are forwarded`.
    fn words(&self) -> String;
}

/// The point at which a fault begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begins {
    /// With the request, before any delay.
    WithRequest,
    /// With the end of the exchange, after any delay.
    WithEnd,
    WithResponse,
}

/// A fault of a document, for descriptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub kind: Kind,
    pub share: Option<FractionalPercent>,
    /// True if the fault may do nothing, depending on the request or its response.
    pub is_conditional: bool,
    /// The description that [`About::words`] gives.
    pub words: String,
}

macro_rules! faults {
    ($($(#[$($doc:tt)*])* $field:ident: $Kind:ident, $counter:literal;)+) => {
        // Boxed, because a rule has only one or two of them: the others take only a pointer.
        /// The faults of one rule.
        #[derive(Debug, Clone, Default)]
        pub struct Faults {
            $($(#[$($doc)*])* pub $field: Option<alloc::boxed::Box<$field::$Kind>>,)+
        }

        impl Faults {
            /// The names of the fields in a rule.
            pub const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];

            /// Decodes the faults from the fields of a rule.
            pub fn read(fields: &Fields<'_>, decoder: &mut Decoder) -> Result<Self, Refused> {
                $(let $field = Field::read(fields, stringify!($field), decoder);)+
                let ($(Ok($field),)+) = ($($field,)+) else { return Err(decoder.refused()) };
                Ok(Self { $($field,)+ })
            }

            /// Adds the faults to a JSON Schema.
            #[cfg(feature = "schema")]
            pub fn describe(object: &mut crate::decode::describe::Object, definitions: &mut crate::decode::describe::Definitions) {
                $(object.add(
                    stringify!($field),
                    &[$(crate::decode::object!(@doc $($doc)*)),*],
                    false,
                    <$field::$Kind as crate::decode::Decode>::schema(definitions),
                );)+
            }

            /// Serializes the faults into a rule.
            ///
            /// # Errors
            /// The serializer's.
            pub fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                $(self.$field.write(stringify!($field), map)?;)+
                Ok(())
            }

            /// Iterates over the faults that are set, in the order in which they apply.
            pub fn iter(&self) -> impl Iterator<Item = (Kind, &dyn Fault)> {
                [$(self.$field.as_deref().map(|fault| (Kind::$Kind, fault as &dyn Fault))),+].into_iter().flatten()
            }

            /// Returns the faults that are set, for descriptions.
            pub fn lines(&self) -> Vec<Line> {
                let lines = [$(self.$field.as_deref().map(|fault| Line {
                    kind: Kind::$Kind,
                    share: fault.share(),
                    is_conditional: fault.is_conditional(),
                    words: About::words(fault),
                })),+];
                lines.into_iter().flatten().collect()
            }

            /// Calls `tell` with the name of each reply header that the faults set or remove.
            pub(crate) fn reply_headers(&self, tell: &mut dyn FnMut(Kind, &str)) {
                $(self.$field.as_deref().into_iter().for_each(|fault| {
                    fault.reply_headers(&mut |name| tell(Kind::$Kind, name));
                });)+
            }

            /// Returns whether one of the faults can reset a stream.
            pub fn reset(&self) -> bool {
                $(self.$field.as_deref().is_some_and(|fault| fault.resets()))||+
            }

            /// Returns whether one of the faults can cause a client to get this status.
            pub fn answer_with(&self, status: u16) -> bool {
                $(self.$field.as_deref().is_some_and(|fault| fault.answers_with(status)))||+
            }
        }

        impl Kind {
            /// Returns [`About::EXAMPLE`] for this kind.
            pub fn example(self) -> &'static str {
                match self { $(Self::$Kind => $field::$Kind::EXAMPLE,)+ }
            }

            /// Returns [`About::BEGINS`] for this kind.
            pub fn begins(self) -> Begins {
                match self { $(Self::$Kind => $field::$Kind::BEGINS,)+ }
            }

            /// Returns [`About::ENDS`] for this kind.
            pub fn ends(self) -> bool {
                match self { $(Self::$Kind => $field::$Kind::ENDS,)+ }
            }

            /// Returns [`About::CHANGES_REQUEST`] for this kind.
            pub fn changes_request(self) -> bool {
                match self { $(Self::$Kind => $field::$Kind::CHANGES_REQUEST,)+ }
            }

            /// Returns [`About::NEEDS_REQUEST_BODY`] for this kind.
            pub fn needs_request_body(self) -> bool {
                match self { $(Self::$Kind => $field::$Kind::NEEDS_REQUEST_BODY,)+ }
            }

            /// Returns [`About::SEEN`] for this kind.
            pub fn seen(self) -> Option<&'static str> {
                match self { $(Self::$Kind => $field::$Kind::SEEN,)+ }
            }
        }
    };
}

kinds!(faults);

impl Faults {
    /// Returns whether there are no faults.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Draws the effects on a request that the rule has taken, with an independent draw for each fault.
    pub fn draw(&self, request: &dyn RequestView, entropy: &mut dyn Entropy) -> (Effects, Kinds) {
        let mut effects = Effects::default();
        let mut kinds = Kinds::default();
        for (kind, fault) in self.iter() {
            if draws(fault.percentage(request), entropy) && fault.apply(request, entropy, &mut effects) {
                kinds.insert(kind);
            }
        }
        // A change to a request that is not forwarded has no effect.
        if effects.end.is_some() && effects.request.take().is_some() {
            kinds = kinds.iter().filter(|kind| !kind.changes_request()).collect();
        }
        (effects, kinds)
    }
}

/// Makes one draw. 0 % and 100 % need no entropy.
pub fn draws(percentage: FractionalPercent, entropy: &mut dyn Entropy) -> bool {
    percentage.is_always() || (!percentage.is_never() && percentage.includes(entropy.next_u64()))
}
