//! Whether an address is free. Envoy's own message about one that is not comes late and names no flag.

use std::io;
use std::net::{SocketAddr, TcpListener};

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process has it.
    #[error(
        "{what} cannot listen on {address}: another program does; choose another with `{flag}` ({flag} 127.0.0.1:0 takes a free port)"
    )]
    Taken {
        /// Who wanted it.
        what: &'static str,
        /// The address.
        address: SocketAddr,
        /// The flag that changes it.
        flag: &'static str,
    },
    /// The system does not allow it, or does not have it.
    #[error("{what} cannot listen on {address}: {source}; choose another with `{flag}`")]
    Refused {
        /// Who wanted it.
        what: &'static str,
        /// The address.
        address: SocketAddr,
        /// The flag that changes it.
        flag: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// Tries an address and lets it go again.
///
/// # Errors
/// Names the address and the flag that changes it.
pub fn free(address: SocketAddr, what: &'static str, flag: &'static str) -> Result<(), Error> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(Error::Taken { what, address, flag }),
        Err(source) => Err(Error::Refused { what, address, flag, source }),
    }
}
