//! Command-line values, in types that are always valid.

use super::{Misfit, misfit};
use std::str::FromStr;

/// A label of pods, `key=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The part before the `=`.
    pub key: String,
    /// The part after the `=`.
    pub value: String,
}

impl FromStr for Label {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Self { key: key.into(), value: value.into() }),
            _ => Err("expected `key=value`, such as `app=reviews`".into()),
        }
    }
}

/// A SHA-256: 64 hexadecimal digits, with or without `sha256:` before them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest(pub String);

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        if digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(digits.to_ascii_lowercase()))
        } else {
            Err("expected `sha256:` and 64 hexadecimal digits".into())
        }
    }
}

/// A name that Kubernetes accepts: at most 63 lower-case letters, digits and `-`, or several of these with `.` between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(pub String);

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_edge = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let is_inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_label = |label: &str| {
            let bytes = label.as_bytes();
            let edges = is_edge(bytes.first()) && is_edge(bytes.last());
            edges && bytes.len() <= 63 && bytes.iter().copied().all(is_inside)
        };
        if text.split('.').all(is_label) {
            Ok(Self(text.into()))
        } else {
            Err("expected lower-case letters, digits and `-`, such as `reviews`".into())
        }
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The arguments of every target.
#[derive(Debug, clap::Args)]
pub struct Common {
    /// The document, JSON or YAML; `-` is standard input.
    pub file: std::path::PathBuf,
    /// The name of the resource.
    #[arg(long, value_name = "NAME", default_value = "brownout")]
    pub name: Name,
}

/// The source of the module, for targets that pull it.
#[derive(Debug, clap::Args)]
pub struct ModuleSource {
    /// The OCI image of the module: `registry.example/brownout:0.2.0`.
    #[arg(long, value_name = "IMAGE", value_parser = image)]
    pub image: Option<String>,
    /// The digest of the image's manifest, which pins the module even if the tag moves.
    #[arg(long, value_name = "DIGEST", requires = "image")]
    pub digest: Option<Digest>,
}

/// Returns the image without the scheme, which only some targets want.
fn image(text: &str) -> Result<String, String> {
    let text = text.strip_prefix("oci://").unwrap_or(text);
    if text.is_empty() || text.contains("://") || text.contains(char::is_whitespace) {
        return Err("expected an image, such as `registry.example/brownout:0.2.0`".into());
    }
    Ok(text.into())
}

impl ModuleSource {
    /// Returns a warning if the image is not pinned to a digest.
    pub fn warning(&self) -> Option<String> {
        let unpinned = self.image.is_some() && self.digest.is_none();
        unpinned.then(|| {
            "the image has no `--digest`: anyone who can push that tag decides what runs in the proxies"
                .into()
        })
    }
}

/// Whether the plugin shares a VM with others.
#[derive(Debug, clap::Args)]
pub struct Sharing {
    /// Run the module in a VM of its own: a crash affects no other plugin, and limits are counted separately.
    #[arg(long)]
    pub own_vm: bool,
}

impl Sharing {
    /// Returns the `vm_id` to set, if any.
    pub fn vm_id<'a>(&self, name: &'a str) -> Option<&'a str> {
        self.own_vm.then_some(name)
    }
}

/// A file with the module, as the proxy sees it.
#[derive(Debug, clap::Args)]
pub struct ModulePath {
    /// The module's file, as the proxy's container sees it.
    #[arg(long, value_name = "PATH", value_parser = absolute)]
    pub module_path: Option<String>,
}

/// The `--gate` option, for targets that can have a gate.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Gated {
    /// Keep requests that no rule can match out of the module: Envoy itself checks for the headers that the rules need.
    #[arg(long)]
    pub gate: bool,
}

/// The same option for targets that cannot have a gate, which refuse it.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Ungated {
    #[arg(long, hide = true)]
    gate: bool,
}

impl Ungated {
    /// Refuses a gate, for this reason.
    pub fn check(self, why: &str) -> Result<(), Misfit> {
        if self.gate { misfit(format!("{why}: leave `--gate` out")) } else { Ok(()) }
    }
}

/// Parses an absolute path, with or without `file://` before it.
pub fn absolute(text: &str) -> Result<String, String> {
    let text = text.strip_prefix("file://").unwrap_or(text);
    if text.starts_with('/') { Ok(text.into()) } else { Err("expected a path that begins with `/`".into()) }
}

#[cfg(test)]
mod tests {
    use super::{Digest, Label, Name};

    #[test]
    fn digests_are_64_digits() {
        let digits = "0".repeat(64);
        assert_eq!(format!("sha256:{digits}").parse(), Ok(Digest(digits.clone())));
        assert!(digits[1..].parse::<Digest>().is_err());
        assert!(format!("sha512:{digits}").parse::<Digest>().is_err());
    }

    #[test]
    fn names_are_those_of_kubernetes() {
        for good in ["brownout", "a.b", "0"] {
            assert_eq!(good.parse(), Ok(Name(good.into())));
        }
        for bad in ["", "A", "a_b", "-a", "a..b", &"a".repeat(64)] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_label_has_a_key() {
        assert_eq!("app=".parse(), Ok(Label { key: "app".into(), value: String::new() }));
        assert!("=a".parse::<Label>().is_err());
        assert!("app".parse::<Label>().is_err());
    }
}
