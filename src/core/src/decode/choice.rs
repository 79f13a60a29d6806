//! Exactly one of several fields, as an enum.

/// Defines an enum that a document writes as exactly one field of an object: each variant has its own field. The object
/// may have other fields as well.
///
/// The two messages are for an object with none of the fields, and for an object with several.
macro_rules! choice {
    (
        $(#[$($meta:tt)*])*
        pub enum $Name:ident else $none:literal, $several:literal {
            $($(#[$($doc:tt)*])* $Variant:ident($Type:ty) = $field:literal,)+
        }
    ) => {
        $(#[$($meta)*])*
        pub enum $Name {
            $($(#[$($doc)*])* $Variant($Type),)+
        }

        impl $Name {
            /// The fields; a document sets exactly one of them.
            pub const FIELDS: &'static [&'static str] = &[$($field),+];

            /// Returns the name of the field that is set.
            #[allow(dead_code, reason = "not every choice has more to check")]
            pub fn field(&self) -> &'static str {
                match self { $(Self::$Variant(_) => $field,)+ }
            }

            /// Decodes the field that is set.
            ///
            /// # Errors
            /// None of the fields is set, several are, or the value is invalid.
            pub fn choose(
                fields: &$crate::decode::Fields<'_>,
                decoder: &mut $crate::decode::Decoder,
            ) -> Result<Self, $crate::decode::Refused> {
                let chosen = fields.exactly_one(Self::FIELDS, $none, $several, decoder)?;
                $(if chosen == $field {
                    return fields.required(chosen, decoder).map(Self::$Variant);
                })+
                Err(decoder.refused())
            }

            /// Adds the fields to a JSON Schema.
            #[cfg(feature = "schema")]
            pub fn describe(
                mut object: $crate::decode::describe::Object,
                definitions: &mut $crate::decode::describe::Definitions,
            ) -> $crate::decode::describe::Object {
                $(
                    let schema = <$Type as $crate::decode::Decode>::schema(definitions);
                    object.add($field, &[$($crate::decode::object!(@doc $($doc)*)),*], false, schema);
                )+
                object.exactly_one(Self::FIELDS)
            }

            /// Serializes the field that is set.
            ///
            /// # Errors
            /// The serializer's.
            pub fn write<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                match self { $(Self::$Variant(value) => map.serialize_entry($field, value),)+ }
            }
        }
    };
}
pub(crate) use choice;
