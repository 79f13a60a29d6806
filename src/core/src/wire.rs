//! A document that came in the wrong envelope. Envoy hands a plugin the text of a `google.protobuf.StringValue`, but
//! of a `google.protobuf.Struct` the serialized message, which no JSON parser can say anything useful about.

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::path::Path;

/// Whether these bytes are a serialized `google.protobuf.Struct`: one length-delimited field 1 after another.
pub fn is_struct(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(field) = rest.strip_prefix(b"\x0a") {
        let Some((length, after)) = varint(field) else { return false };
        let Some((entry, next)) = after.split_at_checked(length) else { return false };
        // Each field is an entry of a map, and begins with its key: another length-delimited field 1.
        let key = entry.strip_prefix(b"\x0a").and_then(varint);
        if key.is_none_or(|(length, after)| length > after.len()) {
            return false;
        }
        rest = next;
    }
    rest.is_empty() && !bytes.is_empty()
}

/// A protobuf varint, and what follows it.
fn varint(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value: usize = 0;
    for (position, byte) in bytes.iter().enumerate().take(4) {
        value |= usize::from(byte & 0x7f) << (7 * position);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(position + 1..)?));
        }
    }
    None
}

/// What to say about it.
pub fn sent_as_struct() -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code: Code::SentAsStruct,
        path: Path::default(),
        position: None,
        message: "the configuration was sent as a protobuf Struct".into(),
        label: "expected a StringValue with the document as JSON text".into(),
        help: Some("write `configuration: {\"@type\": type.googleapis.com/google.protobuf.StringValue, value: '{…}'}`".into()),
    }
}
