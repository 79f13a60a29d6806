//! The request that a curl command line would send.

use super::{Request, Unusable, Url, shell};

/// Options with a value that does not affect the request: the value is skipped with them.
const SKIPPED: &[&str] = &[
    "--cacert",
    "--capath",
    "--cert",
    "--cert-type",
    "--ciphers",
    "--connect-timeout",
    "--connect-to",
    "--cookie-jar",
    "--dump-header",
    "--interface",
    "--key",
    "--key-type",
    "--limit-rate",
    "--max-redirs",
    "--max-time",
    "--noproxy",
    "--output",
    "--pass",
    "--proxy",
    "--proxy-user",
    "--resolve",
    "--retry",
    "--retry-delay",
    "--retry-max-time",
    "--stderr",
    "--tls-max",
    "--trace",
    "--trace-ascii",
    "--unix-socket",
    "--write-out",
];
/// Short options that take a value, and their long forms.
const SHORT: &[(char, &str)] = &[
    ('A', "--user-agent"),
    ('b', "--cookie"),
    ('c', "--cookie-jar"),
    ('d', "--data"),
    ('D', "--dump-header"),
    ('e', "--referer"),
    ('E', "--cert"),
    ('F', "--form"),
    ('H', "--header"),
    ('K', "--config"),
    ('m', "--max-time"),
    ('o', "--output"),
    ('r', "--range"),
    ('T', "--upload-file"),
    ('u', "--user"),
    ('U', "--proxy-user"),
    ('w', "--write-out"),
    ('x', "--proxy"),
    ('X', "--request"),
];
/// Options with a value that affects the request.
const TAKEN: &[&str] = &[
    "--user-agent",
    "--cookie",
    "--data",
    "--data-ascii",
    "--data-binary",
    "--data-raw",
    "--data-urlencode",
    "--form",
    "--header",
    "--json",
    "--oauth2-bearer",
    "--range",
    "--referer",
    "--request",
    "--upload-file",
    "--url",
    "--url-query",
    "--user",
];
const FORM: &str = "application/x-www-form-urlencoded";

/// The options read so far.
#[derive(Default)]
struct CurlOptions {
    url: Option<String>,
    method: Option<String>,
    headers: Vec<(String, String)>,
    /// The method and content type that a body implies.
    body: Option<(&'static str, Option<&'static str>)>,
    data: Vec<String>,
    query: Vec<String>,
    get: bool,
    head: bool,
    json: bool,
    user: Option<String>,
}

/// Reads a command line such as `curl -H 'x-user: 1' https://shop/pay`; the word `curl` may be missing.
///
/// # Errors
/// What is wrong: a quote that is not closed, an option without its value, no URL or more than one, or an option that
/// takes the request from a file.
pub fn parse(line: &str) -> Result<Request, Unusable> {
    let wrong = |reason: String| Unusable::wrong("--curl", reason);
    let words = shell::words(line).map_err(wrong)?;
    let mut rest = words.into_iter().peekable();
    rest.next_if(|word| word == "curl" || word.ends_with("/curl"));
    let mut said = CurlOptions::default();
    while let Some(word) = rest.next() {
        read(&word, &mut rest, &mut said).map_err(wrong)?;
    }
    build(said).map_err(wrong)
}

fn read(word: &str, rest: &mut dyn Iterator<Item = String>, said: &mut CurlOptions) -> Result<(), String> {
    if !word.starts_with('-') || word == "-" {
        return take_url(word, said);
    }
    if word.starts_with("--") {
        return match SKIPPED.contains(&word) || TAKEN.contains(&word) || word == "--config" {
            true => rest.next().map_or_else(|| Err(missing(word)), |value| take(word, value, said)),
            false => {
                flag(word, said);
                Ok(())
            }
        };
    }
    let mut letters = word.chars().skip(1);
    while let Some(letter) = letters.next() {
        let Some((_, long)) = SHORT.iter().find(|(short, _)| *short == letter) else {
            flag(
                match letter {
                    'G' => "--get",
                    'I' => "--head",
                    _ => "",
                },
                said,
            );
            continue;
        };
        // The rest of the word is the value, or else the next word.
        let attached: String = letters.by_ref().collect();
        let value = if attached.is_empty() { rest.next() } else { Some(attached) };
        return value.map_or_else(|| Err(missing(&format!("-{letter}"))), |value| take(long, value, said));
    }
    Ok(())
}

fn missing(option: &str) -> String {
    format!("`{option}` needs a value")
}

fn flag(word: &str, said: &mut CurlOptions) {
    match word {
        "--get" => said.get = true,
        "--head" => said.head = true,
        _ => {}
    }
}

fn take_url(text: &str, said: &mut CurlOptions) -> Result<(), String> {
    match said.url.replace(text.to_owned()) {
        None => Ok(()),
        Some(first) => Err(format!("two URLs, `{first}` and `{text}`: use one command for each")),
    }
}

