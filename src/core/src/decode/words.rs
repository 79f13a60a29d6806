//! One word of several, as an enum.

use crate::decode::json::Json;

/// Defines an enum that a document writes as a word. The text before the words is the enum's name in messages.
macro_rules! words {
    (
        $(#[$($meta:tt)*])*
        pub enum $Name:ident as $what:literal, expected $expected:literal {
            $($(#[$($doc:tt)*])* $Word:ident = $text:literal,)+
        }
    ) => {
        $(#[$($meta)*])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $Name {
            $($(#[$($doc)*])* $Word,)+
        }

        impl $Name {
            pub const WORDS: &'static [&'static str] = &[$($text),+];

            /// Returns the word as it is spelled in documents.
            pub fn name(self) -> &'static str {
                match self { $(Self::$Word => $text,)+ }
            }
        }

        impl $crate::decode::Decode for $Name {
            const EXPECTED: &'static str = $expected;

            $crate::decode::schema!(|_| $crate::decode::describe::one_of(Self::WORDS));

            fn decode(
                json: &$crate::decode::json::Json,
                decoder: &mut $crate::decode::Decoder,
            ) -> Result<Self, $crate::decode::Refused> {
                $(if $crate::decode::is_word(json, $text) {
                    return Ok(Self::$Word);
                })+
                decoder.no_word($what, json, Self::EXPECTED)
            }
        }

        impl serde::Serialize for $Name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }
    };
}
pub(crate) use words;

/// Returns whether `json` is this word. YAML 1.1 reads a bare `off` as `false`.
pub fn is_word(json: &Json, word: &str) -> bool {
    match json {
        Json::String(text) => text == word,
        Json::Bool(false) => word == "off",
        _ => false,
    }
}
