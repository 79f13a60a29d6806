//! A line of an access log in one of the two text formats that most meshes have.

use super::access_log::Key;
use brownout_core::view::Property;

/// Envoy's default format: the fields that describe the request. Source: Envoy's documentation, "Access
/// logging", default format string.
const ENVOY: (usize, &[(usize, Key)]) = (
    13,
    &[
        (0, Key::Start),
        (8, Key::Header("x-forwarded-for")),
        (9, Key::Header("user-agent")),
        (10, Key::Header("x-request-id")),
        (11, Key::Header(":authority")),
    ],
);
/// Istio's default format. Source: Istio's documentation, "Envoy Access Logs".
const ISTIO: (usize, &[(usize, Key)]) = (
    22,
    &[
        (0, Key::Start),
        (11, Key::Header("x-forwarded-for")),
        (12, Key::Header("user-agent")),
        (13, Key::Header("x-request-id")),
        (14, Key::Header(":authority")),
        (16, Key::Fact(Property::ClusterName)),
        (19, Key::Fact(Property::SourceAddress)),
        (21, Key::Fact(Property::RouteName)),
    ],
);

/// Returns the fields of a line.
///
/// # Errors
/// The reason why it is in neither format.
pub fn fields(line: &str) -> Result<Vec<(Key, String)>, String> {
    let words = words(line)?;
    let Some((_, places)) = [ENVOY, ISTIO].into_iter().find(|(count, _)| *count == words.len()) else {
        return Err(format!(
            "{} fields: expected JSON, Envoy's default format ({} fields) or Istio's ({})",
            words.len(),
            ENVOY.0,
            ISTIO.0
        ));
    };
    let mut fields: Vec<(Key, String)> =
        places.iter().map(|(place, key)| (*key, words[*place].clone())).collect();
    let request: Vec<&str> = words[1].split(' ').collect();
    let [method, path, _protocol] = request.as_slice() else {
        return Err(format!("`{}` is not a request line: expected `GET /path HTTP/1.1`", words[1]));
    };
    fields.push((Key::Header(":method"), (*method).to_owned()));
    fields.push((Key::Path, (*path).to_owned()));
    Ok(fields)
}

/// Words between blanks, in quotes, or in brackets.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let close = match first {
            '"' => Some('"'),
            '[' if words.is_empty() => Some(']'),
            _ => None,
        };
        let (word, after) = match close {
            Some(close) => {
                rest[1..].split_once(close).ok_or_else(|| format!("`{first}` is not closed by `{close}`"))?
            }
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    Ok(words)
}
