//! Bounded reading of untrusted input: a device, a pipe or a service may never end.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

const MEBIBYTE: u64 = 1024 * 1024;

static MOST: AtomicU64 = AtomicU64::new(64 * MEBIBYTE);

/// Returns the largest input, in bytes.
pub fn most() -> u64 {
    MOST.load(Ordering::Relaxed)
}

/// Sets the largest input, in bytes. To be called before any is read.
pub fn set_most(bytes: u64) {
    MOST.store(bytes, Ordering::Relaxed);
}

/// Parses a size: `64MiB`, `512KiB`, `1GiB`, or a number of bytes.
///
/// # Errors
/// When the text is not one.
pub fn size(text: &str) -> Result<u64, String> {
    let units = [("KiB", 1024), ("MiB", MEBIBYTE), ("GiB", 1024 * MEBIBYTE)];
    let unit = units.into_iter().find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, bytes)));
    let (number, bytes) = unit.unwrap_or((text, 1));
    let size = number.trim_end().parse::<u64>().ok().and_then(|number| number.checked_mul(bytes));
    size.filter(|size| (1..=1 << 40).contains(size)).ok_or_else(|| "expected a size such as `256MiB`".into())
}

/// Reads a whole file.
///
/// # Errors
/// When it cannot be read, or is longer than [`most`].
pub fn file(path: &Path) -> io::Result<Vec<u8>> {
    all(File::open(path)?)
}

/// Reads everything from a reader.
///
/// # Errors
/// As [`file()`].
pub fn all(reader: impl Read) -> io::Result<Vec<u8>> {
    up_to(reader, most())
}

/// Reads everything from a reader, with another limit in bytes.
///
/// # Errors
/// As [`file()`].
pub fn up_to(reader: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let reason = format!("larger than the limit of {}; see --max-input", written(most));
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
    }
    Ok(bytes)
}

fn written(bytes: u64) -> String {
    if bytes.is_multiple_of(MEBIBYTE) {
        format!("{} MiB", bytes / MEBIBYTE)
    } else {
        brownout_core::words::counted(bytes, "byte")
    }
}

#[cfg(test)]
mod tests {
    use super::{all, size, up_to};
    use std::io::{ErrorKind, repeat};

    #[test]
    fn what_never_ends_is_refused() {
        let error = all(repeat(b'x')).expect_err("endless");
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
        assert_eq!(error.to_string(), "larger than the limit of 64 MiB; see --max-input");
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(["1", "2KiB", "3 MiB", "1GiB"].map(size), [Ok(1), Ok(2048), Ok(3 << 20), Ok(1 << 30)]);
        for wrong in ["", "0", "-1", "1MB", "MiB", "99999999999GiB", "1.5MiB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_fits_is_read() {
        assert_eq!(up_to(&b"abc"[..], 3).expect("it fits"), b"abc");
        assert!(up_to(&b"abcd"[..], 3).is_err());
    }
}
