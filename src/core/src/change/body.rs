//! A change to the body of a message.

use crate::body::kept::Kept;
use crate::body::rewrite::{BodyLength, LONGEST_PATCHED, Rewrite};
use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::{Count, Decode, Decoder, Fields, Refused, choice, object, schema};
use crate::entropy::{Entropy, Sequence};
use crate::step::HeaderChange;
use crate::value::percent::FractionalPercent;
use crate::words::quoted;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The longest replacement body in a document, in bytes.
const LONGEST_BODY: usize = 64 * 1024;

object! {
    /// Damage to a body: some of its bytes are replaced.
    #[derive(Debug, Clone)]
    pub struct Corrupt {
        /// The share of bytes that are replaced by other bytes.
        pub percentage: FractionalPercent,
    }
}

/// A replacement body, written as text.
#[derive(Debug, Clone)]
pub struct Text(pub Rc<[u8]>);

impl Decode for Text {
    const EXPECTED: &'static str = String::EXPECTED;

    schema!(|definitions| String::schema(definitions));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        short(String::decode(json, decoder)?.into_bytes(), decoder).map(Self)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&String::from_utf8_lossy(&self.0))
    }
}

/// A replacement body, written in base64.
#[derive(Debug, Clone)]
pub struct Bytes(pub Rc<[u8]>);

impl Decode for Bytes {
    const EXPECTED: &'static str = "bytes in base64";

    schema!(|definitions| String::schema(definitions));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let text = String::decode(json, decoder)?;
        let Ok(bytes) = BASE64_STANDARD.decode(&text) else {
            let label = format!("{json} is not base64 (RFC 4648, section 4)");
            return decoder.refuse(Code::InvalidValue, "invalid body", label);
        };
        short(bytes, decoder).map(Self)
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(&self.0))
    }
}

/// A JSON merge patch (RFC 7396).
#[derive(Debug, Clone)]
pub struct Patch(pub Rc<Json>);

impl Decode for Patch {
    const EXPECTED: &'static str = "an object with the fields to change";

    schema!(|_| serde_json::json!({ "type": "object", "examples": [{ "price": 0, "stock": null }] }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        match json {
            Json::Object(_) => Ok(Self(Rc::new(json.clone()))),
            _ => decoder.wrong_type("merge patch", json, Self::EXPECTED),
        }
    }
}

impl Serialize for Patch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

choice! {
    /// The change to a body, in exactly one way.
    #[derive(Debug, Clone)]
    pub enum BodyChange else "`body` changes nothing", "a body takes only one change" {
        /// Replaces it with this text, at most 64 KiB.
        Replace(Text) = "replace",
        /// Replaces it with these bytes, in base64.
        ReplaceBase64(Bytes) = "replace_base64",
        /// Applies a merge patch (RFC 7396), if the body is JSON, not compressed, and at most 1 MiB long.
        MergePatch(Patch) = "merge_patch",
        /// Cuts it after this many bytes.
        TruncateBytes(Count) = "truncate_bytes",
        /// Replaces random bytes of it by other bytes.
        Corrupt(Corrupt) = "corrupt",
    }
}

impl BodyChange {
    /// Returns the random draws for one body, if the change needs any.
    pub fn draws(&self, entropy: &mut dyn Entropy) -> Sequence {
        match self {
            Self::Corrupt(_) => Sequence(entropy.next_u64()),
            _ => Sequence::default(),
        }
    }

    /// Starts the work on one body, with its [`Self::draws`].
    pub fn begin(&self, length: BodyLength, draws: Sequence) -> Rewrite {
        match self {
            Self::Replace(Text(body)) | Self::ReplaceBase64(Bytes(body)) => {
                let announced = matches!(length, BodyLength::Of(_));
                Rewrite::Replace { body: Some(Rc::clone(body)), announced }
            }
            Self::MergePatch(Patch(patch)) => {
                Rewrite::MergePatch { patch: Some(Rc::clone(patch)), kept: Kept::nothing(), length }
            }
            Self::TruncateBytes(Count(bytes)) => Rewrite::Truncate(*bytes),
            Self::Corrupt(corrupt) => Rewrite::Corrupt(corrupt.percentage.millionths(), draws),
        }
    }

