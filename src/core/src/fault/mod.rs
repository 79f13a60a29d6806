//! The faults. Each kind is one file: its fields in the document, its checks, what it does to an exchange in terms of
//! [`Effects`], and what it knows about itself ([`About`]).
//!
//! # Adding a fault kind
//!
//! 1. Write `fault/<kind>.rs`, as below. If no field of [`Effects`] can say what the kind does, add one there, and have the
//!    engine carry it out.
//! 2. Add a line to the list in [`crate::kind`], where it belongs in the order in which faults act on an exchange.
//! 3. Build. The compiler asks for the `pub mod` in this file and for whatever [`Fault`] and [`About`] still need.
//! 4. Test. `cargo test -p brownout-cli --test registry` names what is missing: a scenario in `tests/scenarios/<kind>.yaml`, a
//!    section in docs/faults.md, a row in README.md and in the tables of docs/document.md and docs/metrics.md.
//!
//! A whole kind, which a test of this module compiles and runs:
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

/// What every fault can do.
pub trait Fault {
    /// Its own percentage, if the document gives one: the share of the rule's requests that suffer it.
    fn share(&self) -> Option<FractionalPercent>;

    /// The share of requests like this one: a request may ask for less.
    fn percentage(&self, request: &dyn RequestView) -> FractionalPercent {
        let _ = request;
        self.share().unwrap_or(FractionalPercent::ALWAYS)
    }

    /// Says what it does to this request. `false` if it turns out to do nothing.
    fn apply(&self, request: &dyn RequestView, entropy: &mut dyn Entropy, effects: &mut Effects) -> bool;
}

/// What a kind knows about itself. Nothing has a default: the compiler asks whoever adds a kind.
pub trait About {
    /// The smallest fault of the kind, as JSON.
    const EXAMPLE: &'static str;
    /// When it begins: then it is counted.
    const BEGINS: Begins;
    /// Whether it ends the exchange, so that none of the later kinds happens.
    const ENDS: bool;
    /// Whether the backend gets another request because of it. If the exchange ends before, nobody sees the change.
    const CHANGES_REQUEST: bool;
    /// Whether it does nothing to a request without a body.
    const NEEDS_REQUEST_BODY: bool;
    /// What a client sees, if neither a wait nor an end shows it: `is changed`.
    const SEEN: Option<&'static str>;

    /// Whether the request or its response decides, rather than the document, if it does something.
    fn is_conditional(&self) -> bool;

    /// Whether it can reset a stream.
    fn resets(&self) -> bool;

    /// Whether it can be the reason why a client gets this status.
    fn answers_with(&self, status: u16) -> bool;

    /// What happens to requests, in the plural: `wait 2s before they are forwarded`.
    fn words(&self) -> String;
}

/// When a fault begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begins {
    /// With the request, before it is held if it is.
    WithRequest,
    /// With the end of the exchange, after it was held if it was.
    WithEnd,
    /// With the response.
    WithResponse,
}

/// A fault of a document, for descriptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its kind.
    pub kind: Kind,
    /// [`Fault::share`].
    pub share: Option<FractionalPercent>,
    /// [`About::is_conditional`].
    pub is_conditional: bool,
    /// [`About::words`].
    pub words: String,
}

macro_rules! faults {
    ($($(#[$($doc:tt)*])* $field:ident: $Kind:ident, $counter:literal;)+) => {
        // A rule has one or two of them: the others take no more than a pointer.
        /// The faults of one rule.
        #[derive(Debug, Clone, Default)]
        pub struct Faults {
            $($(#[$($doc)*])* pub $field: Option<alloc::boxed::Box<$field::$Kind>>,)+
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
                    <$field::$Kind as crate::decode::Decode>::schema(definitions),
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

            /// The same for descriptions.
            pub fn lines(&self) -> Vec<Line> {
                let lines = [$(self.$field.as_deref().map(|fault| Line {
                    kind: Kind::$Kind,
                    share: fault.share(),
                    is_conditional: fault.is_conditional(),
                    words: About::words(fault),
                })),+];
                lines.into_iter().flatten().collect()
            }

            /// Whether one of them can reset a stream.
            pub fn reset(&self) -> bool {
                $(self.$field.as_deref().is_some_and(|fault| fault.resets()))||+
            }

            /// Whether one of them can be the reason why a client gets this status.
            pub fn answer_with(&self, status: u16) -> bool {
                $(self.$field.as_deref().is_some_and(|fault| fault.answers_with(status)))||+
            }
        }

        impl Kind {
            /// [`About::EXAMPLE`].
            pub fn example(self) -> &'static str {
                match self { $(Self::$Kind => $field::$Kind::EXAMPLE,)+ }
            }

            /// [`About::BEGINS`].
            pub fn begins(self) -> Begins {
                match self { $(Self::$Kind => $field::$Kind::BEGINS,)+ }
            }

            /// [`About::ENDS`].
            pub fn ends(self) -> bool {
                match self { $(Self::$Kind => $field::$Kind::ENDS,)+ }
            }

            /// [`About::CHANGES_REQUEST`].
            pub fn changes_request(self) -> bool {
                match self { $(Self::$Kind => $field::$Kind::CHANGES_REQUEST,)+ }
            }

            /// [`About::NEEDS_REQUEST_BODY`].
            pub fn needs_request_body(self) -> bool {
                match self { $(Self::$Kind => $field::$Kind::NEEDS_REQUEST_BODY,)+ }
            }

            /// [`About::SEEN`].
            pub fn seen(self) -> Option<&'static str> {
                match self { $(Self::$Kind => $field::$Kind::SEEN,)+ }
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
        // Of a request that goes nowhere, nobody sees how it was changed.
        if effects.end.is_some() && effects.request.take().is_some() {
            kinds = kinds.iter().filter(|kind| !kind.changes_request()).collect();
        }
        (effects, kinds)
    }
}

/// One draw. Certainties need no entropy.
pub fn draws(percentage: FractionalPercent, entropy: &mut dyn Entropy) -> bool {
    percentage.is_always() || (!percentage.is_never() && percentage.includes(entropy.next_u64()))
}
