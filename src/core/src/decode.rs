//! From a JSON value to a checked type, reporting every mistake with its path.
//!
//! serde's derive stops at the first mistake and names no path, which is why the document has a decoder of its
//! own: [`Decode`] for a value, [`Fields`] for an object, and the `object!` macro for an object whose fields map
//! one to one to a struct.

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::json::{Json, Shortened};
use crate::path::{Path, Segment};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// What a decoder carries along: where it stands, and what it has found wrong.
#[derive(Debug)]
pub struct Decoder {
    path: Path,
    diagnostics: Vec<Diagnostic>,
    /// How many more were found than are kept.
    dropped: usize,
    /// What is left of [`MEMORY`].
    memory: usize,
}

/// The most mistakes of one document that are told.
const MOST_MISTAKES: usize = 100;
/// The most memory that what is decoded of one document may take, in bytes. A few bytes of text can stand for some
/// hundreds, and for thousands where they are a regular expression.
const MEMORY: usize = 32 * 1024 * 1024;

impl Decoder {
    /// Decodes a whole document.
    ///
    /// # Errors
    /// Every mistake, in the order of the text; of more than 100, the first that were found, and how many more.
    pub fn decode<T: Decode>(json: &Json) -> Result<T, Vec<Diagnostic>> {
        Self::decode_weighed(json).map(|(value, _)| value)
    }

    /// The same, with the bytes that it takes.
    ///
    /// # Errors
    /// As above.
    pub fn decode_weighed<T: Decode>(json: &Json) -> Result<(T, usize), Vec<Diagnostic>> {
        let mut decoder = Self { path: Path::default(), diagnostics: Vec::new(), dropped: 0, memory: MEMORY };
        match T::decode(json, &mut decoder) {
            Some(value) if decoder.diagnostics.is_empty() => Ok((value, MEMORY - decoder.memory)),
            _ => Err(decoder.mistakes(json)),
        }
    }

    fn mistakes(mut self, json: &Json) -> Vec<Diagnostic> {
        self.diagnostics.sort_by_cached_key(|mistake| json.position_of(&mistake.path));
        if self.dropped > 0 {
            self.path = Path::default();
            // One that was kept makes room for the sentence.
            self.diagnostics.truncate(MOST_MISTAKES - 1);
            let label = format!("and {} more", self.dropped + 1);
            self.dropped = 0;
            self.refuse::<()>(Code::TooMany, "too many mistakes to tell", label);
        }
        self.diagnostics
    }

    /// Takes memory for something decoded. `None` after a mistake has been reported: there is not so much left.
    pub fn take_memory(&mut self, bytes: usize) -> Option<()> {
        match self.memory.checked_sub(bytes) {
            Some(left) => {
                self.memory = left;
                Some(())
            }
            None => self.refuse(
                Code::OutOfRange,
                "the document takes too much memory",
                "more than 32 MiB once decoded",
            ),
        }
    }

    /// How many mistakes there are so far.
    fn told(&self) -> usize {
        self.diagnostics.len() + self.dropped
    }

    /// Does something one step further down.
    pub fn within<R>(&mut self, segment: Segment, work: impl FnOnce(&mut Self) -> R) -> R {
        self.enter(segment);
        let result = work(self);
        self.leave();
        result
    }

    #[inline(never)]
    fn enter(&mut self, segment: Segment) {
        self.path.push(segment);
    }

    #[inline(never)]
    fn leave(&mut self) {
        self.path.pop();
    }

    /// Does something at a field.
    pub fn field<R>(&mut self, name: &str, work: impl FnOnce(&mut Self) -> R) -> R {
        self.within(Segment::Field(name.into()), work)
    }