fn take(option: &str, value: String, said: &mut CurlOptions) -> Result<(), String> {
    let header =
        |name: &str, value: String, said: &mut CurlOptions| said.headers.push((name.to_owned(), value));
    match option {
        "--url" => return take_url(&value, said),
        "--request" => said.method = Some(value),
        "--header" if value.starts_with('@') => {
            return Err(format!("headers from a file (`{value}`) are not supported"));
        }
        "--header" => said.headers.push(split_header(&value)?),
        "--user-agent" => header("user-agent", value, said),
        "--referer" => header("referer", value, said),
        "--cookie" if !value.contains('=') => {
            return Err(format!("cookies from a file (`{value}`) are not supported"));
        }
        "--cookie" => header("cookie", value, said),
        "--range" => header("range", format!("bytes={value}"), said),
        "--oauth2-bearer" => header("authorization", format!("Bearer {value}"), said),
        "--user" => said.user = Some(value),
        "--url-query" => said.query.push(value),
        "--form" => said.body = Some(("POST", Some("multipart/form-data"))),
        "--upload-file" => said.body = Some(("PUT", None)),
        "--json" => {
            said.json = true;
            said.body = Some(("POST", Some("application/json")));
        }
        "--config" => return Err(format!("options from a file (`{value}`) are not supported")),
        data if data.starts_with("--data") => {
            said.body = said.body.or(Some(("POST", Some(FORM))));
            said.data.push(value);
        }
        _ => {}
    }
    Ok(())
}

/// `name: value`; `name;` is a header without a value, and `name:` takes one away.
fn split_header(text: &str) -> Result<(String, String), String> {
    if let Some(name) = text.strip_suffix(';').filter(|name| !name.contains(':')) {
        return Ok((name.trim().to_owned(), String::new()));
    }
    let split = text.split_once(':').filter(|(name, _)| !name.trim().is_empty());
    let (name, value) = split.ok_or_else(|| format!("`{text}` is not a header: write `name: value`"))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn build(said: CurlOptions) -> Result<Request, String> {
    let text = said.url.as_deref().ok_or("no URL")?;
    let mut url = Url::parse(text)?;
    let data = if said.get { said.data.as_slice() } else { &[] };
    for part in said.query.iter().chain(data) {
        url.path.push(if url.path.contains('?') { '&' } else { '?' });
        url.path.push_str(part);
    }
    let body = said.body.filter(|_| !said.get);
    let method = match (&said.method, body, said.head) {
        (Some(method), _, _) => method,
        (None, _, true) => "HEAD",
        (None, Some((method, _)), _) => method,
        (None, None, _) => "GET",
    };
    let mut request = Request::new(method, &url);
    let mut defaults = vec![("user-agent", "curl/8".to_owned()), ("accept", "*/*".to_owned())];
    defaults.extend(body.and_then(|(_, kind)| kind).map(|kind| ("content-type", kind.to_owned())));
    if said.json {
        defaults.push(("accept", "application/json".to_owned()));
    }
    if let Some(user) = said.user.as_ref().or(url.user.as_ref()) {
        // The credentials themselves are not needed here.
        let name = user.split(':').next().unwrap_or_default();
        defaults.push(("authorization", format!("Basic <{name}>")));
    }
    for (name, value) in defaults {
        request.set(name, value.as_bytes());
    }
    // A given header replaces curl's default; a header without a value removes it.
    let given = |name: &str| said.headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
    request.headers.retain(|(name, _)| name.starts_with(':') || !given(name));
    for (name, value) in said.headers.iter().filter(|(_, value)| !value.is_empty()) {
        request.add(name, value.as_bytes());
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn headers(line: &str) -> Vec<(String, String)> {
        let request = parse(line).expect("a request");
        let text = |value: Vec<u8>| String::from_utf8(value).expect("UTF-8");
        request.headers.into_iter().map(|(name, value)| (name, text(value))).collect()
    }

    fn owned(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn what_a_browser_copies_becomes_its_request() {
        let line = "curl 'https://shop.example/pay?x=1' \\\n  -H 'User-Agent: Mozilla/5.0' \\\n  -H 'x-user: 7' \\\n  \
                    -b 'session=abc' --data-raw $'{\"a\":1}' --compressed";
        let expected = [
            (":method", "POST"),
            (":scheme", "https"),
            (":authority", "shop.example"),
            (":path", "/pay?x=1"),
            ("accept", "*/*"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("user-agent", "Mozilla/5.0"),
            ("x-user", "7"),
            ("cookie", "session=abc"),
        ];
        let mut found = headers(line);
        let cookie = found.iter().position(|(name, _)| name == "cookie").expect("a cookie");
        let cookie = found.remove(cookie);
        found.push(cookie);
        assert_eq!(found, owned(&expected));
    }

    #[test]
    fn short_options_may_be_run_together_and_values_attached() {
        let found = headers("curl -sSXPUT -Hx-a:1 -ofile -w '%{http_code}' localhost:80/a -I");
        assert_eq!(found[0], (":method".into(), "PUT".into()));
        assert!(found.contains(&("x-a".into(), "1".into())), "{found:?}");
        let found = headers("curl -G -d a=1 -d b=2 -H 'Accept:' -H 'Host: other' http://x/?c=3");
        let expected = [
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "other"),
            (":path", "/?c=3&a=1&b=2"),
            ("user-agent", "curl/8"),
        ];
        assert_eq!(found, owned(&expected));
    }

    #[test]
    fn a_command_line_that_is_no_request_is_refused_with_the_reason() {
        let reason = |line: &str| parse(line).expect_err("refused").to_string();
        assert_eq!(reason("curl -v"), "--curl: no URL");
        assert_eq!(
            reason("curl http://a http://b"),
            "--curl: two URLs, `http://a` and `http://b`: use one command for each"
        );
        assert_eq!(reason("curl http://a -H"), "--curl: `-H` needs a value");
        assert_eq!(
            reason("curl http://a -H broken"),
            "--curl: `broken` is not a header: write `name: value`"
        );
        assert_eq!(reason("curl 'http://a"), "--curl: a single quote `'` is not closed");
    }
}
