//! The service behind the proxy.

use std::env;
use std::fmt;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

const DIAL: Duration = Duration::from_millis(500);

/// Files with the certificate authorities that a system trusts: Debian's, Red Hat's, Alpine's and macOS's.
const AUTHORITIES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// A service, by its URL: `http://localhost:8080`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// True for `https`, false for `http`.
    pub tls: bool,
    /// A name or an address, an IPv6 address without brackets.
    pub host: String,
    /// The port; 80 or 443 unless the URL says otherwise.
    pub port: u16,
}

/// Why a text is not the URL of a service.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The scheme is missing, or neither `http` nor `https`.
    #[error("expected a URL such as `http://localhost:8080`")]
    Scheme,
    #[error("the URL has no host")]
    Host,
    #[error("`{0}` is not a port")]
    Port(String),
    /// A path or a query, which would have no effect.
    #[error("remove `{0}`: the path comes from each request")]
    Path(String),
}

impl Upstream {
    /// Creates a service without TLS at an address.
    pub fn at(address: SocketAddr) -> Self {
        Self { tls: false, host: address.ip().to_string(), port: address.port() }
    }

    /// Returns host and port as in a `Host` header: without the port if it is the default.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (self.tls, self.port) {
            (false, 80) | (true, 443) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    /// Returns whether the service is at this address: a proxy in front of itself would loop.
    pub fn is_at(&self, address: SocketAddr) -> bool {
        let is_ours = |found: SocketAddr| {
            let reaches = address.ip().is_unspecified() && found.ip().is_loopback();
            found.port() == address.port() && (found.ip() == address.ip() || reaches)
        };
        address.port() != 0
            && (self.host.as_str(), self.port).to_socket_addrs().is_ok_and(|mut all| all.any(is_ours))
    }

    /// Returns whether something accepts connections there now.
    pub fn answers(&self) -> bool {
        let addresses = (self.host.as_str(), self.port).to_socket_addrs();
        addresses.is_ok_and(|mut all| all.any(|address| TcpStream::connect_timeout(&address, DIAL).is_ok()))
    }
}

/// Returns the file with the certificate authorities to trust: `SSL_CERT_FILE`, or the system's.
pub fn authorities() -> Option<PathBuf> {
    let named = env::var_os("SSL_CERT_FILE").filter(|file| !file.is_empty()).map(PathBuf::from);
    named.or_else(|| AUTHORITIES.map(PathBuf::from).into_iter().find(|path| Path::is_file(path)))
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.authority())
    }
}

impl FromStr for Upstream {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self, Error> {
        let (scheme, rest) = url.split_once("://").ok_or(Error::Scheme)?;
        let (tls, default_port) = match scheme {
            "http" => (false, 80),
            "https" => (true, 443),
            _ => return Err(Error::Scheme),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if !matches!(path, "" | "/") {
            return Err(Error::Path(path.into()));
        }
        let (host, port) = split_port(authority);
        let port = match port {
            None => default_port,
            Some(port) => {
                port.parse().ok().filter(|port| *port != 0).ok_or_else(|| Error::Port(port.into()))?
            }
        };
        if host.is_empty() {
            return Err(Error::Host);
        }
        Ok(Self { tls, host: host.into(), port })
    }
}

/// Splits host and port: `[::1]:8080` is `::1` and `8080`.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, rest.strip_prefix(':'));
    }
    authority.rsplit_once(':').map_or((authority, None), |(host, port)| (host, Some(port)))
}

#[cfg(test)]
mod tests {
    use super::{Error, Upstream};

    fn upstream(tls: bool, host: &str, port: u16) -> Result<Upstream, Error> {
        Ok(Upstream { tls, host: host.into(), port })
    }

    #[test]
    fn a_url_is_a_scheme_a_host_and_perhaps_a_port() {
        assert_eq!("http://localhost:8080".parse(), upstream(false, "localhost", 8080));
        assert_eq!("http://shop.test/".parse(), upstream(false, "shop.test", 80));
        assert_eq!("https://shop.test".parse(), upstream(true, "shop.test", 443));
        assert_eq!("http://[::1]:8080".parse(), upstream(false, "::1", 8080));
    }

    #[test]
    fn what_cannot_be_a_service_is_refused_with_the_reason() {
        assert_eq!("localhost:8080".parse::<Upstream>(), Err(Error::Scheme));
        assert_eq!("ftp://localhost".parse::<Upstream>(), Err(Error::Scheme));
        assert_eq!("http://:80".parse::<Upstream>(), Err(Error::Host));
        assert_eq!("http://a:b".parse::<Upstream>(), Err(Error::Port("b".into())));
        assert_eq!("http://a:70000".parse::<Upstream>(), Err(Error::Port("70000".into())));
        assert_eq!("http://a/b?c".parse::<Upstream>(), Err(Error::Path("/b?c".into())));
    }

    #[test]
    fn an_authority_leaves_out_the_port_that_goes_without_saying() {
        let authority = |url: &str| url.parse::<Upstream>().expect("a URL").authority();
        assert_eq!(authority("http://shop.test:80"), "shop.test");
        assert_eq!(authority("https://shop.test:8443"), "shop.test:8443");
        assert_eq!(authority("http://[::1]:8080"), "[::1]:8080");
    }
}
