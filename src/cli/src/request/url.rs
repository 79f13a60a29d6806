//! The parts of a URL that a request line has.

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Url {
    /// `http` or `https`.
    pub scheme: String,
    /// The host and port; empty if the text was only a path.
    pub authority: String,
    /// Path and query; `/` if there is none.
    pub path: String,
    /// The part before an `@`: user and password.
    pub user: Option<String>,
}

impl Url {
    /// Reads a URL, with or without a scheme: `localhost:8080/pay` is one of `http`. One that begins with `/` is a path
    /// alone.
    ///
    /// # Errors
    /// What is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("an empty URL".into());
        }
        if text.contains(|character: char| character.is_ascii_control() || character == ' ') {
            return Err(format!("`{}` contains a space or a control character", text.escape_debug()));
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let scheme = scheme.to_ascii_lowercase();
        if !["http", "https"].contains(&scheme.as_str()) {
            return Err(format!("`{scheme}` is not an HTTP scheme: expected `http` or `https`"));
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let path = path.split('#').next().unwrap_or_default();
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let (user, authority) = match authority.rsplit_once('@') {
            Some((user, authority)) => (Some(user.to_owned()), authority),
            None => (None, authority),
        };
        if authority.is_empty() && text.contains("://") {
            return Err(format!("`{text}` has no host"));
        }
        Ok(Self { scheme, authority: authority.to_owned(), path, user })
    }
}

#[cfg(test)]
mod tests {
    use super::Url;

    fn parts(text: &str) -> (String, String, String) {
        let Url { scheme, authority, path, .. } = Url::parse(text).expect("a URL");
        (scheme, authority, path)
    }

    fn owned((scheme, authority, path): (&str, &str, &str)) -> (String, String, String) {
        (scheme.into(), authority.into(), path.into())
    }

    #[test]
    fn a_url_has_a_scheme_an_authority_and_a_path_with_its_query() {
        assert_eq!(parts("https://shop:8443/pay?a=b#top"), owned(("https", "shop:8443", "/pay?a=b")));
        assert_eq!(parts("localhost:8080?x"), owned(("http", "localhost:8080", "/?x")));
        assert_eq!(parts("http://me:secret@[::1]:80"), owned(("http", "[::1]:80", "/")));
        assert_eq!(parts("/checkout"), owned(("http", "", "/checkout")));
    }

    #[test]
    fn what_is_not_a_url_of_http_is_refused() {
        for text in ["", "ftp://x/", "http:///x", "http://a b/"] {
            assert!(Url::parse(text).is_err(), "{text}");
        }
    }
}
