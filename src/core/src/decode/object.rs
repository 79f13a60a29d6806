//! An object whose fields map one to one to a struct.

use super::{Decode, Decoder, Fields, Refused};
use serde::Serialize;
use serde::ser::SerializeMap;

/// The type of a struct's field: `T` is required, `Option<T>` is optional.
pub trait Field: Sized {
    /// Decodes the field from an object.
    ///
    /// # Errors
    /// The field is missing or invalid.
    fn read(fields: &Fields<'_>, name: &str, decoder: &mut Decoder) -> Result<Self, Refused>;
    /// Serializes the field into an object, unless it is absent.
    ///
    /// # Errors
    /// The serializer's.
    fn write<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error>;
    /// Returns whether the field is required, and its JSON Schema.
    #[cfg(feature = "schema")]
    fn describe(definitions: &mut crate::decode::describe::Definitions) -> (bool, serde_json::Value);
}

impl<T: Decode + Serialize> Field for T {
    fn read(fields: &Fields<'_>, name: &str, decoder: &mut Decoder) -> Result<Self, Refused> {
        fields.required(name, decoder)
    }

    fn write<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry(name, self)
    }

    #[cfg(feature = "schema")]
    fn describe(definitions: &mut crate::decode::describe::Definitions) -> (bool, serde_json::Value) {
        (true, <T as Decode>::schema(definitions))
    }
}

impl<T: Decode + Serialize> Field for Option<T> {
    fn read(fields: &Fields<'_>, name: &str, decoder: &mut Decoder) -> Result<Self, Refused> {
        fields.optional(name, decoder)
    }

    fn write<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error> {
        self.as_ref().map_or(Ok(()), |value| map.serialize_entry(name, value))
    }

    #[cfg(feature = "schema")]
    fn describe(definitions: &mut crate::decode::describe::Definitions) -> (bool, serde_json::Value) {
        (false, T::schema(definitions))
    }
}

/// Defines a struct for a JSON object: decoded field by field with all mistakes reported at once, and serialized back.
///
/// `later` names fields that are planned but refused by this release. `fields` is a function that checks which fields
/// are set, before they are decoded; `check` checks the struct, if all fields were valid. Of the fields in `exactly_one`,
/// one must be set; its messages are for none of them and for several.
macro_rules! object {
    (
        $(#[$($meta:tt)*])*
        pub struct $Name:ident {
            $($(#[$($field_meta:tt)*])* pub $field:ident $(as $json:literal)? : $Type:ty,)+
        }
        $(later [$($later:literal),*])?
        $(exactly_one [$($one:literal),+] else $none:literal, $several:literal)?
        $(fields($check_fields:path))?
        $(check $check:path)?
    ) => {
        $(#[$($meta)*])*
        pub struct $Name {
            $($(#[$($field_meta)*])* pub $field: $Type,)+
        }

        impl $Name {
            /// The names of the fields in a document.
            pub const FIELDS: &'static [&'static str] = &[$($crate::decode::object!(@name $field $($json)?)),+];
        }

        impl $crate::decode::Decode for $Name {
            const EXPECTED: &'static str = "an object";

            fn decode(json: &$crate::decode::json::Json, decoder: &mut $crate::decode::Decoder) -> Result<Self, $crate::decode::Refused> {
                let fields = $crate::decode::Fields::of(json, decoder, &[Self::FIELDS], &[$($($later),*)?])?;
                let chosen = Ok::<(), $crate::decode::Refused>(());
                $(let chosen = fields.exactly_one(&[$($one),+], $none, $several, decoder).and(chosen);)?
                $($check_fields(&fields, decoder);)?
                $(let $field = $crate::decode::Field::read(
                    &fields, $crate::decode::object!(@name $field $($json)?), decoder);)+
                // All at once: an early return for each field would have to drop the others, which is a lot of code.
                let ($(Ok($field),)+) = ($($field,)+) else { return Err(decoder.refused()) };
                chosen?;
                let value = Self { $($field,)+ };
                let checked = decoder.take_memory(size_of::<Self>());
                $(let checked = $check(&value, decoder).and(checked);)?
                checked.map(|()| value)
            }

            $crate::decode::schema!(|definitions| definitions.object(stringify!($Name), |definitions| {
                let mut object =
                    $crate::decode::describe::Object::new(&[$($crate::decode::object!(@doc $($meta)*)),*]);
                $(
                    let (required, schema) = <$Type as $crate::decode::Field>::describe(definitions);
                    let doc = &[$($crate::decode::object!(@doc $($field_meta)*)),*];
                    object.add($crate::decode::object!(@name $field $($json)?), doc, required, schema);
                )+
                $(let object = object.exactly_one(&[$($one),+]);)?
                object
            }));
        }

        impl serde::Serialize for $Name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                let mut map = serializer.serialize_map(None)?;
                $($crate::decode::Field::write(
                    &self.$field, $crate::decode::object!(@name $field $($json)?), &mut map)?;)+
                map.end()
            }
        }
    };
    (@doc doc = $doc:literal) => { $doc };
    (@doc $($other:tt)*) => { "" };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $json:literal) => { $json };
}
pub(crate) use object;
