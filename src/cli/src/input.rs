//! Bounded reading of untrusted input: a device, a pipe or a service may never end.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The largest input, in bytes.
pub const MOST: u64 = 64 * 1024 * 1024;

/// Reads a whole file.
///
/// # Errors
/// When it cannot be read, or is longer than [`MOST`].
pub fn file(path: &Path) -> io::Result<Vec<u8>> {
    all(File::open(path)?)
}

/// Reads everything from a reader.
///
/// # Errors
/// As [`file()`].
pub fn all(reader: impl Read) -> io::Result<Vec<u8>> {
    up_to(reader, MOST)
}

/// Reads everything from a reader, with another limit in bytes.
///
/// # Errors
/// As [`file()`].
pub fn up_to(reader: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let reason = format!("larger than the limit of {} MiB", most / (1024 * 1024));
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{all, up_to};
    use std::io::{ErrorKind, repeat};

    #[test]
    fn what_never_ends_is_refused() {
        let error = all(repeat(b'x')).expect_err("endless");
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
        assert_eq!(error.to_string(), "larger than the limit of 64 MiB");
    }

    #[test]
    fn what_fits_is_read() {
        assert_eq!(up_to(&b"abc"[..], 3).expect("it fits"), b"abc");
        assert!(up_to(&b"abcd"[..], 3).is_err());
    }
}
