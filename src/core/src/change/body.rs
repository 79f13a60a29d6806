//! A change to the body of a message.

use crate::body::kept::Kept;
use crate::body::rewrite::{LONGEST_PATCHED, Length, Rewrite};
use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::{Count, Decode, Decoder, Field, Fields, listed, object, schema};
use crate::entropy::{Entropy, Sequence};
use crate::step::HeaderChange;
use crate::value::percent::FractionalPercent;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The longest body that a document may put in the place of another, in bytes.
const LONGEST_BODY: usize = 64 * 1024;

object! {
    /// Damage to a body.
    #[derive(Debug, Clone)]
    pub struct Corrupt {
        /// The share of bytes that become other ones.
        pub percentage: FractionalPercent,
    }
}

/// What becomes of a body: exactly one of these.
#[derive(Debug, Clone)]
pub enum BodyChange {
    /// `replace`: this text takes its place, at most 64 KiB.
    Replace(Rc<[u8]>),
    /// `replace_base64`: these bytes do.
    ReplaceBase64(Rc<[u8]>),
    /// `merge_patch`: a JSON merge patch (RFC 7396), for bodies that are JSON, not compressed, and at most 1 MiB long.
    MergePatch(Rc<Json>),
    /// `truncate_bytes`: only the first so many bytes are left.
    TruncateBytes(Count),
    /// `corrupt`: some of its bytes become other ones.
    Corrupt(Corrupt),
}

impl BodyChange {
    /// The names of the choices.
    pub const FIELDS: &'static [&'static str] =
        &["replace", "replace_base64", "merge_patch", "truncate_bytes", "corrupt"];

    /// The draws for one body, if it takes any.
    pub fn draws(&self, entropy: &mut dyn Entropy) -> Sequence {
        match self {
            Self::Corrupt(_) => Sequence(entropy.next_u64()),
            _ => Sequence::default(),
        }
    }

    /// The work on one body, with its [`Self::draws`].
    pub fn begin(&self, length: Length, draws: Sequence) -> Rewrite {
        match self {
            Self::Replace(body) | Self::ReplaceBase64(body) => {
                let announced = matches!(length, Length::Of(_));
                Rewrite::Replace { body: Some(Rc::clone(body)), announced }
            }
            Self::MergePatch(patch) => {
                Rewrite::MergePatch { patch: Some(Rc::clone(patch)), kept: Kept::nothing(), length }
            }
            Self::TruncateBytes(Count(bytes)) => Rewrite::Truncate(*bytes),
            Self::Corrupt(corrupt) => Rewrite::Corrupt(corrupt.percentage.millionths(), draws),
        }
    }

    /// The body that takes the other's place, if one does.
    pub fn replacement(&self) -> Option<&Rc<[u8]>> {
        match self {
            Self::Replace(body) | Self::ReplaceBase64(body) => Some(body),
            _ => None,
        }
    }

    /// The length of a body that was so long: `None` if that is not known.
    pub fn length(&self, before: Option<u64>) -> Option<u64> {
        match self {
            Self::Replace(body) | Self::ReplaceBase64(body) => Some(body.len() as u64),
            Self::MergePatch(_) => None,
            Self::TruncateBytes(Count(bytes)) => before.map(|before| before.min(*bytes)),
            Self::Corrupt(_) => before,
        }
    }

    fn one(field: &str, json: &Json, decoder: &mut Decoder) -> Option<Self> {
        Some(match field {
            "replace" => Self::Replace(short(String::decode(json, decoder)?.into_bytes(), decoder)?),
            "replace_base64" => {
                let text = String::decode(json, decoder)?;
                let Ok(bytes) = BASE64_STANDARD.decode(&text) else {
                    let label = format!("{json} is not base64 (RFC 4648, section 4)");
                    return decoder.refuse(Code::InvalidValue, "invalid body", label);
                };
                Self::ReplaceBase64(short(bytes, decoder)?)
            }
            "merge_patch" => {
                if !matches!(json, Json::Object(_)) {
                    return decoder.wrong_type("merge patch", json, "an object of what is to change");
                }
                Self::MergePatch(Rc::new(json.clone()))
            }
            "truncate_bytes" => Self::TruncateBytes(Count::decode(json, decoder)?),
            _ => Self::Corrupt(Corrupt::decode(json, decoder)?),
        })
    }
}

