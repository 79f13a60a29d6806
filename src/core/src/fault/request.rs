//! `request`: the request is changed before it is forwarded.
//!
//! Envoy selects the route again after a request's headers have changed, and it may be a different one.

use super::{About, Begins, Fault};
use crate::body::rewrite::Rewrite;
use crate::body::told_length;
use crate::change::body::{self, BodyChange, framing, is_patchable};
use crate::change::headers::HeaderChanges;
use crate::change::query::Query;
use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::path::Segment;
use crate::decode::{Decode, Decoder, Refused, object, schema};
use crate::effect::{Effects, RequestChange};
use crate::entropy::Entropy;
use crate::step::HeaderChange;
use crate::value::header;
use crate::value::percent::FractionalPercent;
use crate::view::RequestView;
use crate::words::{anded, quoted};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The longest path or parameter, in bytes.
const LONGEST: usize = 8 * 1024;
/// The most parameters in one list.
const MOST_PARAMETERS: usize = 64;

/// A path without a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPath(String);

impl NewPath {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Decode for NewPath {
    const EXPECTED: &'static str = "a path such as `\"/other\"`";

    schema!(|_| crate::decode::describe::text("^/[^?#]*$", &["/other"]));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let path = String::decode(json, decoder)?;
        let visible = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if !path.starts_with('/') || path.len() > LONGEST || !visible {
            let label = format!("{json} does not start with `/`, or contains characters that need escaping");
            return decoder.refuse(Code::InvalidValue, "invalid path", label);
        }
        if path.contains('?') {
            return decoder.refuse_with_help(
                Code::InvalidValue,
                "invalid path",
                "the request's own query is kept",
                "change the query with `query_parameters`",
            );
        }
        Ok(Self(path))
    }
}

impl Serialize for NewPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMethod(String);

impl NewMethod {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Decode for NewMethod {
    const EXPECTED: &'static str = "a method such as `\"PUT\"`";

    schema!(|_| crate::decode::describe::text("", &["PUT"]));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let method = String::decode(json, decoder)?;
        if method.is_empty() || method.len() > 64 || !method.bytes().all(header::is_token) {
            let label = format!("{json} is not a method name (RFC 9110, section 9)");
            return decoder.refuse(Code::InvalidValue, "invalid method", label);
        }
        if let "HEAD" | "CONNECT" = method.as_str() {
            let label =
                "its responses are framed differently from what the client expects (RFC 9110, section 6.4.1)";
            return decoder.refuse(Code::InvalidValue, format!("a request cannot become `{method}`"), label);
        }
        Ok(Self(method))
    }
}

