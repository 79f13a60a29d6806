//! Conditions on the sender of a request: its address, and the identity in the peer's certificate.

use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::{Decode, Decoder, Refused, object, schema};
use crate::predicate::string::StringMatcher;
use crate::view::{Property, RequestView};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use serde::{Serialize, Serializer};

object! {
    /// A condition on the sender of the request.
    #[derive(Debug, Clone)]
    pub struct Source {
        /// The downstream remote address is in one of these networks. An IPv4-mapped IPv6 address
        /// (`::ffff:10.0.0.1`) counts as IPv4.
        pub cidrs: Option<Vec<Cidr>>,
        /// Matches the first URI SAN of the peer's certificate: `spiffe://cluster.local/ns/shop/sa/cart`. A peer
        /// without one does not match.
        pub principal: Option<StringMatcher>,
    }
    check Self::check
}

impl Source {
    fn check(&self, decoder: &mut Decoder) -> Result<(), Refused> {
        if !self.cidrs.as_ref().is_some_and(Vec::is_empty) {
            return Ok(());
        }
        decoder.field("cidrs", |d| {
            d.refuse_with_help(
                Code::InvalidValue,
                "an empty `cidrs` matches nothing",
                "",
                "leave it out for every address",
            )
        })
    }

    /// Returns whether the sender matches.
    pub fn matches(&self, request: &dyn RequestView) -> bool {
        let cidrs = self.cidrs.as_ref().is_none_or(|cidrs| {
            address(request).is_some_and(|address| cidrs.iter().any(|cidr| cidr.contains(address)))
        });
        let principal = |matcher: &StringMatcher| {
            request.property(Property::PeerUriSan).is_some_and(|san| matcher.matches_in(request, &san))
        };
        cidrs && self.principal.as_ref().is_none_or(principal)
    }
}

/// Returns the sender's address without the port; the host prints it as `10.0.0.1:51234` or `[::1]:51234`.
pub fn address(request: &dyn RequestView) -> Option<IpAddr> {
    let value = request.property(Property::SourceAddress)?;
    let text = core::str::from_utf8(&value).ok()?;
    let alone = text.parse::<IpAddr>().ok();
    let address = alone.or_else(|| text.parse().ok().map(|with_port: SocketAddr| with_port.ip()))?;
    Some(address.to_canonical())
}

/// A network: `10.0.0.0/8`, `fd00::/8`, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    network: IpAddr,
    prefix: u32,
}

impl Cidr {
    fn bits(address: IpAddr) -> (u128, u32) {
        match address {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, 32),
            IpAddr::V6(v6) => (v6.to_bits(), 128),
        }
    }

    /// Returns the address with all bits after the prefix cleared.
    fn masked(address: IpAddr, prefix: u32) -> IpAddr {
        let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
        let kept = Self::bits(address).0 & mask;
        match address {
            #[allow(
                clippy::cast_possible_truncation,
                reason = "the bits of an IPv4 address are the upper 32"
            )]
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits((kept >> 96) as u32)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(kept)),
        }
    }

    /// Returns whether the network contains an address.
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.network.is_ipv4() && Self::masked(address, self.prefix) == self.network
    }
}

/// Converts a network of IPv4-mapped IPv6 addresses to a network of IPv4 addresses.
fn canonical((network, prefix): (IpAddr, u32)) -> (IpAddr, u32) {
    match (network.to_canonical(), prefix.checked_sub(96)) {
        (v4 @ IpAddr::V4(_), Some(prefix)) if network.is_ipv6() => (v4, prefix),
        _ => (network, prefix),
    }
}

/// Returns whether the text has no plus sign, which Rust's number parser would accept.
fn is_plain(text: &str) -> bool {
    !text.contains('+')
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

impl Serialize for Cidr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_string())
    }
}

impl Decode for Cidr {
    const EXPECTED: &'static str = "a network such as `\"10.0.0.0/8\"`";

    schema!(|_| crate::decode::describe::text("", &["10.0.0.0/8", "fd00::/8", "127.0.0.1"]));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let text = String::decode(json, decoder)?;
        let (host, prefix) = text.split_once('/').map_or((text.as_str(), None), |(h, p)| (h, Some(p)));
        let network = host.parse::<IpAddr>().ok();
        let longest = network.map_or(0, |address| Self::bits(address).1);
        let prefix = prefix.map_or(Some(longest), |prefix| prefix.parse().ok().filter(|p| *p <= longest));
        let (Some((network, prefix)), true) = (network.zip(prefix).map(canonical), is_plain(&text)) else {
            let label = format!("found {json}, expected {}", Self::EXPECTED);
            return decoder.refuse(Code::InvalidValue, "invalid network", label);
        };
        let cidr = Self { network: Self::masked(network, prefix), prefix };
        if cidr.network != network {
            let label = format!("{json} has bits set after the first {prefix}");
            return decoder.refuse_with_help(
                Code::InvalidValue,
                "invalid network",
                label,
                format!("write `{cidr}`, or `{network}` for one address"),
            );
        }
        Ok(cidr)
    }
}
