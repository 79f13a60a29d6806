//! HTTP methods, for conditions on requests.

use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::{Decode, Decoder, Refused, schema};
use crate::value::header::is_token;
use alloc::format;
use alloc::string::String;
use serde::{Serialize, Serializer};

/// A method as sent on the wire: methods are case-sensitive (RFC 9110, section 9.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method(String);

impl Method {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Decode for Method {
    const EXPECTED: &'static str = "a method such as `\"GET\"`";

    schema!(|_| crate::decode::describe::text("", &["GET", "POST"]));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let method = String::decode(json, decoder)?;
        if method.is_empty() || !method.bytes().all(is_token) {
            let label = format!("found {json}, expected {}", Self::EXPECTED);
            return decoder.refuse(Code::InvalidValue, "invalid method", label);
        }
        let upper = method.to_ascii_uppercase();
        if method != upper
            && ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"].contains(&upper.as_str())
        {
            return decoder.refuse_with_help(
                Code::InvalidValue,
                "invalid method",
                format!("no client sends {json}"),
                format!("methods are case-sensitive: write `{upper}`"),
            );
        }
        Ok(Self(method))
    }
}

impl Serialize for Method {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
