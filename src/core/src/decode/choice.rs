//! One field of several, as an enum.

/// An enum that a document writes as exactly one field of an object: each variant has its field. The object may have other
/// fields beside it.
///
/// The two messages are for an object that has none of the fields, and for one that has several.
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
            /// The fields, of which exactly one is given.
            pub const FIELDS: &'static [&'static str] = &[$($field),+];

            /// The field that is given.
            #[allow(dead_code, reason = "not every choice has more to check")]
            pub fn field(&self) -> &'static str {
                match self { $(Self::$Variant(_) => $field,)+ }
            }

            /// Reads the field that is given.
            ///
            /// # Errors
            /// None is, several are, or its value is wrong.
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

            /// Adds the fields to a description.
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

            /// Prints the field that is given.
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
