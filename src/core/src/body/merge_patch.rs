//! JSON merge patch (RFC 7396). Values that the patch does not name stay as they were written, byte for byte: numbers
//! keep their digits, strings their escapes. Members keep their order.

use crate::decode::json::Json;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Applies the patch to a body; `None` if the body is not JSON.
pub fn apply(body: &[u8], patch: &Json) -> Option<Vec<u8>> {
    let target: &RawValue = serde_json::from_slice(body).ok()?;
    let mut out = Vec::with_capacity(body.len());
    merge(Some(target), patch, &mut out)?;
    Some(out)
}

fn merge(target: Option<&RawValue>, patch: &Json, out: &mut Vec<u8>) -> Option<()> {
    let Json::Object(changes) = patch else { return write(patch, out) };
    // A target that is not an object counts as an empty one.
    let members =
        target.and_then(|target| serde_json::from_slice::<Members<'_>>(target.get().as_bytes()).ok());
    let members = members.map_or_else(Vec::new, |members| members.0);
    let mut object = ObjectWriter { out, empty: true };
    object.out.push(b'{');
    let mut done: Vec<&str> = Vec::new();
    for (name, value) in &members {
        let change = changes.iter().find(|(changed, _)| changed == name);
        match change {
            None => object.member(name, |out| raw(value, out))?,
            // A duplicate name in the target is merged into one.
            Some((name, _)) if done.contains(&name.as_str()) => {}
            Some((name, change)) => {
                done.push(name);
                if *change != Json::Null {
                    object.member(name, |out| merge(Some(value), change, out))?;
                }
            }
        }
    }
    for (name, change) in changes {
        if !done.contains(&name.as_str()) && *change != Json::Null {
            done.push(name);
            object.member(name, |out| merge(None, change, out))?;
        }
    }
    object.out.push(b'}');
    Some(())
}

/// An object that is being written.
struct ObjectWriter<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl ObjectWriter<'_> {
    fn member(&mut self, name: &str, value: impl FnOnce(&mut Vec<u8>) -> Option<()>) -> Option<()> {
        if !core::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        self.out.extend(serde_json::to_vec(name).ok()?);
        self.out.push(b':');
        value(self.out)
    }
}

#[allow(clippy::unnecessary_wraps, reason = "as the other writers")]
fn raw(value: &RawValue, out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(value.get().as_bytes());
    Some(())
}

fn write(value: &Json, out: &mut Vec<u8>) -> Option<()> {
    out.extend(serde_json::to_vec(value).ok()?);
    Some(())
}

/// The members of an object in order, with their values unparsed.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = object.next_entry::<String, &'de RawValue>()? {
            members.push((name, value));
        }
        Ok(Members(members))
    }
}