    /// Reports a mistake at the present place. Always `None`, so that a decoder can end with it.
    pub fn refuse<T>(
        &mut self,
        code: Code,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Option<T> {
        self.report(code, message.into(), label.into());
        None
    }

    /// Apart from [`Self::refuse`], which is compiled anew for each type and inlined at each of its many callers.
    #[inline(never)]
    fn report(&mut self, code: Code, message: String, label: String) {
        if self.diagnostics.len() >= MOST_MISTAKES {
            self.dropped += 1;
            return;
        }
        let (severity, path) = (Severity::Error, self.path.clone());
        self.diagnostics.push(Diagnostic {
            severity,
            code,
            path,
            position: None,
            message,
            label,
            help: None,
        });
    }

    /// Adds the way out to the mistake reported last.
    pub fn help<T>(&mut self, help: impl Into<String>) -> Option<T> {
        self.advise(help.into());
        None
    }

    #[inline(never)]
    fn advise(&mut self, help: String) {
        if self.dropped == 0
            && let Some(last) = self.diagnostics.last_mut()
        {
            last.help = Some(help);
        }
    }

    #[inline(never)]
    fn miss(&mut self, name: &str, expected: &str, help: Option<&str>) {
        self.report(Code::MissingField, format!("missing field `{name}`"), format!("expected {expected}"));
        if let Some(help) = help {
            self.advise(help.into());
        }
    }

    /// Reports a value of the wrong type.
    pub fn wrong_type<T>(&mut self, what: &str, found: &Json, expected: &str) -> Option<T> {
        self.mistype(what, found, expected);
        None
    }

    #[inline(never)]
    fn mistype(&mut self, what: &str, found: &Json, expected: &str) {
        let label = format!("found {found}, expected {expected}");
        self.report(Code::WrongType, format!("invalid {what}"), label);
    }
}

/// What a type with a decoder of its own takes, as JSON Schema: a part of its [`Decode`].
macro_rules! schema {
    (|$definitions:pat_param| $schema:expr) => {
        #[cfg(feature = "schema")]
        fn schema($definitions: &mut crate::schema::Definitions) -> serde_json::Value {
            $schema
        }
    };
}
pub(crate) use schema;

/// A type that a JSON value can stand for.
pub trait Decode: Sized {
    /// What a message calls the expected value: `a duration such as "250ms"`.
    const EXPECTED: &'static str;
    /// What to say to somebody who left it out.
    const IF_MISSING: Option<&'static str> = None;

    /// The value, or `None` after at least one mistake has been reported.
    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self>;

    /// What it takes, as JSON Schema.
    #[cfg(feature = "schema")]
    fn schema(_: &mut crate::schema::Definitions) -> serde_json::Value {
        crate::schema::by_words(Self::EXPECTED)
    }
}

impl Decode for bool {
    const EXPECTED: &'static str = "`true` or `false`";

    schema!(|_| serde_json::json!({ "type": "boolean" }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        match json {
            Json::Bool(value) => Some(*value),
            other => decoder.wrong_type("value", other, Self::EXPECTED),
        }
    }
}

impl Decode for String {
    const EXPECTED: &'static str = "a string";

    schema!(|_| serde_json::json!({ "type": "string" }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        match json {
            Json::String(value) => Some(value.clone()),
            other => decoder.wrong_type("value", other, Self::EXPECTED),
        }
    }
}

impl<T: Decode> Decode for Box<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const IF_MISSING: Option<&'static str> = T::IF_MISSING;

    schema!(|definitions| T::schema(definitions));

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        T::decode(json, decoder).map(Self::new)
    }
}

impl<T: Decode> Decode for Vec<T> {
    const EXPECTED: &'static str = "a list";

    schema!(|definitions| serde_json::json!({ "type": "array", "items": T::schema(definitions) }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        let Json::Array(elements) = json else {
            return decoder.wrong_type("value", json, Self::EXPECTED);
        };
        // Every element is decoded before the first bad one decides: each has its own mistakes to report.
        let decoded: Vec<Option<T>> = elements
            .iter()
            .enumerate()
            .map(|(index, element)| decoder.within(Segment::Index(index), |d| T::decode(element, d)))
            .collect();
        decoded.into_iter().collect()
    }
}

/// A whole number. `5.0` and `5e0` count as one: control planes that pass documents through a protobuf Struct
/// turn every number into a double.
pub fn integer(json: &Json) -> Option<i64> {
    let Json::Number(number) = json else { return None };
    number.as_i64().or_else(|| {
        // 2^63 is the first float beyond the integers, and would be cut to the last of them.
        let float = number.as_f64().filter(|float| (-9.2e18..9.2e18).contains(float))?;
        #[allow(clippy::cast_possible_truncation, reason = "compared with the original right after")]
        let whole = float as i64;
        #[allow(clippy::cast_precision_loss, reason = "a loss would show as a difference")]
        let same = whole as f64 == float;
        same.then_some(whole)
    })
}

/// A number of things: of bytes, of exchanges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count(pub u64);

impl Decode for Count {
    const EXPECTED: &'static str = "a whole number from 0";

