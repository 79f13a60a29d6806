//! Unique keys for made-up requests: as many users, sessions and traces as requests.

use crate::request::Request;
use brownout_core::document::sample::Key;
use brownout_core::view::{Property, RequestView};
use std::net::{IpAddr, Ipv4Addr};

/// The place of the key in a request, with what surrounds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    /// The whole value of the header with this name.
    Header(String),
    /// A cookie, after existing ones.
    Cookie(Vec<u8>),
    /// A query parameter, after the path.
    Parameter(Vec<u8>),
    /// The last bits of an address: those of the mask.
    Address(Ipv4Addr, u32),
    /// The end of a principal.
    Principal(Vec<u8>),
    Trace,
}

impl Slot {
    /// Returns the places in a request for a rule's key, the one with the most room first.
    pub fn of(key: &Key, request: &Request) -> Vec<Self> {
        match key {
            Key::SourceIp(_) => {
                let known = request.property(Property::SourceAddress).unwrap_or_default();
                let address = str::from_utf8(&known).ok().and_then(|text| text.parse().ok());
                let network = match address {
                    Some(IpAddr::V4(address)) => address,
                    _ => Ipv4Addr::new(10, 0, 0, 0),
                };
                [24, 16, 8].map(|bits| Self::Address(network, (1 << bits) - 1)).into()
            }
            other => vec![Self::single(other, request)],
        }
    }

    fn single(key: &Key, request: &Request) -> Self {
        let before = |name: &str, separator: &[u8]| {
            let mut value = request.first_value(name).unwrap_or_default();
            if !value.is_empty() {
                value.extend(separator);
            }
            value
        };
        match key {
            Key::Header(name) => Self::Header(name.as_str().into()),
            Key::Cookie(name) => {
                let mut cookies = before("cookie", b"; ");
                cookies.extend(format!("{}=", name.as_str()).into_bytes());
                Self::Cookie(cookies)
            }
            Key::QueryParameter(name) => {
                let mut path = request.first_value(":path").unwrap_or_default();
                path.push(if path.contains(&b'?') { b'&' } else { b'?' });
                path.extend(format!("{}=", name.as_str()).into_bytes());
                Self::Parameter(path)
            }
            Key::Principal(_) => {
                let known = request.property(Property::PeerUriSan);
                Self::Principal(known.unwrap_or_else(|| b"spiffe://cluster.local/ns/default/sa/".to_vec()))
            }
            Key::SourceIp(_) | Key::Trace(_) => Self::Trace,
        }
    }

    /// Puts the key with that number there.
    pub fn fill(&self, number: u32, request: &mut Request) {
        let with = |before: &[u8]| [before, format!("k{number}").as_bytes()].concat();
        match self {
            Self::Header(name) => request.set(name, format!("k{number}").as_bytes()),
            Self::Cookie(before) => request.set("cookie", &with(before)),
            Self::Parameter(before) => request.set(":path", &with(before)),
            Self::Address(network, mask) => {
                let address = Ipv4Addr::from_bits(network.to_bits() | (number & mask));
                request.know(Property::SourceAddress, address.to_string());
            }
            Self::Principal(before) => request.know(Property::PeerUriSan, with(before)),
            Self::Trace => {
                let trace = format!("00-{:032x}-00000000000000aa-01", u64::from(number) + 1);
                request.set("traceparent", trace.as_bytes());
            }
        }
    }
}
