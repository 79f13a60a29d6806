//! Decodes JSON values into checked types, and reports every mistake with its path.
//!
//! serde's derive stops at the first mistake and does not report its path, so the document has its own decoder:
//! [`Decode`] for a value, [`Fields`] for an object, and the `object!` macro for an object whose fields map one to one
//! to a struct.

mod choice;
mod decoder;
#[cfg(feature = "schema")]
pub mod describe;
pub mod diagnostic;
pub mod dictionary;
mod fields;
pub mod json;
mod nothing;
mod number;
mod object;
pub mod path;
mod spelling;
pub mod wire;
mod words;

pub(crate) use choice::choice;
pub use decoder::{Decoder, Refused};
pub use fields::Fields;
pub use nothing::Nothing;
pub use number::{Count, integer};
pub use object::Field;
pub(crate) use object::object;
pub use spelling::{closest, listed, snake};
pub(crate) use words::{is_word, words};

use crate::decode::json::Json;
use crate::decode::path::Segment;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// Defines the JSON Schema of a type with a hand-written decoder, as part of its [`Decode`].
macro_rules! schema {
    (|$definitions:pat_param| $schema:expr) => {
        #[cfg(feature = "schema")]
        fn schema($definitions: &mut crate::decode::describe::Definitions) -> serde_json::Value {
            $schema
        }
    };
}
pub(crate) use schema;

/// A type that can be decoded from a JSON value.
pub trait Decode: Sized {
    /// The expected value, as messages describe it: `a duration such as "250ms"`.
    const EXPECTED: &'static str;
    /// A hint for a document that omits the value.
    const IF_MISSING: Option<&'static str> = None;

    /// Decodes the value.
    ///
    /// # Errors
    /// The value is invalid, and every mistake in it has been reported.
    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused>;

    /// Returns the JSON Schema of the type.
    #[cfg(feature = "schema")]
    fn schema(_: &mut crate::decode::describe::Definitions) -> serde_json::Value {
        crate::decode::describe::by_words(Self::EXPECTED)
    }
}

impl Decode for bool {
    const EXPECTED: &'static str = "`true` or `false`";

    schema!(|_| serde_json::json!({ "type": "boolean" }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        match json {
            Json::Bool(value) => Ok(*value),
            other => decoder.wrong_type("value", other, Self::EXPECTED),
        }
    }
}

impl Decode for String {
    const EXPECTED: &'static str = "a string";

    schema!(|_| serde_json::json!({ "type": "string" }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        match json {
            Json::String(value) => Ok(value.clone()),
            other => decoder.wrong_type("value", other, Self::EXPECTED),
        }
    }
}

impl<T: Decode> Decode for Box<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const IF_MISSING: Option<&'static str> = T::IF_MISSING;

    schema!(|definitions| T::schema(definitions));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        T::decode(json, decoder).map(Self::new)
    }
}

impl<T: Decode> Decode for Vec<T> {
    const EXPECTED: &'static str = "a list";

    schema!(|definitions| serde_json::json!({ "type": "array", "items": T::schema(definitions) }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let Json::Array(elements) = json else {
            return decoder.wrong_type("value", json, Self::EXPECTED);
        };
        // Do not preallocate for every element of a hostile list.
        let mut decoded = Self::with_capacity(elements.len().min(1024));
        let mut good = Ok(());
        for (index, element) in elements.iter().enumerate() {
            match decoder.within(Segment::Index(index), |d| T::decode(element, d)) {
                // Once one element is invalid the list is refused, but every element still reports its own mistakes.
                Ok(value) if good.is_ok() => decoded.push(value),
                Ok(_) => {}
                Err(refused) => good = Err(refused),
            }
        }
        good.map(|()| decoded)
    }
}