fn short(body: Vec<u8>, decoder: &mut Decoder) -> Option<Rc<[u8]>> {
    if body.len() > LONGEST_BODY {
        let label = format!("{} bytes, at most {LONGEST_BODY} are allowed", body.len());
        return decoder.refuse(Code::OutOfRange, "body too long", label);
    }
    Some(body.into())
}

impl Decode for BodyChange {
    const EXPECTED: &'static str = "a change such as `{\"replace\": \"sorry\"}`";

    schema!(|definitions| definitions.object("BodyChange", |definitions| {
        let patch = serde_json::json!({ "type": "object", "examples": [{ "price": 0, "stock": null }] });
        crate::decode::describe::Object::new(&["How a body changes, in exactly one way."])
            .with("replace", "By this text, at most 64 KiB.", String::schema(definitions))
            .with("replace_base64", "By these bytes, in base64.", String::schema(definitions))
            .with("merge_patch", "JSON, by a merge patch (RFC 7396).", patch)
            .with("truncate_bytes", "Cut after so many bytes.", Count::schema(definitions))
            .with("corrupt", "Bytes of it are turned into others.", Corrupt::schema(definitions))
            .exactly_one(Self::FIELDS)
    }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        let fields = Fields::of(json, decoder, &[Self::FIELDS], &[])?;
        let present = fields.present(Self::FIELDS);
        match present.as_slice() {
            [field] => fields
                .value(field)
                .and_then(|(spelled, value)| decoder.field(spelled, |d| Self::one(field, value, d))),
            [] if fields.misnamed() => None,
            [] => {
                let label = format!("expected one of {}", listed(Self::FIELDS));
                decoder.refuse(Code::Conflict, "a body without a change", label)
            }
            several => {
                let label = format!("{} exclude each other", listed(several).replace(" or ", " and "));
                decoder.refuse(Code::Conflict, "a body changes in one way", label)
            }
        }
    }
}

impl Serialize for BodyChange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            Self::Replace(body) => {
                map.serialize_entry("replace", &String::from_utf8_lossy(body))?;
            }
            Self::ReplaceBase64(body) => {
                map.serialize_entry("replace_base64", &BASE64_STANDARD.encode(body))?;
            }
            Self::MergePatch(patch) => map.serialize_entry("merge_patch", &**patch)?,
            Self::TruncateBytes(bytes) => bytes.write("truncate_bytes", &mut map)?,
            Self::Corrupt(corrupt) => corrupt.write("corrupt", &mut map)?,
        }
        map.end()
    }
}

/// What the headers say of the length of a body.
pub(crate) fn length(before: Option<u64>, header: impl Fn(&str) -> Option<Vec<u8>>) -> Length {
    match before {
        Some(length) => Length::Of(length),
        // Envoy leaves it among the headers of a message that came over HTTP/1.1.
        None if header("transfer-encoding").is_some() => Length::Chunked,
        None => Length::Unknown,
    }
}

/// Whether a merge patch can apply to a body with such headers: JSON, not compressed, not too long.
pub(crate) fn is_patchable(length: Option<u64>, header: impl Fn(&str) -> Option<Vec<u8>>) -> bool {
    let json = header("content-type").is_some_and(|value| {
        let value = value.to_ascii_lowercase();
        let kind = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        kind == b"application/json" || (kind.starts_with(b"application/") && kind.ends_with(b"+json"))
    });
    let plain = header("content-encoding").is_none_or(|value| value.eq_ignore_ascii_case(b"identity"));
    json && plain && length.is_none_or(|length| length <= LONGEST_PATCHED as u64)
}

/// What the headers have to say of the length of a body that changes. A message must never be longer than they say:
/// the rest would pass for the next message on the connection.
pub(crate) fn framing(body: &BodyChange, before: Option<u64>) -> Option<HeaderChange> {
    let after = body.length(before);
    match (before, after) {
        (None, _) => None,
        (before, after) if before == after => None,
        (_, Some(after)) => Some(HeaderChange::Set("content-length".into(), after.to_string().into())),
        (_, None) => Some(HeaderChange::Remove("content-length".into())),
    }
}
