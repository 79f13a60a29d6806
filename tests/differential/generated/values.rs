//! A small set of values, so that requests often match configurations.

/// Values of headers, and of the matchers that compare with them.
pub const TEXTS: [&str; 12] =
    ["", "a", "A", "ab", "b", "a,b", "5", "-3", "+7", "007", "GET", "backend.example"];

/// Header values that are unusual as numbers.
pub const NUMBERS: [&str; 9] =
    ["0", "5", "6", "-3", "+5", "007", "5.0", "9223372036854775808", "-9223372036854775809"];

/// Names of callers, as in `x-envoy-downstream-service-node`.
pub const NODES: [&str; 3] = ["one", "two", "three"];

/// Delays in milliseconds, valid or not.
pub const DELAYS: [&str; 10] =
    ["40", "40", "35", "+40", "0", "0050", "-40", "4e1", "40.0", "99999999999999999999"];

/// HTTP statuses, valid or not.
pub const STATUSES: [&str; 11] =
    ["429", "503", "200", "599", "+404", "199", "600", "429.0", "", "-1", "0x1f4"];

/// gRPC statuses, valid or not.
pub const GRPC_STATUSES: [&str; 8] = ["0", "5", "14", "16", "+7", "-1", "five", "5.0"];

/// Numerators that leave nothing to chance, valid or not.
pub const NUMERATORS: [&str; 9] =
    ["0", "0", "1000000", "4294967295", "4294967296", "abc", "-1", "1e2", "18446744073709551616"];

/// Regular expressions, each with a value that matches it.
pub const REGEXES: [(&str, &str); 11] = [
    ("a.*", "ab"),
    ("[ab]+", "ba"),
    ("(?i)AB", "aB"),
    ("a|b", "b"),
    ("\\d+", "007"),
    ("^a$", "a"),
    ("a,b", "a,b"),
    (".*", ""),
    ("[^a]*", "-3"),
    ("GET|HEAD", "GET"),
    ("/case.*", "/case"),
];