    schema!(|_| crate::schema::integer(0, None));

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        match integer(json).and_then(|number| u64::try_from(number).ok()) {
            Some(number) => Some(Self(number)),
            None => decoder.wrong_type("number", json, Self::EXPECTED),
        }
    }
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

/// The fields of one object.
#[derive(Debug)]
pub struct Fields<'a> {
    fields: &'a [(String, Json)],
    /// Whether every name was good.
    good: bool,
}

impl<'a> Fields<'a> {
    /// The fields of `json`, once those that nobody knows, that come twice, or that are not supported yet have
    /// been reported.
    pub fn of(json: &'a Json, decoder: &mut Decoder, known: &[&[&str]], later: &[&str]) -> Option<Self> {
        let Json::Object(fields) = json else {
            return decoder.wrong_type("value", json, "an object");
        };
        let mut earlier = BTreeSet::new();
        let told = decoder.told();
        for (name, _) in fields {
            let first = earlier.insert(snake(name));
            decoder.field(name, |d| if first { check_name(name, d, known, later) } else { twice(name, d) });
        }
        Some(Self { fields, good: decoder.told() == told })
    }

    /// Whether one of its names was complained about: then what seems to be missing is probably what was meant by it.
    pub fn misnamed(&self) -> bool {
        !self.good
    }

    /// The value of a field. One that is `null` counts as absent, as in protobuf's JSON.
    pub fn value(&self, name: &str) -> Option<(&'a str, &'a Json)> {
        let found = self.fields.iter().find(|(spelled, _)| is_spelling(spelled, name))?;
        (found.1 != Json::Null).then_some((found.0.as_str(), &found.1))
    }

    /// Decodes a field that may be absent. The outer `None` is a mistake.
    #[allow(clippy::option_option, reason = "absent and wrong are different things")]
    pub fn optional<T: Decode>(&self, name: &str, decoder: &mut Decoder) -> Option<Option<T>> {
        match self.value(name) {
            None => Some(None),
            Some((spelled, json)) => decoder.field(spelled, |d| T::decode(json, d)).map(Some),
        }
    }

    /// Decodes a field that has to be there.
    pub fn required<T: Decode>(&self, name: &str, decoder: &mut Decoder) -> Option<T> {
        let found = self.optional(name, decoder)?;
        if found.is_none() {
            decoder.miss(name, T::EXPECTED, T::IF_MISSING);
        }
        found
    }

    /// Which of these fields are there.
    pub fn present<'n>(&self, names: &[&'n str]) -> Vec<&'n str> {
        names.iter().copied().filter(|name| self.value(name).is_some()).collect()
    }
}

fn twice(name: &str, decoder: &mut Decoder) {
    decoder.refuse::<()>(Code::DuplicateField, format!("field `{}` given twice", Shortened(name)), "");
}

fn check_name(name: &str, decoder: &mut Decoder, known: &[&[&str]], later: &[&str]) {
    if known.iter().copied().flatten().any(|field| is_spelling(name, field)) {
        return;
    }
    if later.iter().any(|field| is_spelling(name, field)) {
        let label = "this release does not know it";
        decoder.refuse::<()>(
            Code::NotSupported,
            format!("`{}` is not supported yet", Shortened(name)),
            label,
        );
        return;
    }
    let names: Vec<&str> = known.iter().copied().flatten().copied().collect();
    let label = format!("expected {}", listed(&names));
    decoder.refuse::<()>(Code::UnknownField, format!("unknown field `{}`", Shortened(name)), label);
    if let Some(close) = closest(name, &names) {
        decoder.help::<()>(format!("did you mean `{close}`?"));
    }
}

/// `a, b or c`, each in backticks.
pub fn listed(names: &[&str]) -> String {
    let mut text = String::new();
    for (position, name) in names.iter().enumerate() {
        let before = match position {
            0 => "",
            _ if position + 1 == names.len() => " or ",
            _ => ", ",
        };
        text.push_str(&format!("{before}`{name}`"));
    }
    text
}

