//! Checks that an address is free. Envoy's own error about a taken one comes late and names no flag.

use std::io;
use std::net::{SocketAddr, TcpListener};

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "{what} cannot listen on {address}: the address is in use; choose another with `{flag}` ({flag} 127.0.0.1:0 \
         picks a free port)"
    )]
    Taken {
        /// The listener's name in messages, such as `the proxy`.
        what: &'static str,
        address: SocketAddr,
        /// The flag that changes it.
        flag: &'static str,
    },
    /// The system does not allow it or does not have that address.
    #[error("{what} cannot listen on {address}: {source}; choose another with `{flag}`")]
    Refused {
        /// The listener's name in messages, such as `the proxy`.
        what: &'static str,
        address: SocketAddr,
        /// The flag that changes it.
        flag: &'static str,
        source: io::Error,
    },
}

/// Checks that an address can be listened on, by binding it for a moment.
///
/// # Errors
/// When it cannot; the message names the address and the flag that changes it.
pub fn free(address: SocketAddr, what: &'static str, flag: &'static str) -> Result<(), Error> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(Error::Taken { what, address, flag }),
        Err(source) => Err(Error::Refused { what, address, flag, source }),
    }
}