impl Serialize for NewMethod {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Query parameters, each with one value or several: `{"page": "2", "tag": ["a", "b"]}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters(Vec<(String, Vec<String>)>);

impl Parameters {
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

impl Decode for Parameters {
    const EXPECTED: &'static str = "an object of names and values";

    schema!(|_| serde_json::json!({
        "type": "object",
        "additionalProperties": {
            "oneOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
        },
        "examples": [{ "page": "2", "tag": ["a", "b"] }],
    }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let Json::Object(fields) = json else {
            return decoder.wrong_type("query parameters", json, Self::EXPECTED);
        };
        if fields.len() > MOST_PARAMETERS {
            let label = format!("{} of them, at most {MOST_PARAMETERS} are allowed", fields.len());
            return decoder.refuse(Code::OutOfRange, "too many query parameters", label);
        }
        let read: Vec<Result<(String, Vec<String>), Refused>> = fields
            .iter()
            .map(|(name, value)| {
                decoder.field(name, |d| values(value, d)).map(|values| (name.clone(), values))
            })
            .collect();
        read.into_iter().collect::<Result<_, _>>().map(Self)
    }
}

fn values(json: &Json, decoder: &mut Decoder) -> Result<Vec<String>, Refused> {
    let list = if let Json::Array(list) = json { list.as_slice() } else { core::slice::from_ref(json) };
    let read: Vec<Result<String, Refused>> = list
        .iter()
        .enumerate()
        .map(|(index, value)| match (value, json) {
            (Json::String(text), _) if text.len() <= LONGEST => Ok(text.clone()),
            (_, Json::Array(_)) => decoder.within(Segment::Index(index), |d| not_a_value(value, d)),
            _ => not_a_value(value, decoder),
        })
        .collect();
    read.into_iter().collect()
}

fn not_a_value<T>(json: &Json, decoder: &mut Decoder) -> Result<T, Refused> {
    decoder.wrong_type("query parameter", json, "a string of at most 8192 bytes")
}

impl Serialize for Parameters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, values) in &self.0 {
            match values.as_slice() {
                [value] => map.serialize_entry(name, value)?,
                several => map.serialize_entry(name, several)?,
            }
        }
        map.end()
    }
}

object! {
    /// Changes to the query, in the same order as for headers. Values are percent-encoded automatically.
    #[derive(Debug, Clone)]
    pub struct QueryChanges {
        /// Parameters to set, whether or not they are present.
        pub set: Option<Parameters>,
        /// Parameters to add to the existing ones.
        pub add: Option<Parameters>,
        /// Names of parameters to remove.
        pub remove: Option<Vec<String>>,
    }
}

impl QueryChanges {
    fn words(&self) -> String {
        let Self { set, add, remove } = self;
        let names = set.iter().chain(add).flat_map(|parameters| parameters.names());
        let names: Vec<String> =
            names.chain(remove.iter().flatten().map(String::as_str)).map(quoted).collect();
        format!("their query parameters {} change", anded(&names))
    }
}

object! {
    /// The changes to make to a request.
    #[derive(Debug, Clone)]
    pub struct Request {
        /// The changes to the request's headers.
        pub headers: Option<HeaderChanges>,
        /// The new path; the query stays.
        pub path: Option<NewPath>,
        /// The new method. `HEAD` and `CONNECT` requests keep their method.
        pub method: Option<NewMethod>,
        /// The changes to the query's parameters.
        pub query_parameters: Option<QueryChanges>,
        /// A change to the body, if there is one.
        pub body: Option<BodyChange>,
        /// The share of the rule's requests that are changed: all if absent.
        pub percentage: Option<FractionalPercent>,
    }
    check Self::check
}

impl Request {
    fn check(&self, decoder: &mut Decoder) -> Result<(), Refused> {
        let nothing = self.headers.is_none()
            && self.path.is_none()
            && self.method.is_none()
            && self.query_parameters.is_none()
            && self.body.is_none();
        if nothing {
            return decoder.refuse_with_help(
                Code::Conflict,
                "`request` changes nothing",
                "",
                "add `headers`, `path`, `method`, `query_parameters` or `body`",
            );
        }
        Ok(())
    }

    fn header_changes(&self, request: &dyn RequestView) -> Vec<HeaderChange> {
        let mut changes: Vec<HeaderChange> = self.headers.iter().flat_map(HeaderChanges::iter).collect();
        if let Some(path) = self.new_path(request) {
            changes.push(HeaderChange::Set(":path".into(), path));
        }
        if let Some(NewMethod(method)) = &self.method
            && !request.is_head()
            && !request.is_upgrade()
        {
            changes.push(HeaderChange::Set(":method".into(), method.as_bytes().into()));
        }
        changes
    }

    fn new_path(&self, request: &dyn RequestView) -> Option<Vec<u8>> {
        if self.path.is_none() && self.query_parameters.is_none() {
            return None;
        }
        // A CONNECT request has none.
        let before = request.first_value(":path")?;
        let (path, mut query) = Query::split(&before);
        if let Some(changes) = &self.query_parameters {
            changes.remove.iter().flatten().for_each(|name| query.remove(name));
            let set = changes.set.iter().flat_map(|parameters| &parameters.0);
            set.for_each(|(name, values)| query.set(name, values));
            for (name, values) in changes.add.iter().flat_map(|parameters| &parameters.0) {
                values.iter().for_each(|value| query.add(name, value));
            }
        }
        Some(query.after(self.path.as_ref().map_or(path, |NewPath(path)| path.as_bytes())))
    }

    /// Returns the change to the body, and adds the changes to the headers that describe it.
    fn body_change(
        &self,
        request: &dyn RequestView,
        entropy: &mut dyn Entropy,
        changes: &mut Vec<HeaderChange>,
        effects: &mut Effects,
    ) -> Option<Rewrite> {
        let body = self.body.as_ref().filter(|_| request.has_body() && !request.is_upgrade())?;
        let before = told_length(request.first_value("content-length"));
        if matches!(body, BodyChange::MergePatch(_))
            && !is_patchable(before, |name| request.first_value(name))
        {
            effects.unpatched = true;
            return None;
        }
        changes.extend(framing(body, before));
        if body.replacement().is_some() {
            changes.push(HeaderChange::Remove("content-encoding".into()));
        }
        let length = body::length(before, |name| request.first_value(name));
        Some(body.begin(length, body.draws(entropy)))
    }
}

impl Fault for Request {
    fn share(&self) -> Option<FractionalPercent> {
        self.percentage
    }

    fn apply(&self, request: &dyn RequestView, entropy: &mut dyn Entropy, effects: &mut Effects) -> bool {
        let mut headers = Vec::new();
        let body = self.body_change(request, entropy, &mut headers, effects);
        headers.extend(self.header_changes(request));
        let changes = !headers.is_empty() || body.is_some();
        if changes {
            effects.request = Some(RequestChange { headers, body });
        }
        changes
    }
}

impl About for Request {
    const EXAMPLE: &'static str = r#"{"headers": {"set": {"x-changed": "yes"}}}"#;
    const BEGINS: Begins = Begins::WithRequest;
    const ENDS: bool = false;
    const CHANGES_REQUEST: bool = true;
    const NEEDS_REQUEST_BODY: bool = false;
    const SEEN: Option<&'static str> = Some("is changed");

    fn is_conditional(&self) -> bool {
        false
    }

    fn resets(&self) -> bool {
        false
    }

    fn answers_with(&self, _status: u16) -> bool {
        false
    }

    fn reply_headers(&self, _tell: &mut dyn FnMut(&str)) {}

    fn words(&self) -> String {
        let Self { headers, path, method, query_parameters, body, percentage: _ } = self;
        let mut parts = Vec::new();
        parts.extend(path.as_ref().map(|path| format!("their path becomes {}", quoted(path.as_str()))));
        parts.extend(
            method.as_ref().map(|method| format!("their method becomes {}", quoted(method.as_str()))),
        );
        parts.extend(query_parameters.as_ref().map(QueryChanges::words));
        parts.extend(headers.iter().flat_map(HeaderChanges::words));
        parts.extend(body.as_ref().map(BodyChange::words));
        format!("are changed before they are forwarded: {}", anded(&parts))
    }
}
