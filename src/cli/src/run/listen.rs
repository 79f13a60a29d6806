//! Listen addresses as people write them: `127.0.0.1:11000`, `localhost:11000`, `:11000` or `11000`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};

/// The address that a text names; without a host, the one of this machine alone.
///
/// # Errors
/// Says which forms there are.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    let local = |port: u16| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    if let Ok(port) = text.strip_prefix(':').unwrap_or(text).parse() {
        return Ok(local(port));
    }
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let expected =
        || "expected an address such as `127.0.0.1:10000`, `localhost:10000` or `10000`".to_owned();
    let (host, port) = text.rsplit_once(':').ok_or_else(expected)?;
    let port: u16 = port.parse().map_err(|_| expected())?;
    let mut found: Vec<SocketAddr> = (host, port)
        .to_socket_addrs()
        .map_err(|error| format!("cannot resolve `{host}`: {error}"))?
        .collect();
    // `localhost` is both, and people who then ask 127.0.0.1 should get an answer.
    found.sort_by_key(SocketAddr::is_ipv6);
    found.into_iter().next().ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn a_port_alone_is_one_of_this_machine() {
        for text in ["11000", ":11000", "127.0.0.1:11000", "localhost:11000"] {
            assert_eq!(address(text).map(|found| found.to_string()), Ok("127.0.0.1:11000".into()), "{text}");
        }
        assert_eq!(address("[::1]:0").map(|found| found.to_string()), Ok("[::1]:0".into()));
        assert_eq!(address("0.0.0.0:1").map(|found| found.to_string()), Ok("0.0.0.0:1".into()));
    }

    #[test]
    fn anything_else_is_refused_with_the_forms_there_are() {
        for text in ["", ":", "70000", "localhost", "127.0.0.1:port", "http://127.0.0.1:1/"] {
            let error = address(text).expect_err(text);
            assert!(error.starts_with("expected an address such as `127.0.0.1:10000`"), "{text}: {error}");
        }
    }
}