    /// Returns the replacement body, if there is one.
    pub fn replacement(&self) -> Option<&Rc<[u8]>> {
        match self {
            Self::Replace(Text(body)) | Self::ReplaceBase64(Bytes(body)) => Some(body),
            _ => None,
        }
    }

    /// Returns the new length of a body with the length `before`, or `None` if it is not known.
    pub fn length(&self, before: Option<u64>) -> Option<u64> {
        match self {
            Self::Replace(Text(body)) | Self::ReplaceBase64(Bytes(body)) => Some(body.len() as u64),
            Self::MergePatch(_) => None,
            Self::TruncateBytes(Count(bytes)) => before.map(|before| before.min(*bytes)),
            Self::Corrupt(_) => before,
        }
    }

    /// Describes the change as a clause.
    pub fn words(&self) -> String {
        match self {
            Self::Replace(Text(body)) => {
                format!("the body becomes {}", quoted(&String::from_utf8_lossy(body)))
            }
            Self::ReplaceBase64(Bytes(body)) => format!("the body becomes {} other bytes", body.len()),
            Self::MergePatch(_) => "a merge patch is applied to the body, if it is JSON".into(),
            Self::TruncateBytes(Count(bytes)) => format!("the body is cut to {bytes} bytes"),
            Self::Corrupt(corrupt) => {
                format!("{} % of the body's bytes are corrupted", corrupt.percentage)
            }
        }
    }
}

fn short(body: Vec<u8>, decoder: &mut Decoder) -> Result<Rc<[u8]>, Refused> {
    if body.len() > LONGEST_BODY {
        let label = format!("{} bytes, at most {LONGEST_BODY} are allowed", body.len());
        return decoder.refuse(Code::OutOfRange, "body too long", label);
    }
    Ok(body.into())
}

impl Decode for BodyChange {
    const EXPECTED: &'static str = "a change such as `{\"replace\": \"sorry\"}`";

    schema!(|definitions| definitions.object("BodyChange", |definitions| {
        let object = crate::decode::describe::Object::new(&["How a body is changed, in exactly one way."]);
        Self::describe(object, definitions)
    }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let fields = Fields::of(json, decoder, &[Self::FIELDS], &[])?;
        Self::choose(&fields, decoder)
    }
}

impl Serialize for BodyChange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        self.write(&mut map)?;
        map.end()
    }
}

/// Returns what the headers say about the length of a body.
pub(crate) fn length(before: Option<u64>, header: impl Fn(&str) -> Option<Vec<u8>>) -> BodyLength {
    match before {
        Some(length) => BodyLength::Of(length),
        // Envoy keeps this header on a message that came over HTTP/1.1.
        None if header("transfer-encoding").is_some() => BodyLength::Chunked,
        None => BodyLength::Unknown,
    }
}

/// Returns whether a merge patch can apply to a body with these headers: JSON, not compressed, not too long.
pub(crate) fn is_patchable(length: Option<u64>, header: impl Fn(&str) -> Option<Vec<u8>>) -> bool {
    let json = header("content-type").is_some_and(|value| {
        let value = value.to_ascii_lowercase();
        let kind = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        kind == b"application/json" || (kind.starts_with(b"application/") && kind.ends_with(b"+json"))
    });
    let plain = header("content-encoding").is_none_or(|value| value.eq_ignore_ascii_case(b"identity"));
    json && plain && length.is_none_or(|length| length <= LONGEST_PATCHED as u64)
}

/// Returns the change to `content-length` for a changed body. A message must never be longer than its headers say: the
/// rest would be taken for the next message on the connection.
pub(crate) fn framing(body: &BodyChange, before: Option<u64>) -> Option<HeaderChange> {
    let after = body.length(before);
    match (before, after) {
        (None, _) => None,
        (before, after) if before == after => None,
        (_, Some(after)) => Some(HeaderChange::Set("content-length".into(), after.to_string().into())),
        (_, None) => Some(HeaderChange::Remove("content-length".into())),
    }
}