/// Envoy's fields are spelled in snake case in its documentation and in camel case by what prints protobuf.
fn is_spelling(written: &str, name: &str) -> bool {
    written == name || (written.bytes().any(|b| b.is_ascii_uppercase()) && snake(written) == name)
}

fn snake(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(character.to_ascii_lowercase());
    }
    text
}

/// The name that was probably meant.
pub fn closest<'n>(written: &str, names: &[&'n str]) -> Option<&'n str> {
    let near = |name: &&str| distance(written, name);
    let best = names.iter().copied().min_by_key(near)?;
    (distance(written, best) <= 2 && best.len() > 2).then_some(best)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, cell) in b.bytes().zip(row.iter_mut().skip(1)) {
            let above = *cell;
            left = (left + 1).min(above + 1).min(diagonal + usize::from(x != y));
            diagonal = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

/// The type of a struct's field: `T` has to be there, `Option<T>` may be absent.
pub trait Field: Sized {
    /// Takes it out of an object. `None` is a mistake.
    fn read(fields: &Fields<'_>, name: &str, decoder: &mut Decoder) -> Option<Self>;
    /// Puts it into an object, unless it is absent.
    ///
    /// # Errors
    /// The serializer's.
    fn write<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error>;
    /// Whether it has to be there, and what it takes, as JSON Schema.
    #[cfg(feature = "schema")]
    fn describe(definitions: &mut crate::schema::Definitions) -> (bool, serde_json::Value);
}

impl<T: Decode + Serialize> Field for T {
    fn read(fields: &Fields<'_>, name: &str, decoder: &mut Decoder) -> Option<Self> {
        fields.required(name, decoder)
    }

    fn write<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry(name, self)
    }

    #[cfg(feature = "schema")]
    fn describe(definitions: &mut crate::schema::Definitions) -> (bool, serde_json::Value) {
        (true, <T as Decode>::schema(definitions))
    }
}

impl<T: Decode + Serialize> Field for Option<T> {
    fn read(fields: &Fields<'_>, name: &str, decoder: &mut Decoder) -> Option<Self> {
        fields.optional(name, decoder)
    }

    fn write<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error> {
        self.as_ref().map_or(Ok(()), |value| map.serialize_entry(name, value))
    }

    #[cfg(feature = "schema")]
    fn describe(definitions: &mut crate::schema::Definitions) -> (bool, serde_json::Value) {
        (false, T::schema(definitions))
    }
}

/// A JSON object as a struct: decoded field by field, all mistakes at once, and printed back.
///
/// `later` names fields that the contract has and this release refuses. `fields` looks at which fields are there, before
/// they are decoded; `check` at the struct, if all of them were good. `exactly_one` is for the schema, which knows nothing of
/// either.
macro_rules! object {
    (
        $(#[$($meta:tt)*])*
        pub struct $Name:ident {
            $($(#[$($field_meta:tt)*])* pub $field:ident $(as $json:literal)? : $Type:ty,)+
        }
        $(later [$($later:literal),*])?
        $(exactly_one [$($one:literal),+])?
        $(fields($check_fields:path))?
        $(check $check:path)?
    ) => {
        $(#[$($meta)*])*
        pub struct $Name {
            $($(#[$($field_meta)*])* pub $field: $Type,)+
        }

        impl $Name {
            /// The names of its fields in a document.
            pub const FIELDS: &'static [&'static str] = &[$($crate::decode::object!(@name $field $($json)?)),+];
        }

        impl $crate::decode::Decode for $Name {
            const EXPECTED: &'static str = "an object";

            fn decode(json: &$crate::json::Json, decoder: &mut $crate::decode::Decoder) -> Option<Self> {
                let fields = $crate::decode::Fields::of(json, decoder, &[Self::FIELDS], &[$($($later),*)?])?;
                $($check_fields(&fields, decoder);)?
                $(let $field = $crate::decode::Field::read(
                    &fields, $crate::decode::object!(@name $field $($json)?), decoder);)+
                let value = Self { $($field: $field?,)+ };
                $($check(&value, decoder)?;)?
                decoder.take_memory(size_of::<Self>())?;
                Some(value)
            }

            $crate::decode::schema!(|definitions| definitions.object(stringify!($Name), |definitions| {
                let mut object =
                    $crate::schema::Object::new(&[$($crate::decode::object!(@doc $($meta)*)),*]);
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
